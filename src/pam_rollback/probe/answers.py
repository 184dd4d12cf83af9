"""The answers of users as a baseline has them, and those of now beside them."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import NotReached, Telling, Waiter
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import ExperienceGoal
from pam_rollback.probe.experience import (
    ErrorsAgainstBaseline,
    SpeedAgainstBaseline,
    errors_against,
    speed_against,
)
from pam_rollback.probe.observation import Observation
from pam_rollback.probe.samples import Sample, still_to_come, too_few_to_compare
from pam_rollback.report.baseline_record import Baseline, Figures
from pam_rollback.stats.percentiles import Distribution, percentile
from pam_rollback.target.environment import Environment


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
