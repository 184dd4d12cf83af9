"""What was asked and what was found, a line for each criterion and objective; of several rollbacks, a line for each.

In one module: the table of one session and that of several rollbacks have their marks, order and widths from each other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from pam_rollback.core.figures import duration
from pam_rollback.core.outside_text import cut
from pam_rollback.report import sections, wording
from pam_rollback.report.run_record import Measured, Result, RunRecord
from pam_rollback.report.terminal_page import ADVISORY, WORDS, Page, columns, word
from pam_rollback.report.verdict import WORST_FIRST, Outcome

_DATA_LOSS: Final = "RPO-1"
_FIGURES_TOLD: Final = 2
"""Of more tests than this, their number is told and no figure of one of them."""
_WINDOW: Final = "window"
_ROWS_MAX: Final = 20
_SHORT: Final = {Outcome.ACTION_FAILED: "FAILED", Outcome.UNDO_FAILED: "FAILED"}
_OF_AN_ACTION: Final = "ST-"
"""How strategies are numbered: of anything else a failed action says nothing, and it must not read as if data were lost."""
_SIGNS: Final = {Outcome.PASSED: "ok", Outcome.UNKNOWN: "?", Outcome.NOT_RUN: "?", Outcome.KNOWN: "ok*"}
"""In a table of several rollbacks; anything else is NO, and what no test judged is a dash. ``ok*``: red as it was before."""
_NOT_JUDGED: Final = "-"
_ID, _MEASURED, _ASKED, _N, _VERDICT = 6, 10, 18, 5, 7
_MEASURED_MAX: Final = 19
_GAPS: Final = "      "
_NAME, _RECOVERY, _TIME = 16, 8, 8
_REST: Final = "rest"
"""The column of all criteria that have none of their own."""


@dataclass(frozen=True)
class Row:
    """One plan item: what was asked, what was found, and what that says."""

    id: str
    title: str
    measured: str
    asked: str
    n: str
    outcome: Outcome
    advisory: bool
    margin: str = _NOT_JUDGED
    proviso: str = ""
    """What has to be read with the figure."""

    @classmethod
    def of(
        cls, identifier: str, figure: Measured, outcome: Outcome, *, advisory: bool = False, beside: Iterable[str] = ()
    ) -> Self:
        """A row for that figure; ``beside``: what else has to be read with it."""
        n = "" if figure.n is None else str(figure.n)
        measured, margin = wording.figure(figure.measured, figure.unit), wording.margin(figure, outcome)
        proviso = "; ".join(filter(None, [figure.proviso, *beside]))
        return cls(identifier, figure.what, measured, figure.asked, n, outcome, advisory, margin, proviso)

    @property
    def found(self) -> str:
        """The figure with what has to be read with it."""
        return f"{self.measured} ({self.proviso})" if self.proviso else self.measured

    @property
    def judged(self) -> Outcome:
        """What is known of the item: of all but a strategy, a failed action says nothing."""
        unjudged = self.outcome is Outcome.ACTION_FAILED and not self.id.startswith(_OF_AN_ACTION)
        return Outcome.NOT_RUN if unjudged or (self.advisory and self.outcome is not Outcome.PASSED) else self.outcome


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """What these say together; what was judged by nothing was not run."""
    return min(outcomes, key=WORST_FIRST.index, default=Outcome.NOT_RUN)


def figures_of(record: RunRecord) -> list[tuple[Result, Measured]]:
    """Each figure of each test that judges a plan item; a test without any has its title."""
    return [
        (result, measured)
        for result in record.results
        if result.criteria and not sections.is_item(result)
        for measured in result.measured or (Measured(result.title, "", None),)
    ]


def cells(result: Result, measured: Measured) -> tuple[str, str, str, str, str]:
    """What was measured, asked and found, its n and its margin, in words."""
    return (
        measured.what + (f" ({measured.definition})" if measured.definition else ""),
        measured.asked or _NOT_JUDGED,
        wording.found(measured),
        _NOT_JUDGED if measured.n is None else str(measured.n),
        wording.margin(measured, result.outcome),
    )


def rows_of(record: RunRecord, results: Sequence[Result] | None = None) -> list[Row]:
    """A row for each success criterion and objective; where a session judges none of them, for each plan item that it judges.

    ``results``: of these only.
    """
    judged = [
        result
        for result in (record.results if results is None else results)
        if result.criteria and not sections.is_item(result)
    ]
    by_id: dict[str, list[Result]] = {}
    for result in judged:
        for identifier in result.criteria:
            by_id.setdefault(identifier, []).append(result)
    titles = {item.id: item.title for item in record.items}
    order = [one for one in titles if one in by_id] or sorted(by_id, key=wording.by_number)
    terms = [one for one in order if wording.is_term(one)]
    return [_row(one, titles.get(one, ""), by_id[one]) for one in terms or order]


def key_figures(record: RunRecord) -> list[Row]:
    """The three figures that people ask for first: how soon users were well again, how long it took in all, and what was lost.

    How far back a loss reaches stands with its count. Of several rollbacks there are none: the table has them all.
    """
    if len(record.situations) > 1:
        return []
    found = []
    for result in record.results:
        first = next(iter(result.criteria), "")
        asked_for = is_recovery_time(result) or first == _DATA_LOSS
        if not (asked_for and result.measured and wording.decides(result)):
            continue
        figure, *beside = result.measured[: 2 if first == _DATA_LOSS else 1]
        found.append(Row.of(first, figure, result.outcome, beside=map(_reach, beside)))
    return found


def _reach(figure: Measured) -> str:
    """How far back a loss reaches. Nothing lost reaches nowhere, and that goes without saying."""
    if figure.measured is None:
        return "how far back is not known"
    return f"{wording.figure(figure.measured, figure.unit)} back" if figure.measured else ""


def is_recovery_time(result: Result) -> bool:
    """Whether it tells how long a recovery took. A strategy without an objective of its own (RTO) is judged by its own item (ST)."""
    first = "".join(result.criteria[:1])
    return bool(result.measured) and (
        first.startswith("RTO-") or (first.startswith("ST-") and result.measured[0].unit == "s")
    )


def _row(identifier: str, title: str, results: Sequence[Result]) -> Row:
    deciding = [result for result in results if wording.decides(result)] or list(results)
    outcome = worst(result.outcome for result in deciding)
    like_it = [result for result in deciding if result.outcome is outcome]
    own = [result for result in like_it if result.criteria[0] == identifier] or like_it
    # Where there is a window, it is what the plan asks for; then the latest of few tests, which has seen most. What is not good: the first.
    windows = [result for result in own if _WINDOW in result.kind.split() and len(result.measured) > 0]
    if outcome is Outcome.PASSED:  # a rate says how good it is; "works" does not
        windows.sort(key=lambda result: result.measured[0].unit != "%")
    with_figures = windows or [result for result in own if result.measured]
    advisory = not any(map(wording.decides, results))
    many = len(own) > _FIGURES_TOLD and not windows if outcome is Outcome.PASSED else not with_figures
    if many or not with_figures:
        found = _NOT_JUDGED if len(deciding) == 1 else f"{len(like_it)} of {len(deciding)} tests"
        if outcome in wording.BLIND:  # the number of tests that measured nothing must not look like a figure
            judged = sum(result.outcome not in wording.BLIND for result in deciding)
            found = f"{judged} of {len(deciding)} tests" if judged else _NOT_JUDGED
        if outcome is Outcome.PASSED and len(deciding) > 1:
            found = f"{len(deciding)} checks"
        return Row(identifier, title or own[0].title, found, "", "", outcome, advisory)
    later = outcome is Outcome.PASSED and not windows
    return Row.of(identifier, with_figures[-1 if later else 0].measured[0], outcome, advisory=advisory)


def criteria_table(record: RunRecord, page: Page, most: int | None = None) -> list[str]:
    """One line a row, none wrapped, and one below for what has to be read with its figure: what does not fit is cut, and the record has it.

    ``most``: rows, what is not good before the rest.
    """
    rows = rows_of(record)
    most = _ROWS_MAX if most is None else min(most, _ROWS_MAX)
    if not rows or not most:
        return []
    kept = sorted(rows, key=lambda row: WORST_FIRST.index(row.judged))[:most]
    shown = [row for row in rows if row in kept]
    measured = min(_MEASURED_MAX, max(_MEASURED, *(columns(row.measured) for row in shown), 0))
    verdict = len(ADVISORY) if any(row.advisory for row in shown) else _VERDICT
    asked = min(_ASKED, max(len("asked"), *(columns(row.asked) for row in shown), 0))
    n = min(_N, 1 + max(1, *(len(row.n) for row in shown), 0))
    rest = page.width - 2 - _ID - measured - asked - n - verdict - len(_GAPS)
    widths = (_ID, min(rest, max(columns(row.title) for row in shown)), measured, asked, n)
    lines = ["", f"  {page.paint(_laid_out(['', '', 'measured', 'asked', 'n'], widths).rstrip(), 'dim')}"]
    for row in shown:
        said, hue = word(row.outcome, advisory=row.advisory)
        short = WORDS[row.judged][0] if row.judged is not row.outcome else _SHORT.get(row.outcome, said)
        painted = page.paint(said if row.advisory else short, hue)
        lines.append(f"  {_laid_out([row.id, row.title, row.measured, row.asked, row.n], widths)}{painted}")
        if row.proviso:
            lines.append(_fit(f"  {'':<{_ID}} ({row.proviso})", page.width))
    if len(rows) > most:
        lines.append(f"  and {len(rows) - most} more plan items: -v")
    return lines


def _laid_out(cells: Sequence[str], widths: Sequence[int]) -> str:
    identifier, what, measured, asked, n = (_fit(cell, width) for cell, width in zip(cells, widths, strict=True))
    ids, whats, figures, limits, counts = (
        " " * (width - columns(cell))
        for cell, width in zip((identifier, what, measured, asked, n), widths, strict=True)
    )
    return f"{identifier}{ids} {what}{whats} {figures}{measured}  {asked}{limits} {counts}{n} "


def _fit(text: str, width: int) -> str:
    if columns(text) <= width:
        return text
    kept = cut(text, max(0, width - 1), sign="")
    while kept and columns(kept) > width - 1:
        kept = kept[:-1]
    return f"{kept.rstrip()}…"


_NOT_RECOVERED: Final = Measured("", "", _NOT_JUDGED)


@dataclass(frozen=True)
class Drill:
    """One rollback among several: which criteria it met, and how soon users were well again."""

    name: str
    marks: Mapping[str, Outcome]
    """The worst outcome of each success criterion, of the times (RTO), of the data (RPO) and of the rest."""
    recovery: Measured = _NOT_RECOVERED

    @property
    def outcome(self) -> Outcome:
        """What all columns say together."""
        return worst(self.marks.values())


def drill_of(name: str, results: Iterable[Result]) -> Drill:
    """What the results of one rollback and of the checks after it say."""
    by_column: dict[str, list[Result]] = {}
    recovery = None
    for result in results:
        if not wording.decides(result) or sections.is_item(result):
            continue
        terms = [one for one in result.criteria if wording.is_term(one)]
        for identifier in terms:
            kind = identifier.partition("-")[0]
            by_column.setdefault(identifier if kind == wording.TERMS[0] else kind, []).append(result)
        if not terms:
            by_column.setdefault(_REST, []).append(result)
        if recovery is None and is_recovery_time(result):
            recovery = result.measured[0]
    marks = {column: worst(result.outcome for result in found) for column, found in by_column.items()}
    return Drill(name, marks, recovery or _NOT_RECOVERED)


def drills_of(record: RunRecord) -> list[Drill]:
    """Each rollback of one session."""
    return [
        drill_of(situation.removeprefix("after-"), [one for one in record.results if one.situation == situation])
        for situation in record.situations
    ]


def drills_table(drills: Sequence[Drill], page: Page, most: int | None = None) -> list[str]:
    """Rollbacks by criteria, and the recovery of each beside what the plan asks for. ``most``: rows, what is not good before the rest.

    What has to be read with a recovery, and one whose words have no room in its column, stand in a line below.
    """
    columns_told = sorted({column for drill in drills for column in drill.marks}, key=wording.by_number)
    if not columns_told or most == 0:
        return []
    head = "".join(f"{column} " for column in columns_told)
    head = f"{'':<{_NAME}} {head}{'recovery':>{_RECOVERY}}  "
    lines = ["", f"  {page.paint(f'{head}asked', 'dim')}"]
    kept = sorted(drills, key=lambda drill: WORST_FIRST.index(drill.outcome))[:most]
    for drill in (one for one in drills if one in kept):
        marks = "".join(_mark(drill.marks.get(column), len(column) + 1, page) for column in columns_told)
        name = _fit(drill.name, _NAME)
        asked = _fit(drill.recovery.asked.removeprefix("within "), max(_TIME, page.width - 2 - len(head)))
        took = wording.figure(drill.recovery.measured, drill.recovery.unit)
        lines.append(f"  {name:<{_NAME}} {marks}{_fit(took, _RECOVERY):>{_RECOVERY}}  {asked}".rstrip())
        below = wording.found(drill.recovery) if columns(took) > _RECOVERY else drill.recovery.proviso
        if below:
            lines.append(_fit(f"  {'':<{_NAME}} ({below})", page.width))
    if len(kept) < len(drills):
        lines.append(f"  and {len(drills) - len(kept)} more rollbacks: -v")
    return lines


def _mark(outcome: Outcome | None, width: int, page: Page) -> str:
    if outcome is None:
        return f"{_NOT_JUDGED:<{width}}"
    sign = _SIGNS.get(outcome, "NO")
    return page.paint(sign, WORDS[outcome][1]) + " " * (width - len(sign))


_FOUND_MAX: Final = 60
"""Characters of a figure among others; whole it stands among all figures."""
_LAST_COLUMNS: Final = ("n", "margin", "verdict")
RIGHT: Final = frozenset({"n", "margin", "at", "took"})
"""Columns of figures."""
TONES: Final = {"green": "go", "yellow": "open", "red": "no"}


@dataclass(frozen=True)
class TableRow:
    """A row of a table, and whether what it tells is good."""

    tone: str
    cells: Sequence[str]


@dataclass(frozen=True)
class Table:
    """What the page and the summary of a job show as a table."""

    caption: str
    head: Sequence[str]
    rows: Sequence[TableRow]

    def cells(self, row: TableRow) -> Iterator[tuple[str, str]]:
        """Column and text of all but the first cell, which is the row's name."""
        return zip(self.head[1:], row.cells[1:], strict=True)


def judged(outcome: Outcome, *, advisory: bool = False) -> tuple[str, str]:
    """The colour of an outcome (``go``, ``open`` or ``no``) and its word. ``advisory``: the verdict does not rest on it, so it is no no."""
    said, hue = word(outcome, advisory=advisory)
    return TONES[hue], said


def terms_tables(record: RunRecord) -> Iterator[Table]:
    """A row for each success criterion and objective, of each situation."""
    several = len(record.situations) > 1
    for situation in record.situations:
        rows = []
        for row in rows_of(record, [result for result in record.results if result.situation == situation]):
            tone, said = judged(row.outcome, advisory=row.advisory)
            measured, asked = cut(row.found, _FOUND_MAX), wording.together(row.asked) or _NOT_JUDGED
            rows.append(TableRow(tone, (row.id, row.title, measured, asked, row.n or _NOT_JUDGED, row.margin, said)))
        if rows:
            name = f": {situation.removeprefix('after-')}" if several else ""
            yield Table(f"Criteria and objectives{name}", ("id", "what", "measured", "asked", *_LAST_COLUMNS), rows)


def drills_tables(record: RunRecord) -> Iterator[Table]:
    """A row for each of several rollbacks."""
    drills = drills_of(record) if len(record.situations) > 1 else []
    columns = list(dict.fromkeys(column for drill in drills for column in drill.marks))
    if columns:
        rows = []
        for drill in drills:
            marks = [judged(drill.marks[column])[1] if column in drill.marks else _NOT_JUDGED for column in columns]
            asked = wording.together(drill.recovery.asked) or _NOT_JUDGED
            cells = (drill.name, *marks, wording.found(drill.recovery), asked)
            rows.append(TableRow(judged(drill.outcome)[0], cells))
        yield Table("All rollbacks", ("rollback", *columns, "recovery", "asked"), rows)


def figures_tables(record: RunRecord) -> Iterator[Table]:
    """A row for each figure."""
    rows = []
    for result, figure in figures_of(record):
        tone, said = judged(result.outcome, advisory=not wording.decides(result))
        what, asked, found, n, margin = cells(result, figure)
        ids = " ".join(result.criteria) + wording.where(result)
        rows.append(TableRow(tone, (ids, what, found, wording.together(asked), n, margin, said)))
    if rows:
        yield Table(f"Every figure ({len(rows)})", ("id", "what", "measured", "asked", *_LAST_COLUMNS), rows)


def steps_tables(record: RunRecord) -> Iterator[Table]:
    """A row for each step of a rollback."""
    rows = [
        TableRow(
            {"failed": "no", "planned": "open"}.get(step.outcome, "go"),
            (
                step.step,
                step.action,
                f"+{step.started_s:.1f} s",
                duration(step.duration_s),
                step.outcome,
                step.detail,
            ),
        )
        for step in record.steps
    ]
    if rows:
        head = ("step", "rollback", "at", "took", "verdict", "result")
        yield Table(f"What was done ({len(rows)} steps)", head, rows)
