"""Tries the candidate's migrations on a copy of the database: pictures before, with them, and after they were rolled back again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.gate.migration_copy import MigrationCopy
from pam_rollback.gate.migration_files import MigrationFile, ToApply
from pam_rollback.gate.migrations import (
    Applied,
    CopyIntegrity,
    Doors,
    Kept,
    Picture,
    Reached,
    Reversal,
    added,
    changes,
    dropped,
    overwritten,
    rewritten,
)
from pam_rollback.gate.stable_release import StableRelease, still_works

T = TypeVar("T")
_TOUCHED = ("updated_at",)
"""What says when a row was last written: filling a new column moves it, and overwrites nothing of a user's."""


@dataclass(frozen=True)
class MigrationTrial:
    """What came of it. Where the migrations could not be applied, nothing more is known."""

    applied: Applied
    _kept: Kept | None = None
    _integrity: CopyIntegrity | None = None
    _reversal: Reversal | None = None
    _stable: StableRelease | None = None
    _doors: Doors | None = None

    @property
    def kept(self) -> Kept:
        """Whether what users wrote is still there with them."""
        return self._known(self._kept)

    @property
    def integrity(self) -> CopyIntegrity:
        """What the invariants say with them."""
        return self._known(self._integrity)

    @property
    def reversal(self) -> Reversal:
        """Whether the way back leads back."""
        return self._known(self._reversal)

    @property
    def stable_release(self) -> StableRelease:
        """Whether the release before works on the migrated schema."""
        return self._known(self._stable)

    @property
    def doors(self) -> Doors:
        """Whether they open rows to whom they do not belong."""
        return self._known(self._doors)

    def as_text(self) -> str:
        """All of it, without the limits of a sentence."""
        lines = [str(self.applied)]
        if self._kept is not None:
            lines += [str(self._kept), *self._kept.lost]
        if self._integrity is not None:
            lines += [str(self._integrity), *self._integrity.broken, *self._integrity.unknown.values()]
        if self._reversal is not None:
            lines += [str(self._reversal), *self._reversal.differences, *self._reversal.stays]
        if self._stable is not None:
            lines += [str(self._stable), *self._stable.broken, *self._stable.changed, *self._stable.untried]
        if self._doors is not None:
            lines += [str(self._doors), *self._doors.opened, *self._doors.unknown]
        return "\n".join(dict.fromkeys(lines)) + "\n"

    def _known(self, fact: T | None) -> T:
        if fact is None:
            raise MeasurementFailed(f"not tried, since {self.applied}")
        return fact


def tried(
    copy: MigrationCopy,
    wanted: ToApply,
    *,
    known: int,
    one_way: bool = False,
    integrity: Callable[[], CopyIntegrity],
    reached: Callable[[], Reached] | None = None,
    narrate: Callable[[str], None],
) -> MigrationTrial:
    """Try them. The copy is left as it was found, as far as the ways back lead there; ``one_way`` migrations have none."""
    pending, assumed = wanted.migrations, wanted.assumed
    if wanted.problem:
        return MigrationTrial(Applied(pending, known, failed=wanted.problem, assumed=assumed))
    before = copy.picture()
    since = copy.moment()
    statements = copy.statements()
    then = copy.sent(statements)
    open_before = None if reached is None else reached()
    narrate(f"  … the copy has {before.rows} rows; {len(pending)} migrations are applied to it")
    took_s = 0.0
    done: list[MigrationFile] = []
    for migration in pending:
        found = copy.apply(migration)
        took_s += found.took_s
        if found.problem:
            _back(copy, [] if one_way else done)
            return MigrationTrial(Applied(pending, known, took_s, f"{migration}: {found.problem}", assumed))
        done.append(migration)
    between = copy.picture(since=since)
    now = copy.sent(statements)
    invariants = integrity()
    doors = None if reached is None or open_before is None else Doors.of(pending, open_before, reached())
    return MigrationTrial(
        Applied(pending, known, took_s, assumed=assumed),
        Kept(
            pending,
            before.rows,
            (*dropped(before.tables, between.tables), *overwritten(before.tables, between.tables, besides=_TOUCHED)),
        ),
        invariants,
        _code_alone(pending, before, between) if one_way else _reversal(copy, pending, before),
        still_works(pending, before, between, then, now),
        doors,
    )


def _back(copy: MigrationCopy, done: Sequence[MigrationFile]) -> tuple[float, str]:
    """The newest first; stops at the first that does not work. How long it took, and why it stopped."""
    took_s = 0.0
    for migration in reversed(done):
        found = copy.revert(migration)
        took_s += found.took_s
        if found.problem:
            return took_s, f"the way back of {migration} does not work: {found.problem}"
    return took_s, ""


def _code_alone(wanted: tuple[MigrationFile, ...], before: Picture, after: Picture) -> Reversal:
    """Nothing leads back: what the release before wrote has to say what it said, and what is new stays."""
    other = rewritten(before.tables, after.tables, besides=_TOUCHED)
    return Reversal(wanted, len(before.objects), before.rows, other, one_way=True, stays=added(before, after))


def _reversal(copy: MigrationCopy, wanted: tuple[MigrationFile, ...], before: Picture) -> Reversal:
    took_s, failed = _back(copy, wanted)
    after = copy.picture()
    differences = (
        *changes(before.objects, after.objects),
        *dropped(before.tables, after.tables),
        *rewritten(before.tables, after.tables),
    )
    return Reversal(wanted, len(before.objects), before.rows, differences, failed, took_s)
