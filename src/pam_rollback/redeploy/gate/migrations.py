"""What trying migrations on a copy of the database showed: whether a deploy can be taken back.

What is compared is the catalogue (tables, columns, constraints, indexes, triggers, functions, policies, views, types, grants) and what the
rows say, by a digest of each column. A way back that brings a column back without its content is none.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Measured, listed
from pam_rollback.database.catalogue import Catalogue, SchemaObject
from pam_rollback.database.schema_changes import compare
from pam_rollback.redeploy.gate.migration_files import MigrationFile


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

    @classmethod
    def of(cls, one: SchemaObject) -> "Column":
        """Read it out of the catalogue."""
        refuses = one.default.endswith((" (generated)", "GENERATED ALWAYS"))
        return cls(one.definition, one.not_null, filled=bool(one.default), refuses=refuses)


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


@dataclass(frozen=True, repr=False, kw_only=True)
class TrialFinding(Measured):
    """One thing that the trial of the migrations shows: how much is wrong, which nothing may be."""

    found: tuple[str, ...]
    """What is wrong, one sentence each."""
    unknown: str = ""
    """Why it is not known that nothing is; empty where it is known."""
    rests_on: str = ""
    """What a verdict on it rests on; empty: nothing."""
    more: tuple[str, ...] = ()
    """What else belongs into the text that is kept."""

    @property
    def number(self) -> float:
        """How much is wrong. Raises MeasurementFailed where nothing was found and something is not known."""
        if self.unknown and not self.found:
            raise MeasurementFailed(self.unknown)
        return len(self.found)


def finding(
    what: str, found: Sequence[str], n: int, *, good: str, bad: str, asked: str = "none", **more: Any
) -> TrialFinding:
    """Return what was found wrong, with the sentence for something or for nothing."""
    sentence = bad if found else good
    return TrialFinding(what=what, asked=asked, value=len(found), n=n, sentence=sentence, found=tuple(found), **more)


def names_of(pending: Sequence[MigrationFile]) -> str:
    """Return the names of the migrations."""
    return ", ".join(map(str, pending)) or "no migration"


def applied(
    pending: Sequence[MigrationFile], known: int, *, took_s: float = 0.0, failed: str = "", assumed: Sequence[str] = ()
) -> TrialFinding:
    """Say whether the candidate's migrations, of which it has ``known``, could be applied to the copy; ``failed`` is why not.

    ``assumed`` is what had to be assumed to know which are pending, and what nobody applies by itself.
    """
    names, count = ", ".join(map(str, pending)) or "none", len(pending)
    return finding(
        "migrations that could not be applied to the copy",
        [failed] if failed else [],
        count,
        good=f"{count} of the candidate's {known} migrations were applied to the copy in {took_s:.1f} s: {names}",
        bad=f"the candidate's migrations cannot be applied to a copy of the database: {failed}",
        rests_on="; ".join(assumed),
    )


def kept(pending: Sequence[MigrationFile], rows: int, lost: tuple[str, ...]) -> TrialFinding:
    """Say whether they leave what users wrote: an older release would miss it, and no way back brings it again."""
    return finding(
        "data lost by migrations",
        lost,
        rows,
        unit="losses",
        good=f"{names_of(pending)}: applied to a copy, {rows} rows are as they were",
        bad=f"{names_of(pending)}: applied to a copy, it drops or overwrites data: {listed(lost)}; "
        "a rollback of the code alone would meet that: write new values into a column of their own",
    )


_REVERSAL = "difference after rolling the migrations back"


def code_alone(
    pending: Sequence[MigrationFile], before: Picture, differences: tuple[str, ...], stays: Sequence[str]
) -> TrialFinding:
    """Say whether the code goes back, where the product's migrations have no ways back.

    Nothing that the release before wrote may be overwritten; what a way back would have to take away ``stays``.
    """
    names, rests_on = names_of(pending), ""
    good = f"{names}: {len(before.objects)} objects and {before.rows} rows are as they were"
    if pending:
        lost = f"; undone by hand this is lost, with what is in it by then: {listed(stays)}" if stays else ""
        rests_on = f"no way down: {names}: a rollback takes the code back and leaves the schema{lost}"
        good = f"the code can be taken back: {before.rows} rows still say what they said, {rests_on}"
    bad = (
        f"{names} has no way down and overwrites what was there: {listed(differences)}; "
        "write the new values into a column of their own, and leave the old one to the release before"
    )
    objects = len(before.objects)
    return finding(_REVERSAL, differences, objects, good=good, bad=bad, rests_on=rests_on, more=tuple(stays))


def reversal(
    pending: Sequence[MigrationFile], before: Picture, differences: tuple[str, ...], *, failed: str, took_s: float
) -> TrialFinding:
    """Say whether the ways back lead back: schema and rows are what they were; ``failed`` is which one does not work, and why."""
    names, objects = names_of(pending), len(before.objects)
    without = [f"{migration}.down.sql" for migration in pending if migration.down is None]
    why = f"after {names} and its way back, {listed(differences)}"
    if without:
        why = f"there is no {', '.join(without)}; write it, and prove here that it leads back"
    return finding(
        _REVERSAL,
        (*differences, *without, *filter(None, [failed])),
        objects,
        good=f"{names}: applied to a copy and rolled back in {took_s:.1f} s; {objects} objects and {before.rows} rows are as they were",
        bad=f"this deploy cannot be taken back: {why if without else failed or why}",
    )


def copy_integrity(held: int, broken: tuple[str, ...], unknown: Mapping[str, str] | None = None) -> TrialFinding:
    """Say what the invariants say of the copy with the candidate's migrations; ``unknown`` are those of which nothing is known, and why."""
    why = tuple((unknown or {}).values())
    not_known = (listed(why) or "no invariant was evaluated") if why or not held else ""
    return finding(
        "invariants broken on the migrated copy",
        broken,
        held + len(broken),
        good=f"with the candidate's migrations all {held} invariants hold on the copy",
        bad=f"with the candidate's migrations {len(broken)} invariants do not hold on the copy: {listed(broken)}",
        unknown=not_known and f"on the copy with the candidate's migrations: {not_known}",
        more=why,
    )


@dataclass(frozen=True)
class Reached:
    """By which rows can be reached at one moment."""

    catalogue: Catalogue
    shown: frozenset[str]
    """Tables that show strangers rows of others, and to whom."""
    unknown: tuple[str, ...] = ()
    """Tables of which that could not be tried, and why."""


def doors(pending: Sequence[MigrationFile], before: Reached, after: Reached) -> TrialFinding:
    """Say what is open with the migrations, and was not before them."""
    opened = (*compare(before.catalogue, after.catalogue).opened.changes, *sorted(after.shown - before.shown))
    unknown = tuple(one for one in after.unknown if one not in before.unknown)
    names, objects = names_of(pending), after.catalogue.count
    return finding(
        "doors that the migrations open",
        opened,
        objects,
        good=f"{names}: nothing of the schema's {objects} objects is more open than before",
        bad=f"the candidate's migrations open rows to whom they do not belong: {listed(opened)} ({names})",
        unknown=f"what the migrations open is not known: {listed(unknown)}" if unknown else "",
        more=unknown,
    )
