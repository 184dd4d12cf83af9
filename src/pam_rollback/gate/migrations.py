"""What trying migrations on a copy of the database showed: whether a deploy can be taken back.

What is compared is the catalogue (tables, columns, constraints, indexes, triggers, functions, policies, views, types, grants) and what the
rows say, by a digest of each column. A way back that brings a column back without its content is none.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence, listed
from pam_rollback.gate.migration_files import MigrationFile
from pam_rollback.integrity.schema_changes import Schema, compare


@dataclass(frozen=True)
class Contents:
    """What a table holds: how many rows, and a digest of each column that does not depend on their order."""

    rows: int
    columns: Mapping[str, str]
    old_rows: int = 0
    """How many of them nobody wrote since the moment that the picture was asked for."""


@dataclass(frozen=True)
class Column:
    """What somebody who reads and writes a column has to know of it."""

    type: str
    not_null: bool
    filled: bool
    """An insert may leave it out also where it is NOT NULL: it has a default, or numbers itself."""
    refuses: bool = False
    """It takes nobody's value: generated, or an identity ALWAYS."""


@dataclass(frozen=True)
class Picture:
    """A database at one moment: each object of the catalogue by name with its definition, and what the tables hold."""

    objects: Mapping[str, str]
    tables: Mapping[str, Contents]
    columns: Mapping[str, Column] = field(default_factory=dict)
    """Of tables and views, as ``schema.table.column``."""

    @property
    def rows(self) -> int:
        """In all tables together."""
        return sum(table.rows for table in self.tables.values())


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """What is other than before, one sentence each."""
    gone = [f"{name} is gone" for name in sorted(before.keys() - after.keys())]
    new = [f"{name} is new" for name in sorted(after.keys() - before.keys())]
    other = [
        f"{name} was {before[name]!r} and is {after[name]!r}"
        for name in sorted(before.keys() & after.keys())
        if before[name] != after[name]
    ]
    return (*gone, *other, *new)


def dropped(before: Mapping[str, Contents], after: Mapping[str, Contents]) -> tuple[str, ...]:
    """What of the rows of before is not there any more: tables, columns, rows."""
    return tuple(_dropped(before, after))


def rewritten(
    before: Mapping[str, Contents], after: Mapping[str, Contents], *, besides: Collection[str] = ()
) -> tuple[str, ...]:
    """Where the tables do not hold what they held: more or fewer rows, or others. Columns of the names ``besides`` do not count."""
    both = [(name, before[name], after[name]) for name in sorted(before.keys() & after.keys())]
    counts = [f"table {name} had {old.rows} rows and has {new.rows}" for name, old, new in both if old.rows != new.rows]
    contents = [
        f"column {name}.{column} says something else than before, in a table of {old.rows} rows"
        for name, old, new in both
        for column, digest in sorted(old.columns.items())
        if old.rows == new.rows and column not in besides and new.columns.get(column, digest) != digest
    ]
    return (*counts, *contents)


def overwritten(
    before: Mapping[str, Contents], after: Mapping[str, Contents], *, besides: Collection[str] = ()
) -> tuple[str, ...]:
    """Where rows of before do not say what they said. New rows beside them overwrite nothing, as long as the old ones were not written."""
    more = {name for name, old in before.items() if name in after and after[name].rows > old.rows}
    unsure = [
        f"table {name} has {after[name].rows - before[name].rows} more rows, and old ones are written anew: they cannot be compared"
        for name in sorted(more)
        if after[name].old_rows < before[name].rows
    ]
    same = {name: one for name, one in before.items() if name in after and after[name].rows == one.rows}
    return (*rewritten(same, after, besides=besides), *unsure)


def _dropped(before: Mapping[str, Contents], after: Mapping[str, Contents]) -> Iterator[str]:
    for name, old in sorted(before.items()):
        if not old.rows:
            continue
        new = after.get(name)
        if new is None:
            yield f"table {name} is gone, with its {old.rows} rows"
            continue
        if new.rows < old.rows:
            yield f"table {name} had {old.rows} rows and has {new.rows}"
        yield from (
            f"column {name}.{column} is gone, of {old.rows} rows"
            for column in sorted(old.columns.keys() - new.columns.keys())
        )


def added(before: Picture, after: Picture) -> tuple[str, ...]:
    """What is there only since then: tables with their rows, and columns of tables that were there."""
    tables = [
        f"table {name}" + (f" with {after.tables[name].rows} rows" if after.tables[name].rows else "")
        for name in sorted(after.tables.keys() - before.tables.keys())
    ]
    columns = [
        f"column {name}.{column}"
        for name in sorted(before.tables.keys() & after.tables.keys())
        for column in sorted(after.tables[name].columns.keys() - before.tables[name].columns.keys())
    ]
    return (*tables, *columns)


@dataclass(frozen=True, repr=False)
class Applied(Sentence):
    """Whether the candidate's migrations can be applied to the copy."""

    pending: tuple[MigrationFile, ...]
    known: int
    """How many the candidate has."""
    took_s: float = 0.0
    failed: str = ""
    """Which one could not be applied, and why; empty when all could."""
    assumed: tuple[str, ...] = ()
    """What had to be assumed to know which are pending, and what nobody applies by itself."""

    @property
    def done(self) -> bool:
        """All are applied, or there was nothing to apply."""
        return not self.failed

    @property
    def rests_on(self) -> str:
        """What a verdict on it rests on; empty: nothing."""
        return "; ".join(self.assumed)

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what="migrations applied to the copy", asked="all", measured=self.failed or "all", n=len(self.pending)
        )

    def __str__(self) -> str:
        if self.failed:
            return f"the candidate's migrations cannot be applied to a copy of the database: {self.failed}"
        names = ", ".join(map(str, self.pending)) or "none"
        return f"{len(self.pending)} of the candidate's {self.known} migrations were applied to the copy in {self.took_s:.1f} s: {names}"


@dataclass(frozen=True, repr=False)
class Kept(Sentence):
    """Whether the migrations leave what users wrote: an older release would miss it, and no way back brings it again."""

    pending: tuple[MigrationFile, ...]
    rows: int
    lost: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Nothing is gone, and nothing says something else."""
        return not self.lost

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what="data lost by migrations", asked="none", measured=len(self.lost), unit="losses", n=self.rows
        )

    def __str__(self) -> str:
        names = ", ".join(map(str, self.pending)) or "no migration"
        if self.lost:
            return (
                f"{names}: applied to a copy, it drops or overwrites data: {listed(self.lost)}; "
                "a rollback of the code alone would meet that: write new values into a column of their own"
            )
        return f"{names}: applied to a copy, {self.rows} rows are as they were"


@dataclass(frozen=True, repr=False)
class Reversal(Sentence):
    """Whether the way back leads back."""

    pending: tuple[MigrationFile, ...]
    objects: int
    """How many of the catalogue were compared."""
    rows: int
    differences: tuple[str, ...] = ()
    failed: str = ""
    """Which way back does not work, and why."""
    took_s: float = 0.0
    one_way: bool = False
    """The product's migrations have no ways back: only its code goes back, and what they changed stays."""
    stays: tuple[str, ...] = ()
    """What a way back would have to take away, with what is written into it until then."""

    @property
    def no_way_back(self) -> tuple[MigrationFile, ...]:
        """Those without a down file, where others have one."""
        return () if self.one_way else tuple(migration for migration in self.pending if migration.down is None)

    @property
    def reversible(self) -> bool:
        """Schema and rows are what they were before; where nothing leads back, nothing that the release before wrote is overwritten."""
        return not (self.no_way_back or self.failed or self.differences)

    @property
    def rests_on(self) -> str:
        """What a verdict on it rests on; empty: nothing."""
        if not self.one_way or not self.pending:
            return ""
        lost = f"; undone by hand this is lost, with what is in it by then: {listed(self.stays)}" if self.stays else ""
        return f"no way down: {', '.join(map(str, self.pending))}: a rollback takes the code back and leaves the schema{lost}"

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        found = len(self.differences) + len(self.no_way_back) + bool(self.failed)
        return Figures(
            what="difference after rolling the migrations back", asked="none", measured=found, n=self.objects
        )

    def __str__(self) -> str:
        names = ", ".join(map(str, self.pending)) or "no migration"
        if self.no_way_back:
            without = ", ".join(f"{migration}.down.sql" for migration in self.no_way_back)
            return (
                f"this deploy cannot be taken back: there is no {without}; write it, and prove here that it leads back"
            )
        if self.failed:
            return f"this deploy cannot be taken back: {self.failed}"
        if self.one_way and self.differences:
            return (
                f"{names} has no way down and overwrites what was there: {listed(self.differences)}; "
                "write the new values into a column of their own, and leave the old one to the release before"
            )
        if self.one_way and self.pending:
            return f"the code can be taken back: {self.rows} rows still say what they said, {self.rests_on}"
        if self.differences:
            return f"this deploy cannot be taken back: after {names} and its way back, {listed(self.differences)}"
        compared = f"{self.objects} objects and {self.rows} rows are as they were"
        return f"{names}: applied to a copy and rolled back in {self.took_s:.1f} s; {compared}"


@dataclass(frozen=True, repr=False)
class CopyIntegrity(Sentence):
    """What the invariants say of the copy with the candidate's migrations."""

    held: int
    broken: tuple[str, ...]
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Every invariant holds. Raises MeasurementFailed when that of one is not known, and none is broken."""
        if self.broken:
            return False
        if self.unknown or not self.held:
            raise MeasurementFailed(
                f"on the copy with the candidate's migrations: {listed(list(self.unknown.values())) or 'no invariant was evaluated'}"
            )
        return True

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        n = self.held + len(self.broken)
        return Figures(what="invariants broken on the migrated copy", asked="none", measured=len(self.broken), n=n)

    def __str__(self) -> str:
        if self.broken:
            return f"with the candidate's migrations {len(self.broken)} invariants do not hold on the copy: {listed(self.broken)}"
        return f"with the candidate's migrations all {self.held} invariants hold on the copy"


@dataclass(frozen=True)
class Reached:
    """By which rows can be reached at one moment."""

    schema: Schema
    shown: frozenset[str]
    """Tables that show strangers rows of others, and to whom."""
    unknown: tuple[str, ...] = ()
    """Tables of which that could not be tried, and why."""


@dataclass(frozen=True, repr=False)
class Doors:
    """What is open with the migrations, and was not before them."""

    pending: tuple[MigrationFile, ...]
    opened: tuple[str, ...]
    objects: int
    unknown: tuple[str, ...] = ()

    @classmethod
    def of(cls, pending: Iterable[MigrationFile], before: Reached, after: Reached) -> "Doors":
        """Hold one moment against the other."""
        opened = (*compare(before.schema, after.schema).opened.changes, *sorted(after.shown - before.shown))
        return cls(
            tuple(pending), opened, after.schema.count, tuple(one for one in after.unknown if one not in before.unknown)
        )

    @property
    def none(self) -> bool:
        """Nothing is. Raises MeasurementFailed when that is not known of a table, and nothing else is open."""
        if self.opened:
            return False
        if self.unknown:
            raise MeasurementFailed(f"what the migrations open is not known: {listed(self.unknown)}")
        return True

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(what="doors that the migrations open", asked="none", measured=len(self.opened), n=self.objects)

    def __str__(self) -> str:
        """The sentence that a failure shows."""
        names = ", ".join(map(str, self.pending)) or "no migration"
        if self.opened:
            return f"the candidate's migrations open rows to whom they do not belong: {listed(self.opened)} ({names})"
        return f"{names}: nothing of the schema's {self.objects} objects is more open than before"

    __repr__ = __str__
