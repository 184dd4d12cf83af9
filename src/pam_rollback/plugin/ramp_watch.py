"""Watches users during a ramp: the success criteria for their time (SC-1 to SC-3), and the core features for users who have the new ones.

What the prober's account sees tells of the new features only where that account has them. At 10 % it mostly has not: then the product's own
trial of its features (ability ``feature_check``) is asked for users who have. Where neither is there, nothing is known of those users.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pam_rollback.adapters.feature_check import FeatureCheckApi
from pam_rollback.adapters.http import all_at_once
from pam_rollback.core.affected_users import CORE_FEATURES, USERS
from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.flags import FlagEvaluation, FlagName
from pam_rollback.core.memory_window import MemoryWindowSpec, judge_memory
from pam_rollback.core.prober_lag import judge_without_own_lag
from pam_rollback.core.ramp_facts import Look, UsersTried
from pam_rollback.core.ramp_state import BROKEN, GOOD, UNKNOWN
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.core.window import WindowSpec
from pam_rollback.core.window_state import WindowState
from pam_rollback.plugin.fixtures.observation import Observation
from pam_rollback.plugin.held_window import Standings
from pam_rollback.plugin.progress import Progress

TRIED_AIM = 40
"""So many users with the features are tried, where that many can be found: 9 of their 80 answers that fail are a breach of 2 %."""
_SPARE = 1.5
_EVERY_S = 0.25
_AT_ONCE = 50
_LEEWAY_S = 10.0


@dataclass(frozen=True)
class FeatureUsers:
    """Who can say how users with the new features fare."""

    evaluation: FlagEvaluation
    flags: Sequence[FlagName]
    trial: FeatureCheckApi | None
    account: Callable[[], str] | None
    """The id of the account that the prober acts as; None where there is none."""
    limit_pct: float
    shares_pct: Mapping[str, int]
    """By stage, so that no more users are drawn than it takes to find enough who have the features."""
    found: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By stage, users who have them: users only join while it lasts."""

    def tried(self, stage: str) -> UsersTried | None:
        """The core features, for users who have the new ones; None where the prober is such a user itself. Raises MeasurementFailed."""
        if self.trial is not None:
            having = self._drawn(self.trial, stage)
            found = self.trial.tried(having)
            wrong = [user for user in having for name in CORE_FEATURES if not found[user].get(name, False)]
            answers = len(having) * len(CORE_FEATURES)
            return UsersTried(len(wrong), answers, len(having), self.limit_pct, wrong[0] if wrong else "")
        if self.account is not None and self._having([self.account()]):
            return None
        raise MeasurementFailed(
            "nobody who has the new features is watched: declare feature_check, or let the test account have them first"
        )

    def _drawn(self, trial: FeatureCheckApi, stage: str) -> tuple[str, ...]:
        if stage not in self.found:
            number = min(USERS, math.ceil(_SPARE * TRIED_AIM * 100 / self.shares_pct[stage]))
            self.found[stage] = tuple(self._having(trial.drawn(number)[1])[:TRIED_AIM])
        return self.found[stage]

    def _having(self, users: Sequence[str]) -> list[str]:
        answers: dict[str, Mapping[FlagName, bool]] = {}
        for start in range(0, len(users), _AT_ONCE):
            some = users[start : start + _AT_ONCE]
            answers |= all_at_once({user: lambda user=user: self.evaluation.flags_of(user) for user in some})  # type: ignore[misc]
        return [user for user in users if any(answers[user].get(flag, False) for flag in self.flags)]


@dataclass
class _Window:
    """What was watched: from when on samples were judged (what it took to begin is not), and for how long by every criterion."""

    start_s: float
    held_s: float = 0.0


@dataclass(frozen=True)
class RampWatch:
    """One watch after the other, each as long as the plan's success criteria are held."""

    observation: Callable[[], Observation]
    errors: Callable[[float], WindowSpec]
    p95: Callable[[float], WindowSpec]
    """By the rate of the probes."""
    memory: MemoryWindowSpec
    of_features: FeatureUsers
    clock: Clock
    waiter: Waiter
    progress: Progress
    answer_s: float
    memory_waived: bool = False
    """A dated waiver of SC-3 accepts that nobody looks at memory."""

    def look(self, stage: str) -> Look:
        """Watch once. Broken is said at once; what could not be measured is unknown."""
        offset_s = self.clock.wall().timestamp() - self.clock.monotonic_s()
        window = _Window(self.clock.monotonic_s())
        state, words = self._seen(stage, window)
        until_s = window.start_s + window.held_s if state == GOOD else self.clock.monotonic_s()
        return Look(window.start_s + offset_s, until_s + offset_s, state, words)

    def _seen(self, stage: str, window: "_Window") -> tuple[str, str]:
        try:
            broken = self._broken_features(stage)
            if broken:
                return BROKEN, broken
            observation = self.observation()
            observation.wait_for_first(self.waiter)
            window.start_s = self.clock.monotonic_s()
            found = self._held(observation, window.start_s)
            window.held_s = min(verdict.spec.duration_s for verdict in found.all)
            state, words = judged(found, memory_waived=self.memory_waived)
            broken = self._broken_features(stage) if state == GOOD else ""
        except (MeasurementFailed, NotReached) as problem:
            return UNKNOWN, str(problem)
        return (BROKEN, broken) if broken else (state, words)

    def _broken_features(self, stage: str) -> str:
        """Why the features are broken for those who have them; empty when they are not, or nobody has them yet."""
        tried = self.of_features.tried(stage) if stage else None
        return str(tried) if tried is not None and tried.broken else ""

    def _held(self, observation: Observation, start_s: float) -> Standings:
        rate_hz, watch = observation.rate_hz, observation.memory
        errors, p95 = self.errors(rate_hz), self.p95(rate_hz)
        longest_s = max(errors.duration_s, p95.duration_s, self.memory.duration_s)

        def standings() -> Standings:
            settled_s, now_s = observation.settled_s, self.clock.monotonic_s()
            samples = observation.samples(since_s=start_s)
            error_rate, latency_p95 = (
                judge_without_own_lag(samples, spec, start_s=start_s, now_s=now_s, rate_hz=rate_hz, settled_s=settled_s)
                for spec in (errors, p95)
            )
            held = (
                judge_memory(watch.readings, watch.missed, self.memory, start_s=start_s, now_s=now_s) if watch else None
            )
            found = Standings(now_s - start_s, longest_s, error_rate, latency_p95, held)
            self.progress.tell(str(found))
            return found

        found = self.waiter.until(
            standings,
            holds=lambda seen: (
                any(verdict.state is WindowState.BROKEN for verdict in seen.all)
                or all(verdict.final for verdict in seen.all)
            ),
            within_s=longest_s + 3 * self.answer_s + _LEEWAY_S,
            what="the watch is complete",
            every_s=_EVERY_S,
        )
        self.progress.done()
        return found


def judged(found: Standings, *, memory_waived: bool) -> tuple[str, str]:
    """Broken comes before unknown; memory that nobody looks at is unknown unless that is waived.

    Raises MeasurementFailed when it is not known where memory leads.
    """
    for state, wanted in ((BROKEN, {WindowState.BROKEN}), (UNKNOWN, {WindowState.UNKNOWN, WindowState.HOLDING})):
        words = [str(verdict) for verdict in found.all if verdict.state in wanted]
        if words:
            return state, "; ".join(words)
    if found.memory is not None and not found.memory.trend.stable:
        return BROKEN, str(found.memory.trend)
    if found.memory is None and not memory_waived:
        return (
            UNKNOWN,
            "memory (SC-3) is not watched here: declare the ability metrics, or accept that with a dated waiver of SC-3",
        )
    return GOOD, "; ".join(map(str, found.all))
