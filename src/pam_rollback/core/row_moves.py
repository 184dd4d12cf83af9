"""Do the rows of before still belong to whom they belonged to? Checksums of their owners, in groups of rows, before and after.

Nothing in the product gives a row to somebody else, so a row with another owner is damage, whatever its moment of change says: a trigger
sets that on every write, also on the one that moved it. Groups that lost rows are the business of ``row_counts``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Figures
from pam_rollback.core.row_counts import TableContent, TableCount, TableCounts, refuse_other_span

COMPARED_PCT_MIN = 50.0
"""With fewer of a table's rows the check would be a word without a meaning."""


@dataclass(frozen=True, repr=False)
class TableMoves:
    """One table: how many of its ``rows`` of before could be compared, and the groups in which one has another owner."""

    table: str
    rows: int
    compared: int
    groups: tuple[int, ...] = ()
    ids: tuple[str, ...] = ()
    """Rows of these groups, among which the moved ones are."""
    unknown: str = ""
    """Why nothing can be said of some of it; empty when everything was comparable."""

    @property
    def why_unknown(self) -> str:
        """Why it cannot be called unmoved; empty when it can, or when rows were moved."""
        if self.groups:
            return ""
        if self.unknown:
            return f"{self.table}: {self.unknown}"
        if self.rows and 100 * self.compared < COMPARED_PCT_MIN * self.rows:
            return (
                f"{self.table}: the owners of {self.compared:,} of {self.rows:,} rows could be compared, "
                f"{COMPARED_PCT_MIN:g} % are needed: the others stand in groups that lost rows"
            )
        return ""

    def __str__(self) -> str:
        """One table in the sentence that a failure shows."""
        compared = f"{self.compared:,} of {self.rows:,} rows compared"
        if not self.groups:
            return f"{self.table}: {self.unknown or 'every row has its owner'} ({compared})"
        ids = f", among the ids {', '.join(self.ids)}" if self.ids else ""
        return f"{self.table}: {len(self.groups)} rows or more were moved to another owner{ids} ({compared})"

    __repr__ = __str__


@dataclass(frozen=True, repr=False)
class RowMoves:
    """All tables whose rows belong to somebody."""

    tables: tuple[TableMoves, ...]
    created_until: str

    @property
    def found(self) -> Mapping[str, tuple[int, ...]]:
        """The tables with moved rows, and the groups that these are in."""
        return {table.table: table.groups for table in self.tables if table.groups}

    @property
    def none(self) -> bool:
        """No row was moved. Raises MeasurementFailed when that is not known of one table, and none was moved in another."""
        if self.found:
            return False
        unknown = [table.why_unknown for table in self.tables if table.why_unknown]
        if unknown:
            raise MeasurementFailed("; ".join(unknown))
        if not sum(table.compared for table in self.tables):
            raise MeasurementFailed("no owner of a row was compared, so nothing is known of moved rows")
        return True

    def with_ids(self, ids: Mapping[str, tuple[str, ...]]) -> "RowMoves":
        """The same, with evidence by table."""
        return replace(self, tables=tuple(replace(table, ids=ids.get(table.table, ())) for table in self.tables))

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        moved = sum(len(table.groups) for table in self.tables)
        compared, rows = sum(table.compared for table in self.tables), sum(table.rows for table in self.tables)
        return Figures(
            what="rows moved to another owner",
            asked="none",
            measured=moved,
            unit="rows",
            n=compared,
            margin=-moved,
            definition=(
                f"at least, by checksums of groups; {compared:,} of {rows:,} rows created until {self.created_until} compared, "
                f"in {', '.join(table.table for table in self.tables)}"
            ),
        )

    def __str__(self) -> str:
        """The tables with moved rows; all of them when there is none."""
        wrong = [table for table in self.tables if table.groups]
        return f"{'; '.join(map(str, wrong or self.tables))}, created until {self.created_until}"

    __repr__ = __str__


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


def same_rows(before: TableContent, after: TableContent) -> frozenset[int]:
    """The groups that hold the same rows as before, whatever these say."""
    return frozenset(
        number
        for number, (count, keys, *_) in before.groups.items()
        if number in after.groups and after.groups[number][:2] == (count, keys)
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
