"""The run record as Markdown, for the summary page of a CI job."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from pam_rollback.core.outside_text import for_terminal, one_line
from pam_rollback.report import failures, recommendation, sections, wording
from pam_rollback.report.failures import advisory_lines, by_cause, not_good
from pam_rollback.report.redaction import Redactor, shown
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.terms_table import RIGHT, Table, TableRow, figures_tables, key_figures, steps_tables

ANNOTATIONS_MAX: Final = 10
"""GitHub shows no more of one step."""
_IDS_MAX: Final = 12
_LEVELS: Final = {"GO": "notice", "PLANNED": "notice", "INCONCLUSIVE": "warning"}


def in_short(record: RunRecord) -> str:
    """Verdict and why, which plan items are not good, the figures that people ask for first, and where to read on. One line."""
    record = shown(record)
    parts = [wording.verdict_line(record), *_not_good(record), figures(record), where(record)]
    return ". ".join(one_line(part) for part in parts if part)


def figures(record: RunRecord) -> str:
    """How soon users were well again, how long it took in all, what was lost, each with what was asked; empty where not measured."""
    told = (
        f"{one.id} {one.title}: {one.found}{f', asked {one.asked}' if one.asked else ''}" for one in key_figures(record)
    )
    return "; ".join(told)


def where(record: RunRecord) -> str:
    """Where all of it is: the report's first page, or the record where there is none; empty where neither could be written."""
    found = record.reports.html or record.reports.record
    return f"report: {found}" if found else ""


def annotations(record: RunRecord) -> list[str]:
    """Commands to GitHub's runner: the verdict as a note, a warning or an error, and one for each cause, as many as it shows."""
    record = shown(record)
    level = _LEVELS.get(record.verdict, "error")
    lines = [_command(level, wording.verdict_word(record), in_short(record))]
    told = by_cause(not_good(record))[: ANNOTATIONS_MAX - 1] if level != "notice" else ()
    return lines + [_command(level, f"{one.first.outcome.value} {one.ids}", one.in_a_line) for one in told]


def _not_good(record: RunRecord) -> Sequence[str]:
    ids = wording.ids(not_good(record)).split()
    if not ids or record.verdict == "GO":
        return []
    return [f"not good: {wording.few(ids, _IDS_MAX, ', ')}"]


def _command(level: str, title: str, text: str) -> str:
    """A workflow command. Whatever a text holds, it is one line and ends nothing: the runner reads what follows a colon or a percent."""
    data = for_terminal(one_line(text), in_a_line=True).replace("%", "%25")
    named = one_line(title).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={named}::{data}"


BYTES_MAX: Final = 1024 * 1024
"""What GitHub accepts of one step; a longer summary is not shown at all."""

_NAMES_SHOWN: Final = 20
_CUT: Final = "\n\n_The summary was cut here: the run record has the rest._\n"
_SIGNS: Final = {"go": "✅", "open": "⚠️", "no": "❌"}
_VERDICT_SIGNS: Final = {"GO": "✅", "INCONCLUSIVE": "⚠️", "PLANNED": "📋", "REFUSED": "⛔"}


def render(record: RunRecord, room: int = BYTES_MAX) -> str:
    """The summary, at most ``room`` bytes; the verdict comes first, so a cut takes the least important."""
    record = shown(record)
    told = [*recommendation.recommended(record), *sections.preflight(record), *wording.told(record)]
    blocks = [
        f"## {_VERDICT_SIGNS.get(record.verdict, '❌')} {_text(wording.verdict_line(record))}",
        _text(figures(record)),
        _text(where(record)),
        _bullets("", [*filter(None, [failures.nothing_new(record)]), *record.reasons]),
        *(_bullets(f"### {heading}", entries) for heading, entries in told),
        *map(_table, figures_tables(record)),
        _problems(record),
        _bullets(f"### {wording.ONLY_ADVISORY}", advisory_lines(record)),
        _bullets(f"### {failures.HEADING}", failures.waivers(record)),
        *map(_table, steps_tables(record)),
        _bullets("### Not run", wording.left_out(record, _NAMES_SHOWN)),
        *(_bullets(f"### {heading}", entries) for heading, entries in sections.checklists(record)),
        _bullets("### Conditions", wording.conditions(record)),
        f"Run {_code(record.run_id)}, {record.mode}, started {_text(record.started.iso)}, exit code {record.exit_code}.",
    ]
    text = "\n\n".join(block for block in blocks if block) + "\n"
    return _cut(text, room)


def _cut(text: str, room: int) -> str:
    body = text.encode()
    if len(body) <= room:
        return text
    kept = body[: max(0, room - len(_CUT.encode()))].decode(errors="ignore").rpartition("\n")[0]
    return kept + _CUT if kept else ""


def append(record: RunRecord, path: Path, redactor: Redactor) -> None:
    """Adds the summary without secrets to a file, the one that GITHUB_STEP_SUMMARY names. All sessions of a step share its room."""
    with path.open("a", encoding="utf-8") as summary:
        summary.write(render(shown(record, redactor.text), BYTES_MAX - summary.tell()))


def _table(table: Table) -> str:
    """One table of the page in Markdown, each verdict with its sign."""

    def cells(row: TableRow) -> Iterator[str]:
        for column, cell in zip(table.head, row.cells, strict=True):
            yield f"{_SIGNS[row.tone]} {cell}" if column == "verdict" else cell

    below = "|".join("--:" if column in RIGHT else "---" for column in table.head)
    head = [f"### {table.caption}", "", _row(*table.head), f"|{below}|"]
    return "\n".join([*head, *(_row(*cells(row)) for row in table.rows)])


def _problems(record: RunRecord) -> str:
    entries = []
    for one in by_cause(not_good(record)):
        first, others = one.first, one.in_other_words
        head = _text(f"{first.outcome.value} {one.ids}{wording.where(first)}")
        more = f" and {len(one.results) - 1} more" if one.count else ""
        said = [f"- **{head}** {_text(one.in_a_line)}", f"{_code(first.nodeid)}{more}"]
        said += [f"and {_text(words)}" for words in others[:_NAMES_SHOWN]]
        said += [f"and {len(others) - _NAMES_SHOWN} more in other words"] if len(others) > _NAMES_SHOWN else []
        said += [f"next: {_text(first.runbook)}"] if first.runbook else []
        entries.append("<br>".join(said))
    return "\n".join(["### Problems", "", *entries]) if entries else ""


def _bullets(title: str, entries: Sequence[str]) -> str:
    if not entries:
        return ""
    return "\n".join([*([title, ""] if title else []), *(f"- {_text(entry)}" for entry in entries)])


def _row(*cells: str) -> str:
    return f"| {' | '.join(_text(cell) for cell in cells)} |"


def _text(text: str) -> str:
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{character}" if character in r"\`*_[]|#~" else character for character in flat)


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(0x2018))}`"
