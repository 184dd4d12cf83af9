"""Do users see what they saw before? Response times by journey and the error rate, held against the baseline. Source: plan item SC-5.

Both comparisons are intervals (``probe/change.py``): worse only when the whole interval lies beyond the limit, as before only
when none of it does, and MeasurementFailed in between, with the smallest change that the two samples could have shown.

Response times have two limits, of which the wider one counts: a share of the baseline, and a number of milliseconds that nobody notices.
A service that answers in 5 ms is not slower for its users when it takes 7.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured, Sentence
from pam_rollback.plan.plan_items import ExperienceGoal
from pam_rollback.probe.change import Change, latencies_ms
from pam_rollback.probe.samples import Sample
from pam_rollback.report.baseline_record import Baseline, Figures

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
