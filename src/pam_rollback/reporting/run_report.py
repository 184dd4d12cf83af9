"""The HTML report of one run, at the end of the session or afterwards: its head, and its place in the history."""

from pathlib import Path

from pam_rollback.reporting import html_report, recommendation, wording
from pam_rollback.reporting.pages import write_pages
from pam_rollback.reporting.run_folder import OUT, REPORTS, RunFolder, history_of
from pam_rollback.reporting.run_record import RunRecord


def build_run(
    run: RunFolder, record: RunRecord | None, *, out: Path = OUT, reports: Path = REPORTS
) -> html_report.Built | html_report.Unavailable:
    """Builds the report of a run into its folder; ``record`` is None when the session ended before it wrote one.

    The first report of a run adds it to the history of its environment below ``out``; built again, it does not count
    twice. A run without a record stays out of every history.
    """
    if record is None:
        built = html_report.build(
            run.results,
            run.html,
            title=run.path.name,
            variables={"Verdict": wording.NO_RECORD},
            history=None,
            reports=reports,
        )
    else:
        built = html_report.build(
            run.results,
            run.html,
            title=title(record),
            variables=variables(record),
            history=history_of(record.environment.name, out),
            append_history=not run.html.exists(),
            environment=record.environment.name,
            reports=reports,
        )
    if isinstance(built, html_report.Built):
        write_pages(run.html)
    return built


def title(record: RunRecord) -> str:
    """The report's name: verdict and environment, so that a browser tab says what came out."""
    return f"{wording.verdict_word(record)}: PAM rollback {record.mode} on {record.environment.name}"


def variables(record: RunRecord) -> dict[str, str]:
    """The facts at the head of the report."""
    facts = {
        "Verdict": wording.verdict_word(record),
        "Why": "; ".join(record.reasons),
        "What to do": _what_to_do(record),
        "Environment": f"{record.environment.name} ({record.environment.kind}) {record.environment.host}",
        "Ran": wording.how_much(record),
        "Release at the end": record.release or "unknown",
        "Releases seen": ", ".join(record.releases_seen),
        "Mode": record.mode,
        "Situations": ", ".join(record.situations),
        "Pace": f"{record.pace:g}" + ("" if record.pace == 1 else " (observation windows shortened)"),
        "Started": record.started.iso,
        "Run": record.run_id,
        "Command": " ".join(record.command_line),
    }
    return {name: value for name, value in facts.items() if value}


def _what_to_do(record: RunRecord) -> str:
    if record.decision is None:
        return ""
    return "; ".join(next(entries for _, entries in recommendation.paragraphs(record.decision)))
