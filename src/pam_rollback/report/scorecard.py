"""All of a run on the terminal (``-v``): what was asked, what was measured, what is wrong, and the verdict as the last line.

Plain text without a table library: every session comes by here, and loading one costs more than a health check.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from pam_rollback.report import failures, recommendation, sections, wording
from pam_rollback.report.failures import advisory_lines, by_cause, not_good
from pam_rollback.report.redaction import shown
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.terminal_page import (
    WORDS,
    Page,
    hanging,
    harmless,
    listed,
    paragraphs,
    reasons,
    steps,
    verdict,
    word,
)
from pam_rollback.report.terms_table import cells, figures_of

_NAMES_SHOWN: Final = 5  # of the tests that did not run for one reason


def render(record: RunRecord, width: int, *, color: bool, ascii_only: bool) -> list[str]:
    """The lines of the summary, none longer than ``width`` columns unless a single word (a path, a test's id) is.

    ``color`` is overruled by NO_COLOR in the process's environment.
    """
    record = shown(record)
    page = Page.of(width, color=color)
    lines = [
        *_criteria(record, page),
        *steps(record, page),
        *_problems(record, page),
        *listed(failures.HEADING, failures.old_lines(record), page),
        *listed(wording.ONLY_ADVISORY, advisory_lines(record), page),
        *_not_run(record, page),
        *listed(sections.PLAN_ITEMS, sections.coverage(record), page),
        *paragraphs(sections.checklists(record), page),
        *listed("Conditions", wording.conditions(record), page),
        *reasons(record, page),
        *_paths(record, page),
        *paragraphs(sections.preflight(record), page),
        *paragraphs(wording.told(record), page),
        # Below all else, and the most urgent last: people on call must have it on the screen when the session has ended.
        *paragraphs(recommendation.recommended(record)[::-1], page),
        *verdict(record, page),
    ]
    return harmless(lines, ascii_only=ascii_only)


@dataclass(frozen=True)
class _Column:
    title: str
    right: bool = False
    widest: int = 99
    narrowest: int = 4
    figure: bool = False


_COLUMNS: Final = (
    _Column("id", widest=14),
    _Column("what", narrowest=16),
    _Column("asked", narrowest=8, widest=26, figure=True),
    _Column("measured", narrowest=8, widest=22, figure=True),
    _Column("n", right=True, widest=7, narrowest=1),
    _Column("margin", right=True, widest=10, narrowest=6),
    _Column("verdict", widest=13, narrowest=7),
)
_WHAT: Final = 1
_GAP: Final = "  "
_AS_IS: Final = "as-is"


def _criteria(record: RunRecord, page: Page) -> list[str]:
    groups: dict[str, list[tuple[list[str], str]]] = {}
    before = None
    for result, figure in figures_of(record):
        said, hue = word(result.outcome, advisory=not wording.decides(result))
        ids, verdict = ("", "") if result is before else (" ".join(result.criteria), said)
        before = result
        groups.setdefault(result.situation or _AS_IS, []).append(([ids, *cells(result, figure), verdict], hue))
    if not groups:
        return []
    titles = [column.title for column in _COLUMNS]
    widths = _widths([titles, *(row for group in groups.values() for row, _ in group)], page.width - 2)
    lines = [*page.heading("Criteria"), "  " + page.paint(_row(titles, widths).rstrip(), "dim")]
    for situation, group in groups.items():
        if [*groups] != [_AS_IS]:
            lines.append(
                "  " + page.paint(f"{situation} ".ljust(sum(widths) + len(_GAP) * (len(widths) - 1), "─"), "dim")
            )
        for row, hue in group:
            lines += _table_lines(row, hue, widths, page)
    return lines


def _widths(rows: Sequence[Sequence[str]], available: int) -> list[int]:
    """What each column needs; where that is too much, the one that can spare most gives first, down to its longest word."""
    widths, floors = [], []
    for column, texts in zip(_COLUMNS, zip(*rows, strict=True), strict=True):
        widths.append(min(max(map(len, texts)), column.widest))
        longest_word = max(len(word) for text in texts for word in text.split())
        floors.append(min(widths[-1], max(column.narrowest, min(longest_word, column.widest))))
    floors[_WHAT] = min(widths[_WHAT], _COLUMNS[_WHAT].narrowest)
    for _ in range(sum(widths) + len(_GAP) * (len(widths) - 1) - available):
        place = max(range(len(widths)), key=lambda place: (widths[place] - floors[place], widths[place]))
        if widths[place] == floors[place]:
            break
        widths[place] -= 1
    return widths


def _table_lines(cells: Sequence[str], hue: str, widths: Sequence[int], page: Page) -> list[str]:
    wrapped = [
        textwrap.wrap(wording.together(cell) if column.figure else cell, width, break_on_hyphens=not column.figure)
        for cell, width, column in zip(cells, widths, _COLUMNS, strict=True)
    ]
    lines = []
    for level in zip_longest(*wrapped, fillvalue=""):
        *row, verdict = (cell.replace(wording.NO_BREAK, " ") for cell in level)
        lines.append(f"  {_row(row, widths)}{_GAP}{page.paint(verdict, hue)}".rstrip())
    return lines


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    columns = zip(cells, widths, _COLUMNS, strict=False)
    return _GAP.join(cell.rjust(width) if column.right else cell.ljust(width) for cell, width, column in columns)


def _problems(record: RunRecord, page: Page) -> list[str]:
    bad = by_cause(not_good(record))
    lines = page.heading("Problems") if bad else []
    for one in bad:
        said, hue = WORDS[one.first.outcome]
        count = f"{one.count}; " if one.count else ""
        first, *others = page.wrapped(f"{said} {one.ids}{wording.where(one.first)} {count}{one.in_a_line}")
        lines += [first.replace(said, page.paint(said, hue, "bold"), 1), *others]
        pages = dict.fromkeys(f"next: {each.runbook}" for each in one.results if each.runbook)
        for text in (*(f"and {words}" for words in one.in_other_words), *(each.nodeid for each in one.results), *pages):
            lines += page.wrapped(text, first="    ")
    return lines


def _not_run(record: RunRecord, page: Page) -> list[str]:
    by_reason = wording.not_run(record)
    if not by_reason:
        return []
    lines = page.heading("Not run")
    for reason, names in by_reason.items():
        lines += page.wrapped(f"{wording.tests(names)}: {reason}")
        for name in names[:_NAMES_SHOWN]:
            lines += page.wrapped(name, first="     ", rest="       ")
        if len(names) > _NAMES_SHOWN:
            lines.append(f"     and {len(names) - _NAMES_SHOWN} more, see the run record")
    return lines


def _paths(record: RunRecord, page: Page) -> list[str]:
    reports = record.reports
    entries = [("report", reports.html), ("run record", reports.record), ("JUnit", reports.junit)]
    lines = [f"  {name.ljust(11)} {path}" for name, path in entries if path]
    if not reports.html and reports.html_missing:
        lines = [*hanging(f"{'report'.ljust(11)} {reports.html_missing}", page.width, indent=2, rest=14), *lines]
    return ["", *lines] if lines else []
