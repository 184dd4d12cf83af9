"""Tries the candidate's migrations on a copy of the database: pictures before, with them, and after they were rolled back again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.redeploy.gate.migration_copy import MigrationCopy
from pam_rollback.redeploy.gate.migration_files import MigrationFile, ToApply
from pam_rollback.redeploy.gate.migrations import (
    Picture,
    Reached,
    TrialFinding,
    added,
    applied,
    changes,
    code_alone,
    doors,
    dropped,
    kept,
    overwritten,
    reversal,
    rewritten,
)
from pam_rollback.redeploy.gate.stable_release import still_works

_TOUCHED = ("updated_at",)
"""What says when a row was last written: filling a new column moves it, and overwrites nothing of a user's."""


@dataclass(frozen=True)
class MigrationTrial:
    """What came of it, by what it shows: ``trial["kept"]``. Without the migrations on the copy nothing more than that is known."""

    findings: Mapping[str, TrialFinding]

    def __getitem__(self, what: str) -> TrialFinding:
        """Return what it shows of that. Raises MeasurementFailed where the migrations could not be applied."""
        if what not in self.findings:
            raise MeasurementFailed(f"not tried, since {self.findings['applied']}")
        return self.findings[what]

    def as_text(self) -> str:
        """All of it, without the limits of a sentence."""
        lines = [line for one in self.findings.values() for line in (str(one), *one.found, *one.more)]
        return "\n".join(dict.fromkeys(lines)) + "\n"


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
        return MigrationTrial({"applied": applied(pending, known, failed=wanted.problem, assumed=assumed)})
    before = copy.picture()
    since = copy.moment()
    statements = copy.statements(before)
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
            return MigrationTrial({"applied": applied(pending, known, took_s=took_s, failed=failed, assumed=assumed)})
        done.append(migration)
    between = copy.picture(since=since)
    now = copy.sent(statements)
    invariants = integrity()
    found_open = {} if reached is None or open_before is None else {"doors": doors(pending, open_before, reached())}
    lost = (*dropped(before.tables, between.tables), *overwritten(before.tables, between.tables, besides=_TOUCHED))
    return MigrationTrial(
        {
            "applied": applied(pending, known, took_s=took_s, assumed=assumed),
            "kept": kept(pending, before.rows, lost),
            "integrity": invariants,
            "reversal": _code_alone(pending, before, between) if one_way else _reversal(copy, pending, before),
            "stable release": still_works(pending, before, between, then, now),
            **found_open,
        }
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


def _code_alone(wanted: tuple[MigrationFile, ...], before: Picture, after: Picture) -> TrialFinding:
    """Nothing leads back: what the release before wrote has to say what it said, and what is new stays."""
    other = rewritten(before.tables, after.tables, besides=_TOUCHED)
    return code_alone(wanted, before, other, added(before, after))


def _reversal(copy: MigrationCopy, wanted: tuple[MigrationFile, ...], before: Picture) -> TrialFinding:
    took_s, failed = _back(copy, wanted)
    after = copy.picture()
    differences = (
        *changes(before.objects, after.objects),
        *dropped(before.tables, after.tables),
        *rewritten(before.tables, after.tables),
    )
    return reversal(wanted, before, differences, failed=failed, took_s=took_s)
