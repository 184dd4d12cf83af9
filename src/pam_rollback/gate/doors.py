"""What migrations open: rows that users reach past the policies, or that a policy shows to strangers, only since then.

The way back takes it away again, so it is no question of that; until then the rows are open. Weaker and lost is judged by what the stable
release misses (``contraction``).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, listed
from pam_rollback.gate.migration_files import MigrationFile
from pam_rollback.integrity.schema_changes import Schema, compare


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
