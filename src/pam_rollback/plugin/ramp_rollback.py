"""Takes a ramp back by the strategy that the plan names: the same actions as in a rollback, with the ramp's own reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import allure

from pam_rollback.actions.feature_flag import Evaluation, FlagRollbackTools, roll_back_flags
from pam_rollback.actions.gradual import GradualTools, Way, roll_back_gradually
from pam_rollback.actions.journal import ACTION, FINISHED, Journal, Undo
from pam_rollback.actions.lock import WriterLock
from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.flags import FlagAdmin, FlagEvaluation, TeamNotice
from pam_rollback.core.plan import Plan
from pam_rollback.core.plan_items import Strategy
from pam_rollback.core.rollout import Fare
from pam_rollback.core.wait import Waiter
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.writer_lock import noting


class _OwesNothing(Journal):
    """What a breach took from users is not put back by an undo: they are let in again by a new ramp."""

    def owe(self, kind: str, facts: Mapping[str, Any], *, place: str = "") -> Undo:
        """Remember nothing."""
        return Undo(0, kind, facts, place)


@dataclass(frozen=True)
class RampRollback:
    """The action, with all that it works with."""

    runbook: Runbook
    plan: Plan
    strategy: Strategy
    admin: FlagAdmin
    evaluation: FlagEvaluation
    notice: TeamNotice | None
    lock: WriterLock
    users: Callable[[], list[str]]
    by: str
    waiter: Waiter
    clock: Clock

    def __call__(self, why: str) -> str:
        """Do it. Raises ActionFailed when the flags are not off in the end, or users still have the features."""
        runbook, decided_s = self.runbook, self.clock.monotonic_s()
        journal = _OwesNothing(runbook.journal.path, others=runbook.journal.others)
        environment = runbook.environment
        journal.append(
            ACTION,
            run=runbook.id,
            strategy=self.strategy.name,
            environment=environment.name,
            api=environment.urls.api,
            mode=runbook.options.mode,
            reason=why,
            observed=[],
            initiated_by=self.by,
            decided_s=decided_s,
            resumed=False,
        )
        why = f"breach during the ramp: {why}"
        message = self.strategy.message(environment=environment.name, why=why, run=runbook.id)
        evaluated = self._gradually(journal, message, decided_s) if self.strategy.rollout_steps_pct else None
        evaluated = evaluated or self._at_once(journal, message, decided_s)
        if isinstance(evaluated, Evaluation) and not evaluated.everyone_off:
            raise ActionFailed(f"the flags are off, and users still have the features: {evaluated}")
        journal.append(FINISHED, story=self.strategy.name)
        return f"by {self.strategy.name}: {evaluated}"

    def _at_once(self, journal: Journal, message: str, decided_s: float) -> Evaluation | str:
        tools = FlagRollbackTools(
            self.admin,
            self.evaluation,
            self.notice,
            journal,
            self.waiter,
            self.clock,
            noting(self.lock, allure.step),
        )
        done = roll_back_flags(
            tools, self.strategy.flag_changes, users=self.users(), message=message, decided_s=decided_s
        )
        return _evaluated(lambda: done.evaluated)

    def _gradually(self, journal: Journal, message: str, decided_s: float) -> Evaluation | str:
        def fare(_since_s: float) -> Fare:
            # Users fare badly: that is why it goes down. Nobody waits for a comparison.
            raise MeasurementFailed("during a breach nothing is compared")

        tools = GradualTools(
            self.admin,
            self.evaluation,
            self.notice,
            fare,
            journal,
            self.waiter,
            self.clock,
            noting(self.lock, allure.step),
        )
        way = Way.of(self.plan, self.strategy, pace=self.runbook.pace)
        done = roll_back_gradually(
            tools, self.strategy.flag_changes, way, users=self.users(), message=message, decided_s=decided_s
        )
        return _evaluated(lambda: done.evaluated)


def _evaluated(ask: Callable[[], Evaluation]) -> Evaluation | str:
    """What users get; or that it is not known, as where the product itself is down. The flags were read back as off."""
    try:
        return ask()
    except MeasurementFailed as unknown:
        return f"the flags are off as read back; whether users lost the features is not known: {unknown}"
