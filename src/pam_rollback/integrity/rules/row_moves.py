"""Do the rows of before still belong to whom they belonged to? Checksums of their owners, in groups of rows, before and after.

Nothing in the product gives a row to somebody else, so a row with another owner is damage, whatever its moment of change says: a trigger
sets that on every write, also on the one that moved it. Groups that lost rows are the business of ``row_counts``.
"""

from pam_rollback.base.late_dataclass import dataclass
from pam_rollback.integrity.rules.compared_rows import ComparedRows, ComparedTable, same_rows
from pam_rollback.integrity.rules.row_counts import TableContent, TableCount, TableCounts, refuse_other_span


@dataclass(frozen=True, repr=False)
class TableMoves(ComparedTable):
    """One table, and the groups in which a row has another owner."""

    damaged = "were moved to another owner"
    undamaged = "every row has its owner"
    too_few = "the owners of {compared} of {rows} rows could be compared, {min} % are needed: the others stand in groups that lost rows"


@dataclass(frozen=True, repr=False)
class RowMoves(ComparedRows[TableMoves]):
    """All tables whose rows belong to somebody."""

    what = "rows moved to another owner"
    nothing = "no owner of a row was compared, so nothing is known of moved rows"


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
        if number in before.owners and before.owners[number] != after.owners.get(number)
    )


def _table(name: str, count: TableCount, before: TableContent, after: TableContent | None) -> TableMoves:
    if after is None or (before.owner and before.owner != after.owner):
        column = before.owner or "that says whose a row is"
        return TableMoves(
            name, count.rows, 0, unknown=f"its owners are not comparable any more, expected the column {column}"
        )
    same = same_rows(before, after)
    if before.owner:
        compared = sum(before.groups[number][0] for number in same)
        return TableMoves(name, count.rows, compared, tuple(sorted(moved_groups(before, after))))
    # Counted by an earlier version, which summed the owner only together with what users may correct.
    alike = [number for number in same if before.groups[number][2] == after.groups[number][2]]
    compared = sum(before.groups[number][0] for number in alike)
    doubtful = len(same) - len(alike)
    unknown = (
        f"rows of {doubtful} groups were changed, and the baseline, of an earlier version, does not say whose they were; take a new one"
        if doubtful
        else "the baseline, of an earlier version, does not say whose the rows were; take a new one"
        if after.owner not in before.columns or before.columns != after.columns
        else ""
    )
    return TableMoves(name, count.rows, compared, unknown=unknown)
