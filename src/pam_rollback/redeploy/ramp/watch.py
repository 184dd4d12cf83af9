"""Watches users during a ramp: the success criteria for their time (SC-1 to SC-3), and the core features for users who have the new ones.

What the prober's account sees tells of the new features only where that account has them. At 10 % it mostly has not: then the product's own
trial of its features (ability ``feature_check``) is asked for users who have. Where neither is there, nothing is known of those users.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from pam_rollback.access.affected_users import CORE_FEATURES, USERS
from pam_rollback.access.feature_check import FeatureCheckApi
from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.plan.flags import FlagEvaluation
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import ErrorRateGoal, P95Goal
from pam_rollback.plugin.progress import Progress
from pam_rollback.probe.held_window import AnswersJudge, HeldWindow, Standings
from pam_rollback.probe.measure import WindowState
from pam_rollback.probe.memory import judge_memory, memory_spec
from pam_rollback.probe.observation import Observation
from pam_rollback.probe.window import answers_spec
from pam_rollback.redeploy.ramp.facts import Look, UsersTried
from pam_rollback.redeploy.ramp.state import BROKEN, GOOD, MEMORY, UNKNOWN
from pam_rollback.rollback.flags import answers_of
from pam_rollback.target.accounts import signed_in
from pam_rollback.target.environment import Environment

TRIED_AIM = 40
"""So many users with the features are tried, where that many can be found: 9 of their 80 answers that fail are a breach of 2 %."""
_SPARE = 1.5
_LEEWAY_S = 10.0


@dataclass(frozen=True)
class RampWatch:
    """One watch after the other, each as long as the plan's success criteria are held."""

    environment: Environment
    plan: Plan
    evaluation: FlagEvaluation
    pace: float
    observation: Callable[[], Observation]
    clock: Clock
    waiter: Waiter
    progress: Progress
    found: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By stage, users who have the new features: users only join while it lasts."""

    def look(self, stage: str) -> Look:
        """Watch once. Broken is said at once; what could not be measured is unknown.

        Seconds count from when samples were judged (what it took to begin is not watched), for as long as every criterion did.
        """
        offset_s = self.clock.wall().timestamp() - self.clock.monotonic_s()
        start_s, held_s = self.clock.monotonic_s(), 0.0
        try:
            state, words = BROKEN, self._broken_features(stage)
            if not words:
                observation = self.observation()
                observation.wait_for_first(self.waiter)
                start_s = self.clock.monotonic_s()
                found = self._held(observation, start_s)
                held_s = min(verdict.spec.duration_s for verdict in found.all)
                state, words = judged(found, memory_waived=self._memory_waived)
            if state == GOOD and (broken := self._broken_features(stage)):
                state, words = BROKEN, broken
        except (MeasurementFailed, NotReached) as problem:
            state, words = UNKNOWN, str(problem)
        until_s = start_s + held_s if state == GOOD else self.clock.monotonic_s()
        return Look(start_s + offset_s, until_s + offset_s, state, words)

    @property
    def _memory_waived(self) -> bool:
        """A dated waiver of SC-3 accepts that nobody looks at memory."""
        today = self.clock.wall().date()
        return any(waiver.item == MEMORY and waiver.holds(today) for waiver in self.environment.waivers)

    def _held(self, observation: Observation, start_s: float) -> Standings:
        watched, slowest_hz = observation.memory, observation.slowest_part_hz
        errors, p95 = self.plan.the(ErrorRateGoal), self.plan.the(P95Goal)
        memory = memory_spec(self.plan, pace=self.pace)
        spec = partial(answers_spec, environment=self.environment, pace=self.pace, slowest_hz=slowest_hz)
        errors_at, p95_at = partial(spec, errors, errors.error_rate_pct_max), partial(spec, p95, p95.p95_ms_max)
        longest_s = max(one.duration_s for one in (errors_at(slowest_hz), p95_at(slowest_hz), memory))
        # A pace shortens memory's time more than that of answers: what is held for less than the look lasts is old when it ends.
        memory = replace(memory, duration_s=longest_s)
        answers = AnswersJudge(
            observation,
            lambda rate_hz: replace(errors_at(rate_hz), duration_s=longest_s),
            lambda rate_hz: replace(p95_at(rate_hz), duration_s=longest_s),
        )

        def standings() -> Standings:
            now_s = self.clock.monotonic_s()
            error_rate, latency_p95 = answers(start_s=start_s, now_s=now_s)
            held = (
                judge_memory(watched.readings, watched.missed, memory, start_s=start_s, now_s=now_s)
                if watched
                else None
            )
            return Standings(now_s - start_s, longest_s, error_rate, latency_p95, held)

        within_s = longest_s + 3 * self.environment.probing.timeout_s + _LEEWAY_S
        window = HeldWindow(standings, within_s=within_s, waiter=self.waiter, progress=self.progress)
        return window.until(
            lambda seen: (
                any(verdict.state is WindowState.BROKEN for verdict in seen.all)
                or all(verdict.final for verdict in seen.all)
            )
        )

    def _broken_features(self, stage: str) -> str:
        """Why the features are broken for those who have them; empty when they are not, or nobody has them yet."""
        tried = self._tried(stage) if stage else None
        return str(tried) if tried is not None and tried.broken else ""

    def _tried(self, stage: str) -> UsersTried | None:
        """The core features, for users who have the new ones; None where the prober is such a user itself. Raises MeasurementFailed."""
        environment = self.environment
        if "feature_check" in environment.abilities:
            url, token = environment.url_of("feature_check"), environment.secret("admin_token")
            trial = FeatureCheckApi(url, token, environment.probing.request_deadline_s)
            having = self._drawn(trial, stage)
            found = trial.tried(having)
            wrong = [user for user in having for name in CORE_FEATURES if not found[user].get(name, False)]
            answers, limit_pct = len(having) * len(CORE_FEATURES), self.plan.the(ErrorRateGoal).error_rate_pct_max
            return UsersTried(len(wrong), answers, len(having), limit_pct, wrong[0] if wrong else "")
        if "test_account" in environment.abilities and self._having([self._account]):
            return None
        raise MeasurementFailed(
            "nobody who has the new features is watched: declare feature_check, or let the test account have them first"
        )

    @cached_property
    def _account(self) -> str:
        """The id of the account that the prober acts as."""
        return signed_in(self.environment).user_id

    def _drawn(self, trial: FeatureCheckApi, stage: str) -> tuple[str, ...]:
        """No more users than it takes to find enough who have the features."""
        if stage not in self.found:
            number = min(USERS, math.ceil(_SPARE * TRIED_AIM * 100 / round(self.plan.ramp[stage].rollout_pct)))
            self.found[stage] = tuple(self._having(trial.drawn(number)[1])[:TRIED_AIM])
        return self.found[stage]

    def _having(self, users: Sequence[str]) -> list[str]:
        flags = self.plan.strategies[self.plan.ramp_terms.rollback].flag_changes
        answers = answers_of(self.evaluation, users)
        return [user for user in users if any(answers[user].get(flag, False) for flag in flags)]


def judged(found: Standings, *, memory_waived: bool) -> tuple[str, str]:
    """Broken comes before unknown; memory that nobody looks at is unknown unless that is waived.

    Raises MeasurementFailed when it is not known where memory leads.
    """
    for state, wanted in ((BROKEN, {WindowState.BROKEN}), (UNKNOWN, {WindowState.UNKNOWN, WindowState.HOLDING})):
        words = [str(verdict) for verdict in found.all if verdict.state in wanted]
        if words:
            return state, "; ".join(words)
    if found.memory is not None and not found.memory.trend.settled:
        return BROKEN, str(found.memory.trend)
    if found.memory is None and not memory_waived:
        return (
            UNKNOWN,
            f"memory ({MEMORY}) is not watched here: declare the ability metrics, or accept that with a dated waiver of {MEMORY}",
        )
    return GOOD, "; ".join(map(str, found.all))
