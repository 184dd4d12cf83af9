"""Were rows of before altered without a trace? Checksums of what nobody changes, in groups of rows, before and after.

A row's group follows from its key, so the groups are the same whenever they are counted, and their sums do not depend on any order. Of a
group that holds the same rows with another content, one row at least was rewritten. Where a table keeps the moment of its rows' latest
change, a group with such a change is not judged: somebody may have corrected an expense. What is not judged is told, and when it is more
than half of a table, nothing is known of that table. Groups that lost rows are the business of ``row_counts``, those with a row that has
another owner that of ``row_moves``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Figures
from pam_rollback.core.row_counts import TableContent, TableCounts, refuse_other_span
from pam_rollback.core.row_moves import moved_groups, same_rows

JUDGED_PCT_MIN = 50.0
"""With fewer of a table's rows the check would be a word without a meaning."""


@dataclass(frozen=True, repr=False)
class TableRewriting:
    """One table: of ``rows`` rows of before, how many could be judged, and the groups that were rewritten."""

    table: str
    rows: int
    judged: int
    changed_with_trace: int
    """Groups that differ and hold a row that says so."""
    groups: tuple[int, ...]
    """Groups that were rewritten: same rows, other content, no trace."""
    ids: tuple[str, ...] = ()
    """Rows of these groups, among which the rewritten ones are."""
    unknown: str = ""
    """Why nothing can be said of it; empty when something can."""

    @property
    def why_unknown(self) -> str:
        """Why it cannot be called untouched; empty when it can, or when it is rewritten."""
        if self.groups:
            return ""
        if self.unknown:
            return f"{self.table}: {self.unknown}"
        if self.rows and 100 * self.judged < JUDGED_PCT_MIN * self.rows:
            return (
                f"{self.table}: {self.judged:,} of {self.rows:,} rows could be compared, {JUDGED_PCT_MIN:g} % are needed: the "
                "others stand in groups that lost rows or hold rows that were changed since; take a baseline nearer to the release"
            )
        return ""

    def __str__(self) -> str:
        """One table in the sentence that a failure shows."""
        compared = f"{self.judged:,} of {self.rows:,} rows compared"
        if not self.groups:
            return f"{self.table}: {self.unknown or 'as before'} ({compared})"
        ids = f", among the ids {', '.join(self.ids)}" if self.ids else ""
        return f"{self.table}: {len(self.groups)} rows or more were rewritten without a trace{ids} ({compared})"

    __repr__ = __str__


@dataclass(frozen=True, repr=False)
class RowRewriting:
    """All tables that have rows which nobody changes."""

    tables: tuple[TableRewriting, ...]
    created_until: str

    @property
    def found(self) -> Mapping[str, tuple[int, ...]]:
        """The tables with rewritten groups."""
        return {table.table: table.groups for table in self.tables if table.groups}

    @property
    def none(self) -> bool:
        """No row was rewritten. Raises MeasurementFailed when that is not known of one table, and no other was rewritten."""
        if self.found:
            return False
        unknown = [table.why_unknown for table in self.tables if table.why_unknown]
        if unknown:
            raise MeasurementFailed("; ".join(unknown))
        if not sum(table.judged for table in self.tables):
            raise MeasurementFailed("no row of before was compared, so nothing is known of rewritten rows")
        return True

    def with_ids(self, ids: Mapping[str, tuple[str, ...]]) -> "RowRewriting":
        """The same, with evidence by table."""
        return replace(self, tables=tuple(replace(table, ids=ids.get(table.table, ())) for table in self.tables))

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        judged, rows = sum(table.judged for table in self.tables), sum(table.rows for table in self.tables)
        rewritten = sum(len(table.groups) for table in self.tables)
        traced = sum(table.changed_with_trace for table in self.tables)
        return Figures(
            what="rows rewritten without a trace",
            asked="none",
            measured=rewritten,
            unit="rows",
            n=judged,
            margin=-rewritten,
            definition=(
                f"at least, by checksums of groups; {judged:,} of {rows:,} rows created until {self.created_until} compared, "
                f"{traced} groups changed with a trace, in {', '.join(table.table for table in self.tables)}"
            ),
        )

    def __str__(self) -> str:
        """The tables that were rewritten; all of them when none was."""
        wrong = [table for table in self.tables if table.groups]
        return f"{'; '.join(map(str, wrong or self.tables))}, created until {self.created_until}"

    __repr__ = __str__


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
    )


def _table(name: str, rows: int, before: TableContent, after: TableContent | None) -> TableRewriting:
    if after is None or after.columns != before.columns:
        unknown = f"its content is not comparable any more, expected the columns {', '.join(before.columns)}"
        return TableRewriting(name, rows, judged=0, changed_with_trace=0, groups=(), unknown=unknown)
    judged, traced, groups = 0, 0, list[int]()
    moved = moved_groups(before, after)
    for number in same_rows(before, after) - moved:
        (count, _, content, changed_s), now = before.groups[number], after.groups[number]
        if now[2] == content:
            judged += count
        elif now[3] > changed_s:
            traced += 1
        else:
            judged += count
            groups.append(number)
    return TableRewriting(name, rows, judged, traced, tuple(sorted(groups)))
