"""What a prober has seen of users so far: its samples, sorted by whether they say anything about the service, and beside a baseline's."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any, Self

from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import NotReached, Telling, Waiter
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import ExperienceGoal
from pam_rollback.probe.blocked import Lookout, Sorting, places_of
from pam_rollback.probe.blocking import why_void
from pam_rollback.probe.change import (
    ErrorsAgainstBaseline,
    SpeedAgainstBaseline,
    errors_against,
    speed_against,
)
from pam_rollback.probe.incident import ErrorRate
from pam_rollback.probe.journeys import users_journeys
from pam_rollback.probe.memory_readings import MemoryWatch
from pam_rollback.probe.observer import Prober
from pam_rollback.probe.parts import Series, series_of
from pam_rollback.probe.samples import Sample, still_to_come, too_few_to_compare
from pam_rollback.report.baseline_record import Baseline, Figures
from pam_rollback.stats.percentiles import Distribution, percentile
from pam_rollback.target.environment import Environment

FIRST_SAMPLES_WITHIN_S = 15.0


class Observation:
    """The prober of this situation.

    ``series`` are the parts that are judged, each by itself. ``journeys`` are those of users: where somebody can sign in, all but health.
    """

    def __init__(
        self,
        prober: Prober,
        series: tuple[Series, ...],
        clock: Clock,
        memory: MemoryWatch | None = None,
        *,
        sorting: Sorting | None = None,
    ) -> None:
        self._prober = prober
        self._clock = clock
        self._sorting = sorting
        self.series = series
        self.journeys = users_journeys(prober.config)
        self.owning = tuple(one.name for one in prober.config.journeys if one.owner)
        """The journeys whose answers say whose they are."""
        self.memory = memory
        """None where the environment declares no metrics."""

    @classmethod
    def of(
        cls,
        prober: Prober,
        environment: Environment,
        clock: Clock,
        memory: MemoryWatch | None = None,
        *,
        observed: Iterable[str] = (),
        answered_before: Collection[str] = (),
    ) -> Self:
        """Give that of an environment. ``observed``: what people saw. ``answered_before``: journeys that a baseline knows to be there."""
        sorting = Sorting(places_of(prober.config), Lookout(environment, observed), answered_before)
        return cls(prober, series_of(environment, prober.config), clock, memory, sorting=sorting)

    @property
    def rate_hz(self) -> float:
        """How many probes a second are users' journeys."""
        return self._prober.timeline.rate_hz(*self.journeys)

    @property
    def slowest_part_hz(self) -> float:
        """How many probes a second the part has that is asked least."""
        return min(one.rate_hz for one in self.series if one.journeys)

    def rate_of(self, *journeys: str) -> float:
        """How many probes a second these journeys are. Raises MeasurementFailed for one that is not asked."""
        return self._prober.timeline.rate_hz(*journeys)

    @property
    def settled_s(self) -> float:
        """Every probe due before this moment is recorded. Raises MeasurementFailed when the prober is gone: from then on we are blind."""
        self._prober.check()
        return self._prober.timeline.settled_s

    @property
    def first_due_s(self) -> float:
        """When its first probe was due."""
        return self._prober.timeline.header.first_due_s

    def wait_for_first(self, waiter: Waiter) -> None:
        """Wait until the prober has begun, where nobody is kept from acting by that. Raises MeasurementFailed when it does not begin."""
        self._prober.wait_for_first(1, FIRST_SAMPLES_WITHIN_S, waiter)

    @property
    def began_s(self) -> float:
        """When the first of these probes was due; now, when there is none yet."""
        return min((sample.due_s for sample in self.samples()), default=self._clock.monotonic_s())

    def samples(self, since_s: float | None = None, until_s: float | None = None) -> tuple[Sample, ...]:
        """Users' journeys in that time. Answers that say nothing about the service, since we are blocked, say so."""
        return self._sorted(since_s, until_s, self.journeys)

    def samples_of_parts(self, since_s: float | None = None, until_s: float | None = None) -> tuple[Sample, ...]:
        """All that is judged part by part in that time: users' journeys, and health beside them."""
        return self._sorted(since_s, until_s, tuple(name for one in self.series for name in one.journeys))

    def _sorted(self, since_s: float | None, until_s: float | None, journeys: tuple[str, ...]) -> tuple[Sample, ...]:
        self._prober.check()
        samples = self._prober.timeline.samples(since_s, until_s, *journeys)
        if self._sorting is None:
            return samples
        return self._sorting.sorted_out(samples, self._prober.timeline.samples)

    def asked(self, journeys: Collection[str], since_s: float, until_s: float) -> tuple[Sample, ...]:
        """All that was asked in these journeys, health too, which is probed beside those of users."""
        return self._prober.timeline.samples(since_s, until_s, *journeys) if journeys else ()

    def error_rate(self, *, over_s: float, limit_pct: float, journeys: Collection[str] = ()) -> ErrorRate:
        """The error rate of the latest ``over_s`` seconds, of these journeys or of all that users make.

        Raises MeasurementFailed when we are blocked: then nobody knows.
        """
        now_s = self._clock.monotonic_s()
        samples = self.samples(now_s - over_s, now_s)
        if any(sample.blocked for sample in samples):
            raise MeasurementFailed(why_void(samples))
        counted = (sample for sample in samples if not journeys or sample.journey in journeys)
        return ErrorRate.of(counted, over_s=over_s, limit_pct=limit_pct)


def figures_of(samples: Iterable[Sample]) -> Figures:
    """Give the figures of measured samples, of which there must be at least one."""
    samples = tuple(samples)
    latencies = [sample.latency_ms for sample in samples if sample.ok]
    p50_ms, p95_ms, p99_ms = (percentile(latencies, pct).value if latencies else None for pct in (50, 95, 99))
    return Figures(
        n=len(samples),
        errors=len(samples) - len(latencies),
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        latencies=Distribution.of(latencies) if latencies else None,
    )


def answers_of(samples: Iterable[Sample]) -> dict[str, Any]:
    """Give the fields of a ``Baseline`` for these samples. Raises MeasurementFailed when none of them was measured."""
    samples = tuple(samples)
    measured = [sample for sample in samples if sample.measured()]
    if not measured:
        raise MeasurementFailed(f"no baseline: none of {len(samples)} samples is usable")
    names = Counter(sample.journey for sample in measured)
    return {
        "duration_s": max(sample.due_s for sample in measured) - min(sample.due_s for sample in measured),
        "unmeasured": len(samples) - len(measured),
        "overall": figures_of(measured),
        "journeys": {name: figures_of(sample for sample in measured if sample.journey == name) for name in names},
    }


_SAMPLED_EVERY_S = 0.5


_SPARE = 1.5
"""Probes that leave late do not count, so that more time is given than the answers need."""


class SampleSize:
    """Waits for as many answers of users as a comparison needs."""

    def __init__(
        self,
        observation: Observation,
        environment: Environment,
        plan: Plan,
        waiter: Waiter,
        progress: Telling,
    ) -> None:
        self._observation = observation
        self._needed = plan.baseline.answers_min
        self._within_s = _SPARE * self._needed / observation.rate_hz + environment.probing.timeout_s + 10
        self._waiter = waiter
        self._progress = progress

    def since(self, since_s: float, *, times: int = 1) -> tuple[Sample, ...]:
        """Give all answers to probes from then on, when there are ``times`` as many as are needed. Raises MeasurementFailed."""
        needed = times * self._needed

        def answered() -> tuple[Sample, ...]:
            # Up to where everything is recorded: slow answers are still out behind that.
            found = self._observation.samples(since_s, self._observation.settled_s)
            self._progress.tell(f"  … {still_to_come(len(found), needed, self._observation.rate_hz)}")
            return found

        try:
            found = self._waiter.until(
                answered,
                holds=lambda samples: sum(sample.measured() for sample in samples) >= needed,
                within_s=times * self._within_s,
                what=f"{needed} answers to compare",
                every_s=_SAMPLED_EVERY_S,
            )
        except NotReached:
            raise MeasurementFailed(too_few_to_compare(answered(), needed, times * self._within_s)) from None
        self._progress.done()
        return found


class Experience:
    """What users get now, beside what they got before. Each comparison raises MeasurementFailed when it cannot be made."""

    def __init__(self, samples: tuple[Sample, ...], before: Baseline, plan: Plan) -> None:
        self._samples = samples
        self._before = before
        self._goal = plan.the(ExperienceGoal)

    @property
    def is_decided(self) -> bool:
        """Whether both comparisons say something; more answers may do what these cannot."""
        try:
            _ = self.speed.slower, self.errors.at_least_pp
        except MeasurementFailed:
            return False
        return True

    @property
    def speed(self) -> SpeedAgainstBaseline:
        """How long answers take, by journey."""
        return speed_against(self._before, self._samples, self._goal)

    @property
    def errors(self) -> ErrorsAgainstBaseline:
        """How many answers are wrong or missing, over all journeys."""
        return errors_against(self._before, self._samples, self._goal)
