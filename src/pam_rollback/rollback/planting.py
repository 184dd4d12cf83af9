"""A drill's incident: planted in the sandbox, seen, and taken away again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pam_rollback.core.errors import ActionFailed, MeasurementFailed, NothingToProve
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.stories import ERRORS, ROUTER_FAILS, SITUATIONS, Planted
from pam_rollback.probe.incident import ErrorRate, Incident
from pam_rollback.probe.observation import Observation
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.sandbox_proof import PLANTED_BEFORE, SandboxProof
from pam_rollback.rollback.steps import Narrator
from pam_rollback.rollback.undo_kinds import CLEAR_FAULTS
from pam_rollback.target.environment import Environment
from pam_rollback.target.flag_service import flag_admin_of
from pam_sandbox.problems import SandboxError
from pam_sandbox.remote import Remote

_SETTLED_WITHIN_S = 20.0
"""A deploy that the undo of an earlier drill set off may still be running."""
_LOOKED_AT_SANDBOX_EVERY_S = 0.2
_VISIBLE_WITHIN_S = 15.0
LOOKED_EVERY_S = 0.1
"""How often it is looked whether the incident can be seen: what its detection can be wrong by."""


def planted_in(situation: str, environment: Environment) -> Planted:
    """Return what the drill of this situation plants."""
    planted = SITUATIONS[situation].planted
    return ROUTER_FAILS if environment.switches and planted is ERRORS else planted


@dataclass(frozen=True)
class Planting:
    """A sandbox under the hands of a drill that plants something there."""

    controls: Remote
    environment: Environment
    journal: Journal
    """The situation's."""
    waiter: Waiter

    def refuse_broken_sandbox(self, plan: Plan, run: Journal, *, own: bool) -> None:
        """Return when a drill can begin. Raises NothingToProve with every difference, and MeasurementFailed when they cannot be told.

        ``run`` is the journal of all situations; ``own``: the session started the sandbox itself.
        """
        try:
            found = self.waiter.until(
                lambda: self._look(plan, run, own=own),
                holds=lambda proof: not proof.problem,
                within_s=_SETTLED_WITHIN_S,
                what="the sandbox as it was when it started",
                every_s=_LOOKED_AT_SANDBOX_EVERY_S,
            )
        except NotReached:
            found = self._look(plan, run, own=own)
        if found.problem:
            raise NothingToProve(
                f"the sandbox is not as it was when it started, so this drill would prove nothing: {found.problem}; "
                "undo the run that left it like this (--undo RUN), or start another sandbox"
            )
        if found.planted_before:
            self.journal.append(PLANTED_BEFORE, faults=list(found.planted_before))

    def _look(self, plan: Plan, run: Journal, *, own: bool) -> SandboxProof:
        environment = self.environment
        features = plan.strategy("feature-flag").flag_changes if "flag_admin" in environment.abilities else {}
        if environment.switches:
            features = {name: features[name] for name, switch in environment.switches.items() if switch.kind == "row"}
        try:
            changes = self.controls.changes()
            flags = flag_admin_of(environment, "pam-rollback-drill").read_flags() if features else {}
        except (SandboxError, ActionFailed) as problem:
            raise MeasurementFailed(f"how the sandbox is before the drill is not known: {problem}") from problem
        owed = [undo for undo in run.owed() if undo.is_owed_at(environment.urls.api)]
        return SandboxProof.of(
            changes,
            flags,
            features=features,
            owed=[f"{undo.kind} of {undo.situation or 'an earlier session'}" for undo in owed],
            own=own,
        )

    @contextmanager
    def planted(
        self, planted: Planted, observation: Observation, unseen: ErrorRate, release: str, narrate: Narrator
    ) -> Iterator[Incident]:
        """Plant the fault, give the incident once users are seen to suffer above the limit, and take it away in the end.

        Raises NothingToProve when it cannot be seen. What is owed for it is written down first.
        """
        # A message about the situation before must not be taken for one about this.
        self.controls.forget_received("slack")
        self.journal.append(
            "planting", fault=planted.fault, environment=self.environment.name, api=self.environment.urls.api
        )
        self.journal.owe(CLEAR_FAULTS, {})
        started_s = self.waiter.clock.monotonic_s()
        try:
            with narrate(f"plant the fault {planted.fault!r}: {planted.what}"):
                self.controls.plant(planted.fault, **planted.parameters)
            with narrate(f"wait until the error rate is above {unseen.limit_pct:g} % for {unseen.over_s:g} s"):
                seen = see(observation, self.waiter, planted, over_s=unseen.over_s, limit_pct=unseen.limit_pct)
            yield Incident(
                description=f"{planted.what} ({seen})",
                release=release,
                started_s=started_s,
                seen=seen,
                detected_s=self.waiter.clock.monotonic_s(),
            )
        finally:
            self.take_away()

    def take_away(self) -> None:
        """Take all faults away, which settles what was owed for them."""
        self.controls.clear_all()
        for owed in self.journal.owed():
            if owed.kind == CLEAR_FAULTS:
                self.journal.settled(owed)


def see(observation: Observation, waiter: Waiter, planted: Planted, *, over_s: float, limit_pct: float) -> ErrorRate:
    """Wait until the incident can be seen. Raises NothingToProve when it cannot."""
    planted_s = observation.settled_s
    try:
        return waiter.until(
            lambda: observation.error_rate(over_s=over_s, limit_pct=limit_pct, journeys=planted.journeys),
            # The whole time must lie after the planting, so that the rate is the incident's.
            holds=lambda rate: rate.above_limit and observation.settled_s - planted_s >= over_s,
            within_s=over_s + _VISIBLE_WITHIN_S,
            what=f"error rate above {limit_pct:g} %",
            every_s=LOOKED_EVERY_S,
        )
    except NotReached as error:
        raise NothingToProve(f"the planted incident cannot be seen, so this drill proves nothing: {error}") from error
