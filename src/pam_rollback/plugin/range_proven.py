"""Looks whether the sandbox is as a drill must find it, before anything is planted. The rule is ``core/range_proof.py``."""

from collections.abc import Mapping

from pam_rollback.actions.journal import Journal
from pam_rollback.adapters.flag_service import flag_admin_of
from pam_rollback.core.environment import Environment
from pam_rollback.core.errors import ActionFailed, MeasurementFailed, NothingToProve
from pam_rollback.core.flags import Flag, FlagName
from pam_rollback.core.plan import Plan
from pam_rollback.core.range_proof import RangeProof
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.sandbox.problems import RangeError
from pam_rollback.sandbox.remote import Remote

PLANTED_BEFORE = "planted-before"
"""The event of faults that a person practises with."""
_SETTLED_WITHIN_S = 20.0
"""A deploy that the undo of an earlier drill set off may still be running."""
_LOOKED_EVERY_S = 0.2


def refuse_broken_range(
    practice_range: Remote, environment: Environment, plan: Plan, runbook: Runbook, journal: Journal, waiter: Waiter
) -> None:
    """Return when a drill can begin. Raises NothingToProve with every difference, and MeasurementFailed when they cannot be told."""
    try:
        found = waiter.until(
            lambda: _look(practice_range, environment, plan, runbook),
            holds=lambda proof: not proof.problem,
            within_s=_SETTLED_WITHIN_S,
            what="the sandbox as it was when it started",
            every_s=_LOOKED_EVERY_S,
        )
    except NotReached:
        found = _look(practice_range, environment, plan, runbook)
    if found.problem:
        raise NothingToProve(
            f"the sandbox is not as it was when it started, so this drill would prove nothing: {found.problem}; "
            "undo the run that left it like this (--undo RUN), or start another sandbox"
        )
    if found.planted_before:
        journal.append(PLANTED_BEFORE, faults=list(found.planted_before))


def _look(practice_range: Remote, environment: Environment, plan: Plan, runbook: Runbook) -> RangeProof:
    features = plan.strategy("feature-flag").flag_changes if "flag_admin" in environment.abilities else {}
    try:
        changes = practice_range.changes()
        flags = _flags(environment) if features else {}
    except (RangeError, ActionFailed) as problem:
        raise MeasurementFailed(f"how the sandbox is before the drill is not known: {problem}") from problem
    owed = [undo for undo in runbook.journal.owed() if undo.is_owed_at(environment.urls.api)]
    return RangeProof.of(
        changes,
        flags,
        features=features,
        owed=[f"{undo.kind} of {undo.situation or 'an earlier session'}" for undo in owed],
        own=runbook.own_sandbox,
    )


def _flags(environment: Environment) -> Mapping[FlagName, Flag]:
    return flag_admin_of(environment, "pam-rollback-drill").read_flags()
