"""Do users see what they saw before? Response times by journey and the error rate, held against the baseline. Source: plan item SC-5.

Both comparisons are intervals (``observation/change.py``): worse only when the whole interval lies beyond the limit, as before only
when none of it does, and MeasurementFailed in between, with the smallest change that the two samples could have shown.

Response times have two limits, of which the wider one counts: a share of the baseline, and a number of milliseconds that nobody notices.
A service that answers in 5 ms is not slower for its users when it takes 7.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Fact, Measured, Sentence
from pam_rollback.observation.change import LatencyChange, RateChange, between, latencies_ms, smallest_visible
from pam_rollback.observation.samples import Sample
from pam_rollback.stats.percentiles import Distribution

ALL_JOURNEYS = "all journeys"


@dataclass(frozen=True)
class Before:
    """What the baseline has of some answers: how many, how many of them wrong, and how long the good ones took (None: none was good)."""

    n: int
    errors: int
    latencies: Distribution | None


@dataclass(frozen=True, repr=False)
class JourneySpeed(Sentence):
    """How long the answers of one journey take, beside the baseline, with and without what the prober itself was late."""

    journey: str
    change: LatencyChange
    without_prober_lag: LatencyChange

    @classmethod
    def of(cls, journey: str, before: Before, samples: Iterable[Sample]) -> Self:
        """Compare. Raises MeasurementFailed when one side has nothing to compare."""
        samples = tuple(samples)
        try:
            slow_from_ms = before.latencies.percentile(95) if before.latencies is not None else 0.0
            change, without = (
                LatencyChange.of(
                    before.latencies, latencies_ms(samples, slow_from_ms=slow_from_ms, prober_lag=prober_lag)
                )
                for prober_lag in (True, False)
            )
        except MeasurementFailed as unknown:
            raise MeasurementFailed(f"{journey}: {unknown}") from None
        return cls(journey, change, without)

    def limit_pct(self, share_pct: float, unnoticed_ms: float) -> float:
        """The increase that is still as before: the wider of the share and the milliseconds."""
        return max(share_pct, 100 * unnoticed_ms / self.change.before.value)

    def is_above(self, limit_pct: float) -> bool:
        """Whether it is slower than that. Raises MeasurementFailed when the samples or the prober's own lag do not let it be known."""
        try:
            if not self.change.is_above(limit_pct):
                return False
            if self.without_prober_lag.is_above(limit_pct):
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
    increase_pct_max: float
    unnoticed_ms: float
    baseline: str
    """Which one, in words."""

    @property
    def slower(self) -> tuple[str, ...]:
        """The journeys that are slower by more than the limit. Raises MeasurementFailed where none is, and of one it is not known."""
        found: list[str] = []
        unknown: MeasurementFailed | None = None
        for one in self.journeys:
            try:
                found += [one.journey] if one.is_above(self._limit_pct(one)) else []
            except MeasurementFailed as problem:
                unknown = unknown or problem
        if unknown is not None and not found:
            raise unknown
        return tuple(found)

    @property
    def worst(self) -> JourneySpeed:
        """The journey that is nearest to its limit, or farthest beyond."""
        return max(self.journeys, key=lambda one: one.change.increase_pct - self._limit_pct(one))

    @property
    def measured(self) -> Measured:
        """The worst journey."""
        worst = self.worst
        row, limit_pct = worst.change.measured, self._limit_pct(worst)
        others = ", ".join(f"{one.journey} {one.change.increase_pct:+z.0f} %" for one in self.journeys if one != worst)
        return replace(
            row,
            what=f"p95 of {worst.journey}, against the baseline",
            asked=self._asked(worst),
            margin=round(limit_pct - worst.change.increase_pct, 1),
            definition=f"{row.definition}; {self.baseline}; the worst of {len(self.journeys)}",
            sentence=f"{worst}; expected {self._asked(worst)} ({self.baseline}); beside it {others or 'nothing'}",
        )

    def _limit_pct(self, one: JourneySpeed) -> float:
        return one.limit_pct(self.increase_pct_max, self.unnoticed_ms)

    def _asked(self, one: JourneySpeed) -> str:
        by_ms = self._limit_pct(one) > self.increase_pct_max
        return f"at most {self._limit_pct(one):+z.0f} %" + (f" ({self.unnoticed_ms:g} ms)" if by_ms else "")


@dataclass(frozen=True, repr=False)
class ErrorsAgainstBaseline(Fact):
    """The share of wrong or missing answers over all journeys."""

    change: RateChange
    increase_pp_max: float
    baseline: str
    """Which one, in words."""

    @property
    def at_least_pp(self) -> float:
        """The increase that is certain, to compare with the limit. Raises MeasurementFailed where it may be on either side."""
        self.change.is_above(self.increase_pp_max)
        return self.change.low_pp

    @property
    def measured(self) -> Measured:
        """The increase in percentage points."""
        change = self.change
        return Measured(
            what="error rate, against the baseline",
            asked=f"at most {self.increase_pp_max:+g} points",
            value=round(change.increase_pp, 2),
            unit="points",
            n=change.now_n,
            margin=round(self.increase_pp_max - change.increase_pp, 2),
            definition=(
                f"{between(change.low_pp, change.high_pp, 'points', places=2)}, "
                f"{smallest_visible(change.smallest_visible_pp, 'points', places=2)}, "
                f"baseline {change.before_bad} of {change.before_n}; {self.baseline}"
            ),
            sentence=f"{change}; expected at most {self.increase_pp_max:+g} points ({self.baseline})",
        )


def speed_against(
    before: Mapping[str, Before],
    overall: Before,
    samples: Iterable[Sample],
    *,
    increase_pct_max: float,
    unnoticed_ms: float,
    baseline: str,
) -> SpeedAgainstBaseline:
    """Compare each journey and all together. Raises MeasurementFailed when the journeys are not the same or one cannot be compared."""
    samples = tuple(samples)
    now = {sample.journey for sample in samples}
    if now != set(before):
        raise MeasurementFailed(
            f"the baseline has the journeys {', '.join(sorted(before))}, now there are {', '.join(sorted(now)) or 'none'}: "
            "they cannot be compared; take a new baseline"
        )
    journeys = [JourneySpeed.of(ALL_JOURNEYS, overall, samples)]
    journeys += [
        JourneySpeed.of(name, before[name], (sample for sample in samples if sample.journey == name))
        for name in sorted(now)
    ]
    return SpeedAgainstBaseline(tuple(journeys), increase_pct_max, unnoticed_ms, baseline)


def errors_against(
    overall: Before, samples: Iterable[Sample], *, increase_pp_max: float, baseline: str
) -> ErrorsAgainstBaseline:
    """Compare the error rates of what was measured. Raises MeasurementFailed when one side is empty."""
    measured = [sample for sample in samples if sample.measured()]
    bad = sum(not sample.ok for sample in measured)
    change = RateChange(before_bad=overall.errors, before_n=overall.n, now_bad=bad, now_n=len(measured))
    return ErrorsAgainstBaseline(change, increase_pp_max, baseline)
