"""The run record as Markdown, for the summary page of a CI job."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pam_rollback.report import checklist, in_short, readiness, recommendation, unanswered, wording
from pam_rollback.report.redaction import Redactor
from pam_rollback.report.run_record import Measured, Result, RunRecord
from pam_rollback.report.shown_record import shown
from pam_rollback.report.terminal_page import ADVISORY, alike
from pam_rollback.report.terms_table import advisory_lines, not_good
from pam_rollback.report.verdict import Outcome

BYTES_MAX: Final = 1024 * 1024
"""What GitHub accepts of one step; a longer summary is not shown at all."""

_NAMES_SHOWN: Final = 20
_CUT: Final = "\n\n_The summary was cut here: the run record has the rest._\n"
_SIGNS: Final = {
    Outcome.PASSED: "✅ ok",
    Outcome.BROKEN_CRITERION: "❌ broken",
    Outcome.ACTION_FAILED: "❌ action failed",
    Outcome.UNDO_FAILED: "❌ undo failed",
    Outcome.REFUSED: "⛔ refused",
    Outcome.UNKNOWN: "⚠️ could not measure",
    Outcome.NOT_RUN: "⏸️ not run",
    Outcome.KNOWN: "⏸️ known before",
}
_VERDICT_SIGNS: Final = {"GO": "✅", "INCONCLUSIVE": "⚠️", "PLANNED": "📋", "REFUSED": "⛔"}


def render(record: RunRecord, room: int = BYTES_MAX) -> str:
    """The summary, at most ``room`` bytes; the verdict comes first, so a cut takes the least important."""
    record = shown(record)
    blocks = [
        f"## {_VERDICT_SIGNS.get(record.verdict, '❌')} {_text(wording.verdict_line(record))}",
        _text(in_short.figures(record)),
        _text(in_short.where(record)),
        _bullets("", [*filter(None, [wording.nothing_new(record)]), *record.reasons]),
        *_recommendation(record),
        *(_bullets(f"### {heading}", entries) for heading, entries in readiness.paragraphs(record)),
        *(_bullets(f"### {heading}", entries) for heading, entries in wording.told(record)),
        _criteria(record),
        _problems(record),
        _bullets(f"### {wording.ONLY_ADVISORY}", advisory_lines(record)),
        _bullets(f"### {unanswered.HEADING}", [waiver for _, waiver in unanswered.waivers(record)]),
        _steps(record),
        _not_run(record),
        *(_bullets(f"### {heading}", entries) for heading, entries in checklist.paragraphs(record)),
        _bullets("### Conditions", wording.conditions(record)),
        f"Run {_code(record.run_id)}, {record.mode}, started {_text(record.started.iso)}, exit code {record.exit_code}.",
    ]
    text = "\n\n".join(block for block in blocks if block) + "\n"
    return _cut(text, room)


def _cut(text: str, room: int) -> str:
    """The text within so many bytes; nothing where not even a line has room."""
    body = text.encode()
    if len(body) <= room:
        return text
    kept = body[: max(0, room - len(_CUT.encode()))].decode(errors="ignore").rpartition("\n")[0]
    return kept + _CUT if kept else ""


def append(record: RunRecord, path: Path, redactor: Redactor) -> None:
    """Adds the summary without secrets to a file, the one that GITHUB_STEP_SUMMARY names. All sessions of a step share its room."""
    with path.open("a", encoding="utf-8") as summary:
        summary.write(render(shown(record, redactor.text), BYTES_MAX - summary.tell()))


def _recommendation(record: RunRecord) -> list[str]:
    if record.decision is None:
        return []
    return [_bullets(f"### {heading}", entries) for heading, entries in recommendation.paragraphs(record.decision)]


def _criteria(record: RunRecord) -> str:
    rows = [
        _row(
            " ".join(result.criteria),
            result.situation,
            measured.what + (f" ({measured.definition})" if measured.definition else ""),
            measured.asked or "-",
            wording.found(measured),
            "-" if measured.n is None else str(measured.n),
            wording.margin(measured, result.outcome),
            _sign(result),
        )
        for result in record.results
        if result.criteria and not checklist.is_item(result)
        for measured in result.measured or (Measured(result.title, "", None),)
    ]
    if not rows:
        return ""
    head = _row("id", "situation", "what", "asked", "measured", "n", "margin", "verdict")
    return "\n".join(["### Criteria", "", head, "|---|---|---|---|---|--:|--:|---|", *rows])


def _sign(result: Result) -> str:
    """What came of it; what decides nothing is never shown as failed."""
    noted = not wording.decides(result) and result.outcome not in wording.NO_PROBLEM
    return f"⏸️ {ADVISORY}" if noted else _SIGNS[result.outcome]


def _problems(record: RunRecord) -> str:
    entries = []
    for group in alike(not_good(record)):
        result = group[0]
        head = _text(" ".join([result.outcome.value, wording.ids(group), *_where(result)]))
        entry = f"- **{head}** {_text(wording.problem_together(group))}"
        entry += f"<br>{_code(result.nodeid)}" + (f" and {len(group) - 1} more" if len(group) > 1 else "")
        others = wording.in_other_words(group)
        entry += "".join(f"<br>and {_text(words)}" for words in others[:_NAMES_SHOWN])
        entry += f"<br>and {len(others) - _NAMES_SHOWN} more in other words" if len(others) > _NAMES_SHOWN else ""
        if result.runbook:
            entry += f"<br>next: {_text(result.runbook)}"
        entries.append(entry)
    return "\n".join(["### Problems", "", *entries]) if entries else ""


def _where(result: Result) -> list[str]:
    return [f"[{result.situation}]"] if result.situation else []


def _steps(record: RunRecord) -> str:
    if not record.steps:
        return ""
    rows = [
        _row(
            f"+{step.started_s:.1f} s",
            wording.duration(step.duration_s),
            step.action,
            step.step,
            step.outcome,
            step.detail,
        )
        for step in record.steps
    ]
    return "\n".join(
        [
            "### What was done",
            "",
            _row("at", "took", "action", "step", "outcome", ""),
            "|--:|--:|---|---|---|---|",
            *rows,
        ]
    )


def _not_run(record: RunRecord) -> str:
    entries = []
    for reason, names in wording.not_run(record).items():
        shown = ", ".join(_code(name) for name in names[:_NAMES_SHOWN])
        more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
        entries.append(f"- {len(names)}: {_text(reason)}: {shown}{more}")
    return "\n".join(["### Not run", "", *entries]) if entries else ""


def _bullets(title: str, entries: Sequence[str]) -> str:
    if not entries:
        return ""
    return "\n".join([*([title, ""] if title else []), *(f"- {_text(entry)}" for entry in entries)])


def _row(*cells: str) -> str:
    return f"| {' | '.join(_text(cell) for cell in cells)} |"


def _text(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{character}" if character in r"\`*_[]|#~" else character for character in flat)


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(0x2018))}`"
