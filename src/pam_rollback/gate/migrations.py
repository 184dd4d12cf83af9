"""What trying migrations on a copy of the database showed: whether a deploy can be taken back.

What is compared is the catalogue (tables, columns, constraints, indexes, triggers, functions, policies, views, types, grants) and what the
rows say, by a digest of each column. A way back that brings a column back without its content is none.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Measured, listed
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


def names_of(pending: Sequence[MigrationFile]) -> str:
    """Return the names of the migrations."""
    return ", ".join(map(str, pending)) or "no migration"


def applied(
    pending: Sequence[MigrationFile],
    known: int,
    *,
    took_s: float = 0.0,
    failed: str = "",
    assumed: Sequence[str] = (),
) -> TrialFinding:
    """Say whether the candidate's migrations, of which it has ``known``, could be applied to the copy; ``failed`` is why not.

    ``assumed`` is what had to be assumed to know which are pending, and what nobody applies by itself.
    """
    names = ", ".join(map(str, pending)) or "none"
    done = f"{len(pending)} of the candidate's {known} migrations were applied to the copy in {took_s:.1f} s: {names}"
    return TrialFinding(
        what="migrations applied to the copy",
        asked="all",
        value=failed or "all",
        n=len(pending),
        sentence=f"the candidate's migrations cannot be applied to a copy of the database: {failed}"
        if failed
        else done,
        found=(failed,) if failed else (),
        rests_on="; ".join(assumed),
    )


def kept(pending: Sequence[MigrationFile], rows: int, lost: tuple[str, ...]) -> TrialFinding:
    """Say whether they leave what users wrote: an older release would miss it, and no way back brings it again."""
    sentence = f"{names_of(pending)}: applied to a copy, {rows} rows are as they were"
    if lost:
        sentence = (
            f"{names_of(pending)}: applied to a copy, it drops or overwrites data: {listed(lost)}; "
            "a rollback of the code alone would meet that: write new values into a column of their own"
        )
    what = "data lost by migrations"
    return TrialFinding(what=what, asked="none", value=len(lost), unit="losses", n=rows, sentence=sentence, found=lost)


def reversal(
    pending: Sequence[MigrationFile],
    before: Picture,
    differences: tuple[str, ...],
    *,
    failed: str = "",
    took_s: float = 0.0,
    one_way: bool = False,
    stays: Sequence[str] = (),
) -> TrialFinding:
    """Say whether the way back leads back: schema and rows are what they were; ``failed`` is which way back does not work, and why.

    Where the product's migrations have no ways back (``one_way``), only its code goes back: then nothing that the release before wrote may
    be overwritten, and what a way back would have to take away ``stays``.
    """
    names, objects, rows = names_of(pending), len(before.objects), before.rows
    without = [] if one_way else [f"{migration}.down.sql" for migration in pending if migration.down is None]
    rests_on = ""
    if one_way and pending:
        lost = f"; undone by hand this is lost, with what is in it by then: {listed(stays)}" if stays else ""
        rests_on = f"no way down: {names}: a rollback takes the code back and leaves the schema{lost}"
    if without:
        sentence = f"this deploy cannot be taken back: there is no {', '.join(without)}; write it, and prove here that it leads back"
    elif failed:
        sentence = f"this deploy cannot be taken back: {failed}"
    elif one_way and differences:
        sentence = (
            f"{names} has no way down and overwrites what was there: {listed(differences)}; "
            "write the new values into a column of their own, and leave the old one to the release before"
        )
    elif one_way and pending:
        sentence = f"the code can be taken back: {rows} rows still say what they said, {rests_on}"
    elif differences:
        sentence = f"this deploy cannot be taken back: after {names} and its way back, {listed(differences)}"
    else:
        compared = f"{objects} objects and {rows} rows are as they were"
        sentence = f"{names}: applied to a copy and rolled back in {took_s:.1f} s; {compared}"
    found = (*differences, *without, *([failed] if failed else []))
    return TrialFinding(
        what="difference after rolling the migrations back",
        asked="none",
        value=len(found),
        n=objects,
        sentence=sentence,
        found=found,
        rests_on=rests_on,
        more=tuple(stays),
    )


def copy_integrity(held: int, broken: tuple[str, ...], unknown: Mapping[str, str] | None = None) -> TrialFinding:
    """Say what the invariants say of the copy with the candidate's migrations; ``unknown`` are those of which nothing is known, and why."""
    sentence = f"with the candidate's migrations all {held} invariants hold on the copy"
    if broken:
        sentence = f"with the candidate's migrations {len(broken)} invariants do not hold on the copy: {listed(broken)}"
    why = tuple((unknown or {}).values())
    not_known = (listed(why) or "no invariant was evaluated") if why or not held else ""
    return TrialFinding(
        what="invariants broken on the migrated copy",
        asked="none",
        value=len(broken),
        n=held + len(broken),
        sentence=sentence,
        found=broken,
        unknown=not_known and f"on the copy with the candidate's migrations: {not_known}",
        more=why,
    )


@dataclass(frozen=True)
class Reached:
    """By which rows can be reached at one moment."""

    schema: Schema
    shown: frozenset[str]
    """Tables that show strangers rows of others, and to whom."""
    unknown: tuple[str, ...] = ()
    """Tables of which that could not be tried, and why."""


def doors(pending: Sequence[MigrationFile], before: Reached, after: Reached) -> TrialFinding:
    """Say what is open with the migrations, and was not before them."""
    opened = (*compare(before.schema, after.schema).opened.changes, *sorted(after.shown - before.shown))
    unknown = tuple(one for one in after.unknown if one not in before.unknown)
    names, objects = names_of(pending), after.schema.count
    sentence = f"{names}: nothing of the schema's {objects} objects is more open than before"
    if opened:
        sentence = f"the candidate's migrations open rows to whom they do not belong: {listed(opened)} ({names})"
    return TrialFinding(
        what="doors that the migrations open",
        asked="none",
        value=len(opened),
        n=objects,
        sentence=sentence,
        found=opened,
        unknown=f"what the migrations open is not known: {listed(unknown)}" if unknown else "",
        more=unknown,
    )
