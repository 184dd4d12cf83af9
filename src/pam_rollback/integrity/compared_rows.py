"""Damage that is seen by comparing groups of rows with how they were: one rule for each kind of it.

A row's group follows from its key, so the groups are the same whenever they are counted. Of a group that holds the same rows and is not
as it was, one row at least is damaged. Damage in one group is enough to be known; that there is none is only known when enough of every
table could be compared. Groups that lost rows are the business of ``row_counts``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, Self, TypeVar

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.integrity.row_counts import TableContent

COMPARED_PCT_MIN = 50.0
"""Of a table's rows: with fewer of them the check would be a word without a meaning."""


@dataclass(frozen=True, repr=False)
class ComparedTable(Sentence):
    """One table: how many of its ``rows`` of before could be compared, and the groups with a damaged row."""

    damaged: ClassVar[str]
    """What happened to the rows of ``groups``."""
    undamaged: ClassVar[str]
    too_few: ClassVar[str]
    """Which comparison was not possible for enough rows, and why: a pattern of ``compared``, ``rows`` and ``min``."""

    table: str
    rows: int
    compared: int
    groups: tuple[int, ...] = ()
    ids: tuple[str, ...] = ()
    """Rows of these groups, among which the damaged ones are."""
    unknown: str = ""
    """Why nothing can be said of some of it; empty when everything was comparable."""

    @property
    def why_unknown(self) -> str:
        """Why it cannot be called undamaged; empty when it can, or when it is damaged."""
        if self.groups:
            return ""
        if self.unknown:
            return f"{self.table}: {self.unknown}"
        if self.rows and 100 * self.compared < COMPARED_PCT_MIN * self.rows:
            told = self.too_few.format(
                compared=f"{self.compared:,}", rows=f"{self.rows:,}", min=f"{COMPARED_PCT_MIN:g}"
            )
            return f"{self.table}: {told}"
        return ""

    def __str__(self) -> str:
        """One table in the sentence that a failure shows."""
        compared = f"{self.compared:,} of {self.rows:,} rows compared"
        if not self.groups:
            return f"{self.table}: {self.unknown or self.undamaged} ({compared})"
        ids = f", among the ids {', '.join(self.ids)}" if self.ids else ""
        return f"{self.table}: {len(self.groups)} rows or more {self.damaged}{ids} ({compared})"


Table = TypeVar("Table", bound=ComparedTable)


@dataclass(frozen=True, repr=False)
class ComparedRows(Sentence, Generic[Table]):
    """All tables that were compared for one kind of damage."""

    what: ClassVar[str]
    """The damaged rows, in the table of criteria."""
    nothing: ClassVar[str]
    """What to say when no table could be compared at all."""

    tables: tuple[Table, ...]
    created_until: str

    @property
    def found(self) -> Mapping[str, tuple[int, ...]]:
        """The tables with damaged rows, and the groups that these are in."""
        return {table.table: table.groups for table in self.tables if table.groups}

    @property
    def none(self) -> bool:
        """No row is damaged. Raises MeasurementFailed when that is not known of one table, and no other is damaged."""
        if self.found:
            return False
        unknown = [table.why_unknown for table in self.tables if table.why_unknown]
        if unknown:
            raise MeasurementFailed("; ".join(unknown))
        if not self._compared:
            raise MeasurementFailed(self.nothing)
        return True

    def with_ids(self, ids: Mapping[str, tuple[str, ...]]) -> Self:
        """The same, with evidence by table."""
        return replace(self, tables=tuple(replace(table, ids=ids.get(table.table, ())) for table in self.tables))

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        damaged = sum(len(table.groups) for table in self.tables)
        rows = sum(table.rows for table in self.tables)
        parts = (
            f"at least, by checksums of groups; {self._compared:,} of {rows:,} rows created until {self.created_until} compared",
            self._left_out,
            f"in {', '.join(table.table for table in self.tables)}",
        )
        return Figures(
            what=self.what,
            asked="none",
            measured=damaged,
            unit="rows",
            n=self._compared,
            margin=-damaged,
            definition=", ".join(filter(None, parts)),
        )

    @property
    def _compared(self) -> int:
        return sum(table.compared for table in self.tables)

    @property
    def _left_out(self) -> str:
        """What of the tables was left out on purpose; empty when nothing ever is."""
        return ""

    def __str__(self) -> str:
        """The damaged tables; all of them when there is none."""
        wrong = [table for table in self.tables if table.groups]
        return f"{'; '.join(map(str, wrong or self.tables))}, created until {self.created_until}"


def same_rows(before: TableContent, after: TableContent) -> frozenset[int]:
    """The groups that hold the same rows as before, whatever these say."""
    return frozenset(
        number
        for number, (count, keys, *_) in before.groups.items()
        if number in after.groups and after.groups[number][:2] == (count, keys)
    )
