"""What a session of the gate notes before its first check, wherever that stands; the other fixtures of the gate are in ``load/``."""

from collections.abc import Collection, Iterator, Sequence

import pytest

from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.plan.flags import Flag, FlagAdmin, FlagEvaluation, FlagName
from pam_rollback.plan.plan import Plan
from pam_rollback.plugin.needs import titled
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.redeploy.gate.features import FlagsFound
from pam_rollback.rollback import provider_access
from pam_rollback.rollback.asked_users import EVALUATED_USERS
from pam_rollback.rollback.flags import answers_of, wait_for_flags
from pam_rollback.rollback.lock import environment_lock
from pam_rollback.target.environment import Environment
from pam_rollback.target.flag_service import flag_admin_of
from pam_rollback.target.served_release import Wanted


@pytest.fixture(scope="session")
def commits_served(environment: Environment, runbook: Runbook) -> Iterator[None]:
    """Which commits the parts name when the gate begins and when it ends, for its record: a ramp lets users in to no other."""
    _note_commits(environment, runbook)
    yield
    _note_commits(environment, runbook)


def _note_commits(environment: Environment, runbook: Runbook) -> None:
    for served in (provider_access.served_site(environment), provider_access.served_api(environment)):
        found = served.look(Wanted())
        runbook.saw_commit(found.site, found.commit)


@pytest.fixture(scope="session")
@titled("The flags are read as the gate finds them")
def flags_found(
    situation: str,
    environment: Environment,
    runbook: Runbook,
    plan: Plan,
    flag_evaluation: FlagEvaluation | None,
) -> FlagsFound:
    """What users get when the gate begins; nothing is switched, but off on a sandbox of the gate's own."""
    if "flag_admin" not in environment.abilities:
        return FlagsFound(problem=f"{environment.name} declares no flag_admin")
    admin = flag_admin_of(environment, runbook.options.initiated_by or "pam-rollback-drill")
    if runbook.own_sandbox:
        who = runbook.options.initiated_by
        with environment_lock(environment, run=runbook.id, who=who, pushes=False):
            switch_off(admin, plan.strategy("feature-flag").flag_changes, Waiter(stop=runbook.stop))
    return read_flags(admin, flag_evaluation, [f"gate-{runbook.id}-{number}" for number in range(EVALUATED_USERS)])


def read_flags(admin: FlagAdmin, evaluation: FlagEvaluation | None, users: Sequence[str]) -> FlagsFound:
    """Read them, and what these users get. What cannot be read is a reason, no exception."""
    try:
        return FlagsFound(admin.read_flags(), None if evaluation is None else answers_of(evaluation, users))
    except (ActionFailed, MeasurementFailed) as error:
        return FlagsFound(problem=str(error))


def switch_off(admin: FlagAdmin, flags: Collection[FlagName], waiter: Waiter) -> None:
    """Begin on a sandbox of the gate's own where a rollback by flags has ended."""
    try:
        changes = {name: Flag(enabled=False, rollout_pct=0) for name in admin.read_flags() if name in flags}
        admin.set_flags(changes)
        wait_for_flags(admin, changes, waiter)
    except ActionFailed as error:
        raise MeasurementFailed(f"the sandbox's features could not be switched off: {error}") from None
