"""Were rows of before altered without a trace? Checksums of what nobody changes, in groups of rows, before and after.

Sums do not depend on any order. Where a table keeps the moment of its rows' latest change, a group with such a change is not compared:
somebody may have corrected an expense. What is not compared is told, and when it is more than half of a table, nothing is known of that
table. Groups with a row that has another owner are the business of ``row_moves``.

Of tables in which users may change everything there is only the count of rows that were changed since: one by one it is use, and more than
half of a table is a migration, or damage. A person has to tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.row_counts import (
    ComparedRows,
    ComparedTable,
    TableContent,
    TableCount,
    TableCounts,
    refuse_other_span,
    same_rows,
)


@dataclass(frozen=True, repr=False)
class TableMoves(ComparedTable):
    """One table, and the groups in which a row has another owner."""

    damaged = "were moved to another owner"
    undamaged = "every row has its owner"
    too_few = "the owners of {compared} of {rows} rows could be compared, {min} % are needed: the others stand in groups that lost rows"

    shifts: Mapping[int, int] = field(default_factory=dict)
    """By how much the sum of a group's owners changed: which row was moved follows from it."""


@dataclass(frozen=True, repr=False)
class RowMoves(ComparedRows[TableMoves]):
    """All tables whose rows belong to somebody."""

    what = "rows moved to another owner"
    nothing = "no owner of a row was compared, so nothing is known of moved rows"

    @property
    def shifts(self) -> Mapping[str, Mapping[int, int]]:
        """Of each table."""
        return {table.table: table.shifts for table in self.tables}


def moves(before: TableCounts, after: TableCounts) -> RowMoves:
    """Hold two counts of the same span against each other. Raises ValueError when the spans differ."""
    refuse_other_span(before, after)
    return RowMoves(
        tuple(
            _moves_of(name, count, count.content, after.tables[name].content if name in after.tables else None)
            for name, count in before.tables.items()
            if count.content is not None
        ),
        f"{before.created_until:%Y-%m-%d %H:%M:%S} UTC",
    )


def moved_groups(before: TableContent, after: TableContent) -> frozenset[int]:
    """The groups that hold the same rows, one of them with another owner."""
    if not before.owner or before.owner != after.owner:
        return frozenset()
    return frozenset(
        number
        for number in same_rows(before, after)
        if number in before.owners and number in after.owners and before.owners[number] != after.owners[number]
    )


def _moves_of(name: str, count: TableCount, before: TableContent, after: TableContent | None) -> TableMoves:
    if after is None or (before.owner and before.owner != after.owner):
        column = before.owner or "that says whose a row is"
        return TableMoves(
            name, count.rows, 0, unknown=f"its owners are not comparable any more, expected the column {column}"
        )
    if not before.owner:
        return TableMoves(name, count.rows, 0, unknown="the baseline does not say whose its rows were; take a new one")
    compared = sum(before.groups[number][0] for number in same_rows(before, after))
    shifts = {
        number: int(before.owners[number]) - int(after.owners[number]) for number in sorted(moved_groups(before, after))
    }
    return TableMoves(name, count.rows, compared, tuple(shifts), shifts=shifts)


@dataclass(frozen=True, repr=False)
class TableRewriting(ComparedTable):
    """One table, and the groups that were rewritten: same rows, other content, no trace."""

    damaged = "were rewritten without a trace"
    undamaged = "as before"
    too_few = (
        "{compared} of {rows} rows could be compared, {min} % are needed: the others stand in groups that lost rows or hold rows that "
        "were changed since; take a baseline nearer to the release"
    )

    changed_with_trace: int = 0
    """Groups that differ and hold a row that says so."""


CHANGED_PCT_MAX = 50.0
"""Of the rows of a table in which users change everything."""
_ROWS_MIN = 10
"""Of fewer rows, half may be two users."""


@dataclass(frozen=True)
class TableChanges:
    """A table whose contents are not compared."""

    table: str
    rows: int
    changed: int | None
    """Rows that say that they were changed since; None where nobody can tell."""

    @property
    def why_unknown(self) -> str:
        """Why nobody can call it use; empty when it is."""
        if self.changed is None or self.rows < _ROWS_MIN or 100 * self.changed <= CHANGED_PCT_MAX * self.rows:
            return ""
        return (
            f"{self.table}: {self.changed:,} of {self.rows:,} rows were changed since, more than {CHANGED_PCT_MAX:g} %: "
            "its contents are not compared, so look whether a migration or a fault changed them"
        )


@dataclass(frozen=True, repr=False)
class RowRewriting(ComparedRows[TableRewriting]):
    """All tables that have rows which nobody changes."""

    what = "rows rewritten without a trace"
    nothing = "no row of before was compared, so nothing is known of rewritten rows"

    others: tuple[TableChanges, ...] = ()

    @property
    def damaged_rows(self) -> int:
        """How many rows are rewritten, at least. Raises MeasurementFailed when none is, and one table is not known."""
        many = [table.why_unknown for table in self.others if table.why_unknown]
        if many and not self.found:
            raise MeasurementFailed("; ".join(many))
        return super().damaged_rows

    @property
    def unproven(self) -> str:
        """What the comparison would not notice, for the conditions of the verdict."""
        counted = ", ".join(table.table for table in self.others if table.changed is not None)
        silent = ", ".join(table.table for table in self.others if table.changed is None)
        words = [f"{counted} (only how many rows were changed)"] if counted else []
        words += [f"{silent} (nothing of them)"] if silent else []
        return f"contents not compared with before: {', '.join([*words, 'passwords'])}"

    @property
    def _left_out(self) -> str:
        return f"{sum(table.changed_with_trace for table in self.tables)} groups changed with a trace"


def rewriting(before: TableCounts, after: TableCounts) -> RowRewriting:
    """Hold two counts of the same span against each other. Raises ValueError when the spans differ."""
    refuse_other_span(before, after)
    return RowRewriting(
        tuple(
            _table(name, count.rows, count.content, after.tables[name].content if name in after.tables else None)
            for name, count in before.tables.items()
            if count.content is not None and count.content.columns
        ),
        f"{before.created_until:%Y-%m-%d %H:%M:%S} UTC",
        tuple(
            TableChanges(name, count.rows, after.tables[name].changed if name in after.tables else None)
            for name, count in before.tables.items()
            if count.content is None or not count.content.columns
        ),
    )


def _table(name: str, rows: int, before: TableContent, after: TableContent | None) -> TableRewriting:
    if after is None or after.columns != before.columns:
        unknown = f"its content is not comparable any more, expected the columns {', '.join(before.columns)}"
        return TableRewriting(name, rows, compared=0, unknown=unknown)
    compared, traced, groups = 0, 0, list[int]()
    moved = moved_groups(before, after)
    for number in same_rows(before, after) - moved:
        (count, _, content, changed_s), now = before.groups[number], after.groups[number]
        if now[2] == content:
            compared += count
        elif now[3] > changed_s:
            traced += 1
        else:
            compared += count
            groups.append(number)
    return TableRewriting(name, rows, compared, tuple(sorted(groups)), changed_with_trace=traced)
