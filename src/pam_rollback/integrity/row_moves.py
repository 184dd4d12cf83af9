"""Do the rows of before still belong to whom they belonged to? Checksums of their owners, in groups of rows, before and after.

Nothing in the product gives a row to somebody else, so a row with another owner is damage, whatever its moment of change says: a trigger
sets that on every write, also on the one that moved it. Groups that lost rows are the business of ``row_counts``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pam_rollback.integrity.compared_rows import ComparedRows, ComparedTable, same_rows
from pam_rollback.integrity.row_counts import TableContent, TableCount, TableCounts, refuse_other_span


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
            _table(name, count, count.content, after.tables[name].content if name in after.tables else None)
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


def _table(name: str, count: TableCount, before: TableContent, after: TableContent | None) -> TableMoves:
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
