"""Tries the candidate's migrations on a copy of the database: pictures before, with them, and after they were rolled back again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.gate.rules.migration_files import MigrationFile
from pam_rollback.gate.rules.migrations import (
    Applied,
    CopyIntegrity,
    Kept,
    Picture,
    Reversal,
    changes,
    dropped,
    rewritten,
)

if TYPE_CHECKING:
    # The driver is loaded only where it is used: a rollback must not wait for it.
    from pam_rollback.gate.client.migration_copy import MigrationCopy

T = TypeVar("T")


@dataclass(frozen=True)
class MigrationTrial:
    """What came of it. Where the migrations could not be applied, nothing more is known."""

    applied: Applied
    _kept: Kept | None = None
    _integrity: CopyIntegrity | None = None
    _reversal: Reversal | None = None

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

    def as_text(self) -> str:
        """All of it, without the limits of a sentence."""
        lines = [str(self.applied)]
        if self._kept is not None:
            lines += [str(self._kept), *self._kept.lost]
        if self._integrity is not None:
            lines += [str(self._integrity), *self._integrity.broken, *self._integrity.unknown.values()]
        if self._reversal is not None:
            lines += [str(self._reversal), *self._reversal.differences]
        return "\n".join(dict.fromkeys(lines)) + "\n"

    def _known(self, fact: T | None) -> T:
        if fact is None:
            raise MeasurementFailed(f"not tried, since {self.applied}")
        return fact


def tried(
    copy: "MigrationCopy",
    pending: Sequence[MigrationFile],
    *,
    known: int,
    integrity: Callable[[], CopyIntegrity],
    narrate: Callable[[str], None],
) -> MigrationTrial:
    """Try them. The copy is left as it was found, as far as the ways back lead there."""
    wanted = tuple(pending)
    before = copy.picture()
    narrate(f"  … the copy has {before.rows} rows; {len(wanted)} migrations are applied to it")
    took_s = 0.0
    done: list[MigrationFile] = []
    for migration in wanted:
        found = copy.apply(migration)
        took_s += found.took_s
        if found.problem:
            _back(copy, done)
            return MigrationTrial(Applied(wanted, known, took_s, f"{migration}: {found.problem}"))
        done.append(migration)
    between = copy.picture()
    invariants = integrity()
    took_back_s, failed = _back(copy, done)
    return MigrationTrial(
        Applied(wanted, known, took_s),
        Kept(wanted, before.rows, dropped(before.tables, between.tables)),
        invariants,
        _reversal(wanted, before, copy.picture(), failed, took_back_s),
    )


def _back(copy: "MigrationCopy", done: Sequence[MigrationFile]) -> tuple[float, str]:
    """The newest first; stops at the first that does not work. How long it took, and why it stopped."""
    took_s = 0.0
    for migration in reversed(done):
        found = copy.revert(migration)
        took_s += found.took_s
        if found.problem:
            return took_s, f"the way back of {migration} does not work: {found.problem}"
    return took_s, ""


def _reversal(
    wanted: tuple[MigrationFile, ...], before: Picture, after: Picture, failed: str, took_s: float
) -> Reversal:
    differences = (
        *changes(before.objects, after.objects),
        *dropped(before.tables, after.tables),
        *rewritten(before.tables, after.tables),
    )
    return Reversal(wanted, len(before.objects), before.rows, differences, failed, took_s)
