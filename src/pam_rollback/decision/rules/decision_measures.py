"""What of the users' answers bears on which decision criterion: downtime, errors, and how much slower than the baseline.

Definitions that the plan leaves open (docs/decisions/0010): a user needs both the front page and PAM behind it, so the service is down when
the front page is never answered, or nothing behind it ever is. Response time is p95 over all journeys of users, beside the p95 of the
baseline; quick failures say nothing of speed.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures
from pam_rollback.base.late_dataclass import dataclass
from pam_rollback.base.outside_text import cut
from pam_rollback.decision.rules.decision import OF_GAP, Finding, Judged, State
from pam_rollback.observation.rules.change import LatencyChange, latencies_ms
from pam_rollback.observation.rules.samples import Sample
from pam_rollback.observation.rules.sustained import Condition, ConditionState, Measure, share_is_below
from pam_rollback.plan.decision_rules import Gaps
from pam_rollback.stats.distribution import Distribution
from pam_rollback.stats.percentiles import DEFINITION

DOWNTIME: Final = "IR-2"
ERRORS: Final = "IR-5"
FAR_SLOWER: Final = "IR-4"
SLOWER: Final = "CR-5"
_P95 = 95.0
_REASON_CHARACTERS = 100
_ANSWERS_OF_A_PART = 3
"""Fewer of one journey do not show that it is never answered."""


@dataclass(frozen=True)
class Parts:
    """The journeys that a user needs: at least one of the page, and one of what is behind it. An empty side is not known."""

    page: Collection[str]
    behind: Collection[str]

    def good(self, samples: Sequence[Sample], names: Collection[str]) -> tuple[int, int]:
        """How many answers of these journeys were good, of how many."""
        own = [sample for sample in samples if sample.journey in names]
        return sum(sample.ok for sample in own), len(own)

    def dead(self, samples: Sequence[Sample]) -> list[str]:
        """The journeys that were asked for and never answered."""
        counts = {name: self.good(samples, (name,)) for name in (*self.page, *self.behind)}
        return [name for name, (good, n) in counts.items() if good == 0 and n >= _ANSWERS_OF_A_PART]

    def works(self, samples: Sequence[Sample]) -> bool:
        """A user who came then could have been served: every side had a good answer."""
        sides = [names for names in (self.page, self.behind) if names]
        return bool(sides) and all(self.good(samples, names)[0] > 0 for names in sides)


def downtime(parts: Parts) -> Measure:
    """IR-2: no user can be served."""

    def is_down(samples: Sequence[Sample]) -> bool:
        sides = [parts.good(samples, names) for names in (parts.page, parts.behind)]
        return any(good == 0 and n >= _ANSWERS_OF_A_PART for good, n in sides)

    def words(samples: Sequence[Sample]) -> str:
        page, behind = parts.good(samples, parts.page), parts.good(samples, parts.behind)
        sides = [side for side in ((*page, "at the front page"), (*behind, "of PAM behind it")) if side[1]]
        said = [
            f"{good} of {n} answers good {where}" for good, n, where in sorted(sides, key=lambda one: one[0] / one[1])
        ]
        return f"service: {', '.join(said) or 'no answers'}"

    return Measure(
        contradicts=parts.works,
        above=is_down,
        words=words,
        figures=lambda samples: Figures(
            what="users who could be served",
            asked="none",
            measured="some" if parts.works(samples) else "none",
            n=len(samples),
        ),
    )


def partial_downtime(parts: Parts) -> Measure:
    """The gap below IR-2: some journey is never answered."""
    return Measure(
        contradicts=lambda samples: bool(samples) and not parts.dead(samples),
        above=lambda samples: bool(parts.dead(samples)),
        words=lambda samples: f"never answered: {', '.join(parts.dead(samples)) or 'no journey'} (n={len(samples)})",
        figures=lambda samples: Figures(
            what="journeys never answered", asked="at least one", measured=len(parts.dead(samples)), n=len(samples)
        ),
    )


def error_rate(limit_pct: float, *, reached_counts: bool = False) -> Measure:
    """IR-5: the share of wrong or missing answers is above the limit; with ``reached_counts`` also when it is exactly there."""

    def bad(samples: Sequence[Sample]) -> int:
        return sum(not sample.ok for sample in samples)

    def above(samples: Sequence[Sample]) -> bool:
        found, limit = 100 * bad(samples), limit_pct * len(samples)
        return found >= limit if reached_counts else found > limit

    def rate(samples: Sequence[Sample]) -> float | None:
        return 100 * bad(samples) / len(samples) if samples else None

    def words(samples: Sequence[Sample]) -> str:
        value = rate(samples)
        shown = "not known" if value is None else f"{value:.1f} %"
        return f"error rate {shown} ({bad(samples)} of {len(samples)} answers{_most_often(samples)}), limit {limit_pct:g} %"

    def figures(samples: Sequence[Sample]) -> Figures:
        value = rate(samples)
        return Figures(
            what="error rate",
            asked=f"> {limit_pct:g} %",
            measured=value,
            unit="%",
            n=len(samples),
            margin=None if value is None else limit_pct - value,
        )

    def contradicts(samples: Sequence[Sample]) -> bool:
        return share_is_below(bad(samples), len(samples), limit_pct)

    # At one request a second a fifth of five minutes cannot contradict 2 %, and a hiccup of six seconds is 2 % of them all.
    return Measure(contradicts, above, words, figures, half=above if reached_counts else None)


def _most_often(samples: Sequence[Sample]) -> str:
    """What was wrong with most of the wrong ones: a person has to know what it is about."""
    reasons = Counter((sample.journey, sample.why) for sample in samples if sample.why)
    if not reasons:
        return ""
    (journey, why), _ = reasons.most_common(1)[0]
    return f"; most often {journey}: {cut(why, _REASON_CHARACTERS)}"


def slowdown(
    before: Distribution, limit_pct: float, *, unnoticed_ms: float = 0, reached_counts: bool = False
) -> Measure:
    """IR-4, CR-5: p95 is more than the limit above the baseline's; with ``reached_counts`` also when it is exactly there.

    The limit is never less than ``unnoticed_ms``: five times as slow as 9 ms is nobody's experience.
    """
    usual_ms = before.percentile(_P95)
    noticed_pct = 100 * unnoticed_ms / usual_ms if usual_ms else 0.0
    limit = f"{limit_pct:+g} %" if limit_pct >= noticed_pct else f"{unnoticed_ms:+g} ms"
    found = _Slowdown(before, max(limit_pct, noticed_pct), limit, reached_counts)
    return Measure(found.contradicts, found.above, found.words, found.figures, half=found.as_measured)


@dataclass(frozen=True)
class _Slowdown:
    before: Distribution
    limit_pct: float
    limit: str
    """As it is said."""
    reached_counts: bool

    def contradicts(self, samples: Sequence[Sample]) -> bool:
        try:
            return self._change(samples).high_pct < self.limit_pct
        except MeasurementFailed:
            return False

    def above(self, samples: Sequence[Sample]) -> bool:
        found = self._change(samples)
        if found.smallest_visible_pct > self.limit_pct and found.low_pct <= self.limit_pct < found.high_pct:
            raise MeasurementFailed(
                f"{found}; {self.limit} cannot be told from nothing by so few answers: watch longer, or take a larger baseline"
            )
        if self._beyond(found) and not self._beyond(self._change(samples, prober_lag=False)):
            raise MeasurementFailed(
                f"{found}; without the prober's own lag it would not be so: this machine is too busy to judge"
            )
        return self._beyond(found)

    def as_measured(self, samples: Sequence[Sample]) -> bool:
        return self._beyond(self._change(samples))

    def words(self, samples: Sequence[Sample]) -> str:
        try:
            return f"{self._change(samples)}, limit {self.limit}"
        except MeasurementFailed as error:
            return str(error)

    def figures(self, samples: Sequence[Sample]) -> Figures:
        asked = f"{'>=' if self.reached_counts else '>'} {self.limit}"
        try:
            found = self._change(samples)
        except MeasurementFailed as error:
            return Figures(what="p95 against the baseline", asked=asked, measured=None, definition=str(error))
        return Figures(
            what="p95 against the baseline",
            asked=asked,
            measured=round(found.increase_pct, 1),
            unit="%",
            n=found.now.n,
            margin=round(self.limit_pct - found.increase_pct, 1),
            definition=f"{found.now.value:.3g} ms, baseline {found.before.value:.3g} ms of n={found.before.n}, {DEFINITION}",
        )

    def _change(self, samples: Sequence[Sample], *, prober_lag: bool = True) -> LatencyChange:
        slow_from_ms = self.before.percentile(_P95)
        latencies = latencies_ms(samples, slow_from_ms=slow_from_ms, prober_lag=prober_lag)
        if 2 * len(latencies) < len(samples):
            raise MeasurementFailed(
                f"{len(samples) - len(latencies)} of {len(samples)} answers failed quickly: how fast the others came says little"
            )
        return LatencyChange.of(self.before, latencies, _P95)

    def _beyond(self, found: LatencyChange) -> bool:
        # Half a per cent is what a stored distribution does not know of its own percentile.
        return found.increase_pct >= self.limit_pct if self.reached_counts else found.increase_pct > self.limit_pct


# ---------------------------------------------------------------- from conditions to findings


def judged_downtime(down: Condition, partial: Condition, gaps: Gaps) -> Judged:
    """IR-2. Where it is not down altogether, a part that is down counts by its gap."""
    state = _state_of(down, gaps)
    if state is State.CLEAR and partial.state is not ConditionState.CLEAR:
        beside = State.UNKNOWN if partial.state in {ConditionState.UNKNOWN, ConditionState.OPEN} else State.WATCH
        state = OF_GAP[gaps.partial_downtime] if partial.state is ConditionState.HOLDS else beside
        return Judged(Finding(DOWNTIME, state, f"{down}; {partial}"), down.figures)
    return Judged(Finding(DOWNTIME, state, str(down)), down.figures)


def judged_errors(errors: Condition, between: Condition, gaps: Gaps) -> Judged:
    """IR-5. Where it is clear, what lies between SC-1's limit and this one counts by its gap."""
    state = _state_of(errors, gaps)
    if state is not State.CLEAR:
        return Judged(Finding(ERRORS, state, str(errors)), errors.figures)
    state = OF_GAP[gaps.errors_between] if between.state is ConditionState.HOLDS else _state_of(between, gaps)
    words = str(errors) if state is State.CLEAR else f"{errors}; of the lower limit: {between}"
    return Judged(Finding(ERRORS, state, words), errors.figures)


def judged_far_slower(far: Condition, gaps: Gaps) -> Judged:
    """IR-4."""
    return Judged(Finding(FAR_SLOWER, _state_of(far, gaps), str(far)), far.figures)


def judged_slower(slower: Condition, far: Condition, gaps: Gaps) -> Judged:
    """CR-5. Whoever is above the band for less than IR-4's time is in it; when IR-4 holds, that says it."""
    if far.state is ConditionState.HOLDS:
        return Judged(Finding(SLOWER, State.CLEAR, f"beyond this band, see {FAR_SLOWER}: {far}"), slower.figures)
    return Judged(Finding(SLOWER, _state_of(slower, gaps), str(slower)), slower.figures)


def _state_of(condition: Condition, gaps: Gaps) -> State:
    return {
        ConditionState.HOLDS: State.HOLDS,
        ConditionState.NOT_YET: OF_GAP[gaps.not_yet],
        ConditionState.OVER: OF_GAP[gaps.over],
        ConditionState.CLEAR: State.CLEAR,
        ConditionState.UNKNOWN: State.UNKNOWN,
        ConditionState.OPEN: State.UNKNOWN,
    }[condition.state]
