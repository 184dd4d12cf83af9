"""The HTML report of one run, at the end of the session or afterwards: its head, and its place in the history."""

import json
import os
from datetime import datetime
from pathlib import Path

from pam_rollback.report import html_report, recommendation, scorecard_page, wording
from pam_rollback.report.pages import RUNBOOK, TITLES, write_pages
from pam_rollback.report.redaction import shown
from pam_rollback.report.run_folder import OUT, RunFolder, history_of
from pam_rollback.report.run_record import RunRecord


def build_run(
    run: RunFolder,
    record: RunRecord | None,
    *,
    out: Path = OUT,
) -> html_report.Built | html_report.Unavailable:
    """Builds the report of a run into its folder: the scorecard as first page, the evidence beside it.

    ``record`` is None when the session ended before it wrote one: then there is the evidence only. The first report of a run adds it to
    the history of its environment below ``out``; built again, it does not count twice. A run without a record stays out of every history.
    """
    evidence = run.html / scorecard_page.EVIDENCE
    known = record is not None
    history = history_of(record.environment.name, out) if record else None
    try:
        skipped = _take_out_damage(history) if history else ""
    except OSError as error:
        return _unwritable(error)
    built = html_report.build(
        run.results,
        evidence,
        title=wording.title(record) if record else run.path.name,
        variables=variables(record) if record else {"Verdict": wording.NO_RECORD},
        history=history,
        append_history=known and not evidence.exists(),
        environment=record.environment.name if record else None,
    )
    if isinstance(built, html_report.Unavailable) and not run.html.is_dir() and not known:
        return built
    try:
        run.html.mkdir(parents=True, exist_ok=True)
        write_pages(run.html)
        if record is None:
            return built
        page = write_page(run, record)
    except OSError as error:
        return _unwritable(error)
    if isinstance(built, html_report.Unavailable):
        return html_report.Built(page, 0.0, without=built)
    return html_report.Built(page, built.seconds, skipped=skipped)


def _take_out_damage(history: Path) -> str:
    """Move lines that are no run into a file beside the history, and name them: the generator gives up at the first. Raises OSError."""
    lines = history.read_bytes().splitlines(keepends=True) if history.is_file() else []
    damaged = {number: line for number, line in enumerate(lines, 1) if not _is_run(line)}
    if not damaged:
        return ""
    beside = history.with_suffix(".damaged")
    with beside.open("ab") as kept:
        kept.writelines(line.rstrip(b"\n") + b"\n" for line in damaged.values())
    whole = history.with_suffix(".whole")
    whole.write_bytes(b"".join(line for number, line in enumerate(lines, 1) if number not in damaged))
    whole.replace(history)
    numbers = ", ".join(map(str, damaged))
    return f"{history}: line {numbers} of {len(lines)} is damaged and was left out, see {beside.name}; the evidence lacks those runs' trend"


def _is_run(line: bytes) -> bool:
    try:
        found = json.loads(line)
    except ValueError:
        return False
    return isinstance(found, dict) and isinstance(found.get("testResults"), dict)


def _unwritable(error: OSError) -> html_report.Unavailable:
    return html_report.Unavailable(
        f"the report could not be written: {error}", "make room or the place writable, then: make report"
    )


def write_page(run: RunFolder, record: RunRecord) -> Path:
    """Writes the scorecard, the report's first page, with links to what lies beside it. Raises OSError.

    Where something is not good, each finding links to its section of the runbook: then its page is there, too.
    """
    run.html.mkdir(parents=True, exist_ok=True)
    if record.verdict != "GO" and not (run.html / f"{RUNBOOK}.html").is_file():
        write_pages(run.html)
    beside = {
        "evidence, test by test": run.html / scorecard_page.EVIDENCE / "index.html",
        "run record": run.record,
        "JUnit": run.junit,
        **{title: run.html / f"{name}.html" for name, title in TITLES.items()},
    }
    links = [(name, os.path.relpath(path, run.html)) for name, path in beside.items() if path.is_file()]
    pictures = {path.stem: path.read_bytes() for path in sorted(run.pictures.glob("*.svg"))}
    page = run.html / scorecard_page.NAME
    text = scorecard_page.render(record, links=links, pictures=pictures, zone=datetime.now().astimezone().tzinfo)
    page.write_text(text, encoding="utf-8", errors="replace")
    return page


def variables(record: RunRecord) -> dict[str, str]:
    """The facts at the head of the report."""
    record = shown(record)
    facts = {
        "Verdict": wording.verdict_word(record),
        "Why": "; ".join(record.reasons),
        "What to do": "; ".join(entry for _, entries in recommendation.recommended(record)[:1] for entry in entries),
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
