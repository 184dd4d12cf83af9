"""How far a percentile of response times, or an error rate, is from what it was, and what the two samples cannot tell.

Every comparison is an interval, not a number: with 95 % confidence the true change lies in it. Each sample's percentile is bounded by its
order statistics, each share by the interval of Clopper and Pearson; both are exact and know no shape of a distribution. The two are put
together by MOVER (Zou and Donner 2008), for response times in logarithms, because there a change is a factor. A test simulates that the
interval covers the truth as often as is said.

A change is *above* a limit when the whole interval is, and *not above* when none of it is. In between nothing is known, and
MeasurementFailed says what these samples could have shown: no data, too few values and a baseline of zero never pass. (Kayenta passes
where there is nothing to compare, and the more values scatter.)

Limits of the method: the answers are taken as independent. Where slow ones come in bursts a sample says less than its size, so hold a
change for a time rather than trust one sample. A baseline that was taken at another hour, with other traffic, differs for that alone.
Source: plan items IR-4 and CR-5 ("above the baseline"), MT-1 and MT-2. Whether users see what they saw before (SC-5) stands here, too:
times have two limits there, of which the wider counts, a share of the baseline and a number of milliseconds that no user notices.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured, Sentence
from pam_rollback.plan.plan_items import ExperienceGoal
from pam_rollback.probe.samples import Sample
from pam_rollback.report.baseline_record import Baseline, Figures
from pam_rollback.stats.binomial import share_above, share_below
from pam_rollback.stats.percentiles import DEFINITION, Distribution, QuantileBounds, bounds_of, needed_for

CONFIDENCE_PCT = 95.0
_MISS_PCT = (100 - CONFIDENCE_PCT) / 2
"""How often each end of an interval may be wrong."""


def latencies_ms(samples: Iterable[Sample], *, slow_from_ms: float, prober_lag: bool = True) -> list[float]:
    """Give the response times that can be compared.

    An answer that failed quickly says nothing of speed; one that failed after ``slow_from_ms`` (the baseline's own percentile, say) was
    slow and counts, or timeouts would make the service look faster. ``prober_lag=False`` takes off the prober's own lag: a change
    that is there only with it is the prober's.
    """
    return [
        sample.latency_ms if prober_lag else max(0.0, sample.latency_ms - (sample.lag_ms or 0.0))
        for sample in samples
        if sample.measured() and (sample.ok or sample.latency_ms >= slow_from_ms)
    ]


@dataclass(frozen=True, repr=False)
class Change(Sentence):
    """A percentile of response times, or an error rate, beside that of the baseline.

    A change of response times is in per cent of the baseline, +100 is twice as long; one of rates in percentage points, because a rate may
    well have been zero.
    """

    what: str
    before: QuantileBounds
    """In ms, or per cent."""
    now: QuantileBounds
    in_points: bool = False
    pct: float = 0.0
    """Which percentile."""

    @classmethod
    def of_times(cls, before: Distribution | None, now: Sequence[float], pct: float = 95.0) -> Self:
        """Compare response times in ms with the baseline's. Raises MeasurementFailed when there is nothing to compare, or no ratio."""
        if before is None:
            raise MeasurementFailed(f"no baseline has response times to compare p{pct:g} with")
        was, found = before.bounds(pct, miss_pct=_MISS_PCT), bounds_of(now, pct, miss_pct=_MISS_PCT)
        if was.value <= 0:
            raise MeasurementFailed(
                f"the baseline's p{pct:g} is {was.value:g} ms (n={was.n}): no change is a share of nothing"
            )
        if found.value <= 0:
            raise MeasurementFailed(f"p{pct:g} is {found.value:g} ms (n={found.n}): no answer takes no time")
        return cls(f"p{pct:g}", was, found, pct=pct)

    @classmethod
    def of_rates(cls, before_bad: int, before_n: int, now_bad: int, now_n: int) -> Self:
        """Compare error rates by their counts. Raises MeasurementFailed when one side is empty; ValueError for counts that cannot be."""
        for what, n in (("the baseline", before_n), ("now", now_n)):
            if n == 0:
                raise MeasurementFailed(f"error rate of no answers at all ({what}): nothing was measured")
        return cls("error rate", _rate(before_bad, before_n), _rate(now_bad, now_n), in_points=True)

    @property
    def increase(self) -> float:
        """The change as measured."""
        return self._told(self._shift)

    @property
    def low(self) -> float:
        """The change is at least this, with 95 % confidence on both ends together; -100 % when the samples say nothing."""
        return self._told(self._shift - self._unseen_below)

    @property
    def high(self) -> float:
        """The change is at most this; infinite when a sample is too small to say."""
        return self._told(
            self._shift
            + math.hypot(
                self._from_to(self.now.value, self.now.high), self._from_to(self.before.low, self.before.value)
            )
        )

    @cached_property
    def smallest_visible(self) -> float:
        """The smallest increase that samples of this size can tell from none; infinite when they can show none at all."""
        if not self.in_points:
            return self._told(self._unseen_below)
        n = self.now.n
        bad = bisect_left(range(n + 1), 1, key=lambda bad: int(replace(self, now=_rate(bad, n)).low > 0))
        return 100 * bad / n - self.before.value if bad <= n else math.inf

    def is_above(self, limit: float) -> bool:
        """Whether the change is above the limit. Raises MeasurementFailed when the limit lies within what is not known."""
        if self.low > limit:
            return True
        if self.high <= limit:
            return False
        raise MeasurementFailed(
            f"{self}; whether that is above {_signed(limit)} {self.unit} is not known{self._more(limit)}"
        )

    @property
    def unit(self) -> str:
        """The unit of a change."""
        return "points" if self.in_points else "%"

    @property
    def interval(self) -> str:
        """Between which values it lies, in words; an end that the samples do not give is left out: no change of a service is infinite."""
        places = 2 if self.in_points else 0
        least, most = (f"{end:+z.{places}f}" if math.isfinite(end) else "" for end in (self.low, self.high))
        both = f"between {least} and {most} {self.unit}"
        one = f"{least} {self.unit} or more" if least else f"{most} {self.unit} or less" if most else "any change"
        visible = f"smallest visible increase {self.smallest_visible:.{places}f} {self.unit}"
        return (
            f"{both if least and most else one} with {CONFIDENCE_PCT:g} % confidence, "
            f"{visible if math.isfinite(self.smallest_visible) else 'no increase would be visible'}"
        )

    def __str__(self) -> str:
        how = "" if self.in_points else f", {DEFINITION}"
        increase = f"{self.increase:+z.{2 if self.in_points else 0}f} {self.unit}"
        return f"{self.what} {self.figure(self.now)}, baseline {self.figure(self.before)}{how}: {increase}, {self.interval}"

    def figure(self, bounds: QuantileBounds) -> str:
        """One of the two figures, in words."""
        if self.in_points:
            return f"{bounds.value:.3g} % ({round(bounds.value * bounds.n / 100)} of {bounds.n})"
        return f"{bounds.value:.3g} ms (n={bounds.n})"

    def _more(self, limit: float) -> str:
        """Why that is so, and what would tell."""
        needed = 0 if self.in_points else needed_for(self.pct, miss_pct=_MISS_PCT)
        if min(self.before.n, self.now.n) < needed:
            return f": {self.what} needs {needed} answers on each side"
        certain = math.inf
        if not self.in_points and limit > -100:  # noqa: PLR2004
            certain = self._told(math.log1p(limit / 100) + self._unseen_below)
        shown = f"these samples would show it from {certain:+z.0f} % on; " if math.isfinite(certain) else ""
        return f": {shown}more answers would tell"

    def _from_to(self, low: float, high: float) -> float:
        """How far apart two figures are: in logarithms where a change is a factor."""
        return high - low if self.in_points else _log(high) - _log(low)

    def _told(self, shift: float) -> float:
        return shift if self.in_points else 100 * math.expm1(shift)

    @property
    def _shift(self) -> float:
        return self._from_to(self.before.value, self.now.value)

    @property
    def _unseen_below(self) -> float:
        return math.hypot(
            self._from_to(self.now.low, self.now.value), self._from_to(self.before.value, self.before.high)
        )


def _rate(bad: int, n: int) -> QuantileBounds:
    if not 0 <= bad <= n:
        raise ValueError(f"{bad} errors among {n} answers")
    low, high = share_above(bad, n, miss_pct=_MISS_PCT), share_below(bad, n, miss_pct=_MISS_PCT)
    return QuantileBounds(100 * bad / n, 100 * low, 100 * high, n)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _signed(limit: float) -> str:
    return f"{limit:+.0f}" if abs(limit) >= 100 else f"{limit:+g}"  # noqa: PLR2004 - its digits say nothing there


ALL_JOURNEYS = "all journeys"


@dataclass(frozen=True, repr=False)
class JourneySpeed(Sentence):
    """How long the answers of one journey take, beside the baseline, with and without what the prober itself was late."""

    journey: str
    change: Change
    without_prober_lag: Change
    limit_pct: float
    """The increase that is still as before."""

    @classmethod
    def of(cls, journey: str, before: Figures, samples: Iterable[Sample], goal: ExperienceGoal) -> Self:
        """Compare. Raises MeasurementFailed when one side has nothing to compare."""
        samples = tuple(samples)
        try:
            slow_from_ms = before.latencies.percentile(95) if before.latencies is not None else 0.0
            change, without = (
                Change.of_times(before.latencies, latencies_ms(samples, slow_from_ms=slow_from_ms, prober_lag=lag))
                for lag in (True, False)
            )
        except MeasurementFailed as unknown:
            raise MeasurementFailed(f"{journey}: {unknown}") from None
        by_ms = 100 * goal.response_time_unnoticed_ms / change.before.value
        return cls(journey, change, without, max(goal.response_time_increase_pct_max, by_ms))

    @property
    def is_slower(self) -> bool:
        """Whether it is slower than that. Raises MeasurementFailed when the samples or the prober's own lag do not let it be known."""
        try:
            if not self.change.is_above(self.limit_pct):
                return False
            if self.without_prober_lag.is_above(self.limit_pct):
                return True
        except MeasurementFailed as unknown:
            raise MeasurementFailed(f"{self.journey}: {unknown}") from None
        raise MeasurementFailed(f"{self}; the prober was not fit to judge: without its own lag it would not be so")

    def __str__(self) -> str:
        return f"{self.journey}: {self.change}"


@dataclass(frozen=True, repr=False)
class SpeedAgainstBaseline(Fact):
    """Every journey, and all of them together."""

    journeys: tuple[JourneySpeed, ...]
    goal: ExperienceGoal
    baseline: str
    """Which one, in words."""

    @property
    def slower(self) -> tuple[str, ...]:
        """The journeys that are slower by more than the limit. Raises MeasurementFailed where none is, and of one it is not known."""
        found: list[str] = []
        unknown: MeasurementFailed | None = None
        for one in self.journeys:
            try:
                found += [one.journey] if one.is_slower else []
            except MeasurementFailed as problem:
                unknown = unknown or problem
        if unknown is not None and not found:
            raise unknown
        return tuple(found)

    @property
    def worst(self) -> JourneySpeed:
        """The journey that is nearest to its limit, or farthest beyond."""
        return max(self.journeys, key=lambda one: one.change.increase - one.limit_pct)

    @property
    def measured(self) -> Measured:
        """The worst journey."""
        worst = self.worst
        change = worst.change
        others = ", ".join(f"{one.journey} {one.change.increase:+z.0f} %" for one in self.journeys if one != worst)
        by_ms = worst.limit_pct > self.goal.response_time_increase_pct_max
        unnoticed = f" ({self.goal.response_time_unnoticed_ms:g} ms)" if by_ms else ""
        asked = f"at most {worst.limit_pct:+z.0f} %{unnoticed}"
        return Measured(
            what=f"p95 of {worst.journey}, against the baseline",
            asked=asked,
            value=round(change.increase, 1),
            unit="%",
            n=change.now.n,
            margin=round(worst.limit_pct - change.increase, 1),
            definition=f"{change.interval}, baseline {change.figure(change.before)}; {self.baseline}; the worst of {len(self.journeys)}",
            sentence=f"{worst}; expected {asked} ({self.baseline}); beside it {others or 'nothing'}",
        )


@dataclass(frozen=True, repr=False)
class ErrorsAgainstBaseline(Fact):
    """The share of wrong or missing answers over all journeys."""

    change: Change
    increase_pp_max: float
    baseline: str
    """Which one, in words."""

    @property
    def at_least_pp(self) -> float:
        """The increase that is certain, to compare with the limit. Raises MeasurementFailed where it may be on either side."""
        self.change.is_above(self.increase_pp_max)
        return self.change.low

    @property
    def measured(self) -> Measured:
        """The increase in percentage points."""
        change, asked = self.change, f"at most {self.increase_pp_max:+g} points"
        return Measured(
            what="error rate, against the baseline",
            asked=asked,
            value=round(change.increase, 2),
            unit="points",
            n=change.now.n,
            margin=round(self.increase_pp_max - change.increase, 2),
            definition=f"{change.interval}, baseline {change.figure(change.before)}; {self.baseline}",
            sentence=f"{change}; expected {asked} ({self.baseline})",
        )


def speed_against(before: Baseline, samples: Iterable[Sample], goal: ExperienceGoal) -> SpeedAgainstBaseline:
    """Compare each journey and all together. Raises MeasurementFailed when the journeys are not the same or one cannot be compared."""
    samples = tuple(samples)
    now = {sample.journey for sample in samples}
    if now != set(before.journeys):
        raise MeasurementFailed(
            f"the baseline has the journeys {', '.join(sorted(before.journeys))}, now there are {', '.join(sorted(now)) or 'none'}: "
            "they cannot be compared; take a new baseline"
        )
    own = [(name, before.journeys[name], [one for one in samples if one.journey == name]) for name in sorted(now)]
    journeys = [JourneySpeed.of(*one, goal) for one in ((ALL_JOURNEYS, before.answers, samples), *own)]
    return SpeedAgainstBaseline(tuple(journeys), goal, str(before.origin))


def errors_against(before: Baseline, samples: Iterable[Sample], goal: ExperienceGoal) -> ErrorsAgainstBaseline:
    """Compare the error rates of what was measured. Raises MeasurementFailed when one side is empty."""
    measured = [sample for sample in samples if sample.measured()]
    bad, answers = sum(not sample.ok for sample in measured), before.answers
    change = Change.of_rates(answers.errors, answers.n, bad, len(measured))
    return ErrorsAgainstBaseline(change, goal.error_rate_increase_pp_max, str(before.origin))
