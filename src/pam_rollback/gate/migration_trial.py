"""Tries the candidate's migrations on a copy of the database: pictures before, with them, and after they were rolled back again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.gate.migration_copy import MigrationCopy
from pam_rollback.gate.migration_files import MigrationFile, ToApply
from pam_rollback.gate.migrations import (
    Picture,
    Reached,
    TrialFinding,
    added,
    applied,
    changes,
    doors,
    dropped,
    kept,
    overwritten,
    reversal,
    rewritten,
)
from pam_rollback.gate.stable_release import still_works

_TOUCHED = ("updated_at",)
"""What says when a row was last written: filling a new column moves it, and overwrites nothing of a user's."""


@dataclass(frozen=True)
class MigrationTrial:
    """What came of it. Where the migrations could not be applied, nothing more is known, and asking for it raises MeasurementFailed."""

    applied: TrialFinding
    _more: Mapping[str, TrialFinding] = field(default_factory=dict)

    @property
    def kept(self) -> TrialFinding:
        """Whether what users wrote is still there with them."""
        return self._known("kept")

    @property
    def integrity(self) -> TrialFinding:
        """What the invariants say with them."""
        return self._known("integrity")

    @property
    def reversal(self) -> TrialFinding:
        """Whether the way back leads back."""
        return self._known("reversal")

    @property
    def stable_release(self) -> TrialFinding:
        """Whether the release before works on the migrated schema."""
        return self._known("stable release")

    @property
    def doors(self) -> TrialFinding:
        """Whether they open rows to whom they do not belong."""
        return self._known("doors")

    def as_text(self) -> str:
        """All of it, without the limits of a sentence."""
        lines = [line for one in (self.applied, *self._more.values()) for line in (str(one), *one.found, *one.more)]
        return "\n".join(dict.fromkeys(lines)) + "\n"

    def _known(self, what: str) -> TrialFinding:
        if what not in self._more:
            raise MeasurementFailed(f"not tried, since {self.applied}")
        return self._more[what]


def tried(
    copy: MigrationCopy,
    wanted: ToApply,
    *,
    known: int,
    one_way: bool = False,
    integrity: Callable[[], TrialFinding],
    reached: Callable[[], Reached] | None = None,
    narrate: Callable[[str], None],
) -> MigrationTrial:
    """Try them. The copy is left as it was found, as far as the ways back lead there; ``one_way`` migrations have none."""
    pending, assumed = wanted.migrations, wanted.assumed
    if wanted.problem:
        return MigrationTrial(applied(pending, known, failed=wanted.problem, assumed=assumed))
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
            failed = f"{migration}: {found.problem}"
            return MigrationTrial(applied(pending, known, took_s=took_s, failed=failed, assumed=assumed))
        done.append(migration)
    between = copy.picture(since=since)
    now = copy.sent(statements)
    invariants = integrity()
    found_open = {} if reached is None or open_before is None else {"doors": doors(pending, open_before, reached())}
    lost = (*dropped(before.tables, between.tables), *overwritten(before.tables, between.tables, besides=_TOUCHED))
    more = {
        "kept": kept(pending, before.rows, lost),
        "integrity": invariants,
        "reversal": _code_alone(pending, before, between) if one_way else _reversal(copy, pending, before),
        "stable release": still_works(pending, before, between, then, now),
        **found_open,
    }
    return MigrationTrial(applied(pending, known, took_s=took_s, assumed=assumed), more)


def _back(copy: MigrationCopy, done: Sequence[MigrationFile]) -> tuple[float, str]:
    """The newest first; stops at the first that does not work. How long it took, and why it stopped."""
    took_s = 0.0
    for migration in reversed(done):
        found = copy.revert(migration)
        took_s += found.took_s
        if found.problem:
            return took_s, f"the way back of {migration} does not work: {found.problem}"
    return took_s, ""


def _code_alone(wanted: tuple[MigrationFile, ...], before: Picture, after: Picture) -> TrialFinding:
    """Nothing leads back: what the release before wrote has to say what it said, and what is new stays."""
    other = rewritten(before.tables, after.tables, besides=_TOUCHED)
    return reversal(wanted, before, other, one_way=True, stays=added(before, after))


def _reversal(copy: MigrationCopy, wanted: tuple[MigrationFile, ...], before: Picture) -> TrialFinding:
    took_s, failed = _back(copy, wanted)
    after = copy.picture()
    differences = (
        *changes(before.objects, after.objects),
        *dropped(before.tables, after.tables),
        *rewritten(before.tables, after.tables),
    )
    return reversal(wanted, before, differences, failed=failed, took_s=took_s)
