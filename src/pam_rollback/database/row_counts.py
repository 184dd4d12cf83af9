"""Were rows lost? Counts and fingerprints of the core tables before, held against those after."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, Literal, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured, Sentence

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
class ComparedRows(Fact, Generic[Table]):
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
    def damaged_rows(self) -> int:
        """How many rows are damaged, at least. Raises MeasurementFailed when none is, and one table is not known."""
        unknown = [table.why_unknown for table in self.tables if table.why_unknown]
        if not self.found and unknown:
            raise MeasurementFailed("; ".join(unknown))
        if not self.found and not self._compared:
            raise MeasurementFailed(self.nothing)
        return sum(map(len, self.found.values()))

    def with_ids(self, ids: Mapping[str, tuple[str, ...]]) -> Self:
        """The same, with evidence by table."""
        return replace(self, tables=tuple(replace(table, ids=ids.get(table.table, ())) for table in self.tables))

    @property
    def measured(self) -> Measured:
        """How many rows are damaged, at least; in words the damaged tables, or all of them when there is none."""
        wrong = [table for table in self.tables if table.groups]
        damaged = sum(len(table.groups) for table in wrong)
        rows = sum(table.rows for table in self.tables)
        parts = (
            f"at least, by checksums of groups; {self._compared:,} of {rows:,} rows created until {self.created_until} compared",
            self._left_out,
            f"in {', '.join(table.table for table in self.tables)}",
        )
        return Measured(
            what=self.what,
            asked="none",
            value=damaged,
            unit="rows",
            n=self._compared,
            margin=-damaged,
            definition=", ".join(filter(None, parts)),
            sentence=f"{'; '.join(map(str, wrong or self.tables))}, created until {self.created_until}",
        )

    @property
    def _compared(self) -> int:
        return sum(table.compared for table in self.tables)

    @property
    def _left_out(self) -> str:
        """What of the tables was left out on purpose; empty when nothing ever is."""
        return ""


class TableContent(BaseModel):
    """Checksums of what nobody changes of a table's rows, by groups that follow from the rows' keys."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    columns: tuple[str, ...]
    groups: Mapping[int, tuple[int, str, str, float]]
    """Of each group: rows, the sum of their keys' hashes, that of their contents' hashes, and the latest moment of
    change, in seconds since 1970 (0 where the table does not keep it)."""
    owner: str = ""
    """The column that says whose a row is; empty in what an earlier version counted."""
    owners: Mapping[int, str] = {}
    """Of each group, the sum of the hashes of its rows' keys with their owners."""


def same_rows(before: TableContent, after: TableContent) -> frozenset[int]:
    """The groups that hold the same rows as before, whatever these say."""
    return frozenset(
        number
        for number, (count, keys, *_) in before.groups.items()
        if number in after.groups and after.groups[number][:2] == (count, keys)
    )


class TableCount(BaseModel):
    """The rows of one table that are older than the moment of counting, and a sum over their keys that no order changes."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    rows: int
    keys: str
    """The sum of the keys' 64-bit hashes, in decimal: it is longer than JSON's numbers."""
    content: TableContent | None = Field(default=None, strict=False)
    """None where users may change everything of their rows, such as settings."""
    changed_s: float | None = None
    """The latest moment of change of one of them, in seconds since 1970; None where the table does not keep it."""
    changed: int | None = None
    """How many of them were changed since the counting that this one is held against; None where nobody can tell."""


class TableCounts(BaseModel):
    """The core tables at one moment, of one snapshot, without the rows of the environment's own test account."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Literal[2] = 2
    created_until: AwareDatetime
    """Only rows that were created up to then are counted; the same moment is used again afterwards."""
    tables: Mapping[str, TableCount]


@dataclass(frozen=True, repr=False)
class TableLoss(Sentence):
    """One table, before and after."""

    table: str
    before: TableCount
    after: TableCount
    created_until: str
    lost_max: int = 0

    @property
    def lost(self) -> int:
        """How many rows there are less."""
        return max(0, self.before.rows - self.after.rows)

    @property
    def replaced(self) -> bool:
        """As many rows as before, or more, and yet not the same ones: a count alone would call it fine."""
        return self.after.rows >= self.before.rows and self.after.keys != self.before.keys

    @property
    def holds(self) -> bool:
        """Nothing is lost beyond what is allowed, nothing was exchanged, and there was something that could have been lost."""
        return self.before.rows > 0 and self.lost <= self.lost_max and not self.replaced

    def __str__(self) -> str:
        span = f"rows created until {self.created_until}: {self.before.rows:,} before, {self.after.rows:,} now"
        if self.before.rows == 0:
            return f"{self.table}: there were no rows before, so no loss can be seen ({span})"
        if self.replaced:
            extra = self.after.rows - self.before.rows
            what = (
                f"{extra:,} rows more than before that claim to be old" if extra else "rows were exchanged for others"
            )
            return f"{self.table}: {what}, {span}, other keys; expected the same rows"
        allowed = f", {self.lost_max:,} allowed" if self.lost_max else ""
        return f"{self.table}: {self.lost:,} rows lost{allowed}, {span}"


@dataclass(frozen=True, repr=False)
class RowLoss(Fact):
    """All core tables, before and after."""

    tables: tuple[TableLoss, ...]

    @property
    def holds(self) -> bool:
        """No table lost rows, and there is a table."""
        return bool(self.tables) and all(table.holds for table in self.tables)

    @property
    def measured(self) -> Measured:
        """How many rows are lost; in words the tables that lost something, or all of them when none did."""
        lost = sum(table.lost for table in self.tables)
        exchanged = [table.table for table in self.tables if table.replaced]
        wrong = [table for table in self.tables if not table.holds]
        return Measured(
            what="rows lost since before",
            asked="none lost, none exchanged",
            value=f"exchanged in {', '.join(exchanged)}" if exchanged else lost,
            unit="" if exchanged else "rows",
            n=sum(table.before.rows for table in self.tables),
            margin=None if exchanged else -lost,
            sentence="; ".join(map(str, wrong or self.tables)) or "no table was counted, so nothing is proven",
        )


def lost(before: TableCounts, after: TableCounts, *, lost_rows_max: int = 0) -> RowLoss:
    """Hold two counts of the same span against each other.

    A table that was counted before and is not there after has lost all its rows. Raises ValueError when the spans differ.
    """
    refuse_other_span(before, after)
    none = TableCount(rows=0, keys="0")
    moment = f"{before.created_until:%Y-%m-%d %H:%M:%S} UTC"
    return RowLoss(
        tuple(
            TableLoss(name, count, after.tables.get(name, none), moment, lost_rows_max)
            for name, count in before.tables.items()
        )
    )


def refuse_other_span(before: TableCounts, after: TableCounts) -> None:
    """Raise ValueError when two counts are not of the same rows: they would differ without any loss."""
    if before.created_until != after.created_until:
        raise ValueError(
            f"counts of different spans: expected rows created until {before.created_until}, found {after.created_until}"
        )
