"""What of the users' answers bears on which decision criterion: downtime, errors, and how much slower than the baseline.

Definitions that the plan leaves open (docs/decisions/decision.md): a user needs every part, so it is down when one of them is never
answered. Each part is judged by itself and the worst decides. Health says nothing of what users read, so it never asks for a rollback
alone. Response time is p95 over all journeys of users, beside the p95 of the baseline; quick failures say nothing of speed.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Measured
from pam_rollback.core.outside_text import cut
from pam_rollback.decision.decision import OF_GAP, WORST_FIRST, Finding, Lasting, State
from pam_rollback.plan.plan_terms import Gaps
from pam_rollback.probe.change import Change, latencies_ms
from pam_rollback.probe.parts import BACK_END, HEALTH
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.sustained import Condition, ConditionState, Measure, share_is_below
from pam_rollback.stats.percentiles import DEFINITION, Distribution

DOWNTIME: Final = "IR-2"
ERRORS: Final = "IR-5"
FAR_SLOWER: Final = "IR-4"
SLOWER: Final = "CR-5"
_P95 = 95.0
_REASON_CHARACTERS = 100
_ANSWERS_OF_A_PART = 3
"""Fewer of one journey do not show that it is never answered."""
_BAD_MIN = 3


def downtime(shown: str) -> Measure:
    """IR-2, of one part: no user is served there."""

    def good(samples: Sequence[Sample]) -> int:
        return sum(sample.ok for sample in samples)

    return Measure(
        contradicts=lambda samples: good(samples) > 0,
        above=lambda samples: good(samples) == 0 and len(samples) >= _ANSWERS_OF_A_PART,
        words=lambda samples: f"{shown}: {good(samples)} of {len(samples)} answers good{_most_often(samples)}",
        row=lambda samples: Measured(
            what="users who could be served",
            asked="none",
            value="some" if good(samples) else "none",
            n=len(samples),
            definition=f"of the {shown}",
        ),
    )


def partial_downtime(journeys: Collection[str]) -> Measure:
    """The gap below IR-2: some journey is never answered."""

    def answered(samples: Sequence[Sample]) -> set[str]:
        return {sample.journey for sample in samples if sample.ok}

    def dead(samples: Sequence[Sample]) -> list[str]:
        asked, good = Counter(sample.journey for sample in samples), answered(samples)
        return [name for name in journeys if name not in good and asked[name] >= _ANSWERS_OF_A_PART]

    return Measure(
        contradicts=lambda samples: {*journeys} <= answered(samples),
        above=lambda samples: bool(dead(samples)),
        words=lambda samples: f"never answered: {', '.join(dead(samples)) or 'no journey'} (n={len(samples)})",
        row=lambda samples: Measured(
            what="journeys never answered", asked="at least one", value=len(dead(samples)), n=len(samples)
        ),
    )


def error_rate(shown: str, limit_pct: float, *, reached_counts: bool = False) -> Measure:
    """IR-5, of one part: the share of wrong or missing answers is above the limit; with ``reached_counts`` also when it is exactly there.

    Two bad answers among the few of a part in five minutes are no rate yet.
    """

    def bad(samples: Sequence[Sample]) -> int:
        return sum(not sample.ok for sample in samples)

    def above(samples: Sequence[Sample]) -> bool:
        found, limit = 100 * bad(samples), limit_pct * len(samples)
        return found >= limit and bad(samples) >= _BAD_MIN if reached_counts else found > limit

    def rate(samples: Sequence[Sample]) -> float | None:
        return 100 * bad(samples) / len(samples) if samples else None

    def words(samples: Sequence[Sample]) -> str:
        value = rate(samples)
        found = "not known" if value is None else f"{value:.1f} %"
        return f"error rate of the {shown} {found} ({bad(samples)} of {len(samples)} answers{_most_often(samples)})"

    def row(samples: Sequence[Sample]) -> Measured:
        value = rate(samples)
        return Measured(
            what="error rate",
            asked=f"> {limit_pct:g} %",
            value=value,
            unit="%",
            n=len(samples),
            margin=None if value is None else limit_pct - value,
            definition=f"of the {shown}",
        )

    def contradicts(samples: Sequence[Sample]) -> bool:
        return share_is_below(bad(samples), len(samples), limit_pct)

    # At one request a second a fifth of five minutes cannot contradict 2 %, and a hiccup of six seconds is 2 % of them all.
    half = (lambda samples: 100 * bad(samples) >= limit_pct * len(samples)) if reached_counts else None
    return Measure(contradicts, above, words, row, limit=f"{limit_pct:g} %", half=half)


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
    return Measure(found.contradicts, found.above, found.words, found.row, half=found.as_measured)


@dataclass(frozen=True)
class _Slowdown:
    before: Distribution
    limit_pct: float
    limit: str
    """As it is said."""
    reached_counts: bool

    def contradicts(self, samples: Sequence[Sample]) -> bool:
        try:
            return self._change(samples).high < self.limit_pct
        except MeasurementFailed:
            return False

    def above(self, samples: Sequence[Sample]) -> bool:
        found = self._change(samples)
        if found.smallest_visible > self.limit_pct and found.low <= self.limit_pct < found.high:
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

    def row(self, samples: Sequence[Sample]) -> Measured:
        asked = f"{'>=' if self.reached_counts else '>'} {self.limit}"
        try:
            found = self._change(samples)
        except MeasurementFailed as error:
            return Measured(what="p95 against the baseline", asked=asked, value=None, definition=str(error))
        return Measured(
            what="p95 against the baseline",
            asked=asked,
            value=round(found.increase, 1),
            unit="%",
            n=found.now.n,
            margin=round(self.limit_pct - found.increase, 1),
            definition=f"{found.now.value:.3g} ms, baseline {found.before.value:.3g} ms of n={found.before.n}, {DEFINITION}",
        )

    def _change(self, samples: Sequence[Sample], *, prober_lag: bool = True) -> Change:
        slow_from_ms = self.before.percentile(_P95)
        latencies = latencies_ms(samples, slow_from_ms=slow_from_ms, prober_lag=prober_lag)
        if 2 * len(latencies) < len(samples):
            raise MeasurementFailed(
                f"{len(samples) - len(latencies)} of {len(samples)} answers failed quickly: how fast the others came says little"
            )
        return Change.of_times(self.before, latencies, _P95)

    def _beyond(self, found: Change) -> bool:
        # Half a per cent is what a stored distribution does not know of its own percentile.
        return found.increase >= self.limit_pct if self.reached_counts else found.increase > self.limit_pct


# ---------------------------------------------------------------- from conditions to findings


def judged_downtime(down: Mapping[str, Condition], partial: Condition, gaps: Gaps) -> Lasting:
    """IR-2, by the worst part. Where no part is down altogether, a journey that is never answered counts by its gap."""
    states = {part: _state_of(condition, gaps) for part, condition in down.items()}
    if states.get(HEALTH) is State.HOLDS and states.get(BACK_END) not in {State.HOLDS, State.UNKNOWN}:
        states[HEALTH] = OF_GAP[gaps.partial_downtime]
    found = _worst(DOWNTIME, down, states)
    if found.finding.state is State.CLEAR and partial.state is not ConditionState.CLEAR:
        beside = State.UNKNOWN if partial.state in {ConditionState.UNKNOWN, ConditionState.OPEN} else State.WATCH
        state = OF_GAP[gaps.partial_downtime] if partial.state is ConditionState.HOLDS else beside
        return replace(found, finding=Finding(DOWNTIME, state, f"{partial}; {found.finding.words}"))
    return found


def judged_errors(errors: Mapping[str, Condition], between: Mapping[str, Condition], gaps: Gaps) -> Lasting:
    """IR-5, by the worst part. Where it is clear, what lies between SC-1's limit and this one counts by its gap."""
    states = {part: _state_of(one, gaps) for part, one in errors.items()}
    if states.get(HEALTH) is State.HOLDS:
        states[HEALTH] = OF_GAP[gaps.errors_between]
    told = dict(errors)
    for part, condition in between.items():
        if states[part] is State.CLEAR and condition.state is not ConditionState.CLEAR:
            holds = condition.state is ConditionState.HOLDS
            states[part] = OF_GAP[gaps.errors_between] if holds else _state_of(condition, gaps)
            both = f"{errors[part].words}, limit {errors[part].limit}; of the lower limit: {condition.words}"
            told[part] = replace(condition, words=both)
    return _worst(ERRORS, told, states)


def _worst(criterion: str, conditions: Mapping[str, Condition], states: Mapping[str, State]) -> Lasting:
    """Return what is known of the criterion: the parts of the worst state, in their own words, and the others in short."""
    state = next(one for one in WORST_FIRST if one in states.values())
    own = [part for part in conditions if states[part] is state]
    # One sentence for all that is well; each part that is not has its own.
    whole = state is State.CLEAR
    words = "; ".join(str(conditions[part]) for part in own) if not whole else ""
    others = ", ".join(conditions[part].words for part in conditions if whole or part not in own)
    parts = () if state in {State.CLEAR, State.UNKNOWN} else tuple(own)
    said = "; beside it: ".join(filter(None, (words, others)))
    return _lasting(Finding(criterion, state, said, parts=parts), *(conditions[part] for part in own))


def _lasting(finding: Finding, *conditions: Condition) -> Lasting:
    """Return it with the time for which it has been met; the parts that count are alike, so the longest of theirs is it."""
    longest_s = max((one.held_s for one in conditions if one.state is ConditionState.NOT_YET), default=0.0)
    duration_s = conditions[0].duration_s
    met_s = duration_s if finding.state is State.HOLDS else longest_s
    return Lasting(finding, conditions[0].row, met_s=met_s, duration_s=duration_s)


def judged_far_slower(far: Condition, gaps: Gaps) -> Lasting:
    """IR-4."""
    return _lasting(Finding(FAR_SLOWER, _state_of(far, gaps), str(far)), far)


def judged_slower(slower: Condition, far: Condition, gaps: Gaps) -> Lasting:
    """CR-5. Whoever is above the band for less than IR-4's time is in it; when IR-4 holds, that says it."""
    if far.state is ConditionState.HOLDS:
        return _lasting(Finding(SLOWER, State.CLEAR, f"beyond this band, see {FAR_SLOWER}: {far}"), slower)
    return _lasting(Finding(SLOWER, _state_of(slower, gaps), str(slower)), slower)


def _state_of(condition: Condition, gaps: Gaps) -> State:
    return {
        ConditionState.HOLDS: State.HOLDS,
        ConditionState.NOT_YET: OF_GAP[gaps.not_yet],
        ConditionState.OVER: OF_GAP[gaps.over],
        ConditionState.CLEAR: State.CLEAR,
        ConditionState.UNKNOWN: State.UNKNOWN,
        ConditionState.OPEN: State.UNKNOWN,
    }[condition.state]
