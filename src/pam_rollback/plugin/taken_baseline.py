"""What ``pytest -m baseline`` recorded, and whether later runs may be held against it."""

from dataclasses import dataclass

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Figures
from pam_rollback.core.health import HealthAround
from pam_rollback.observation.baseline import Baseline


@dataclass(frozen=True, repr=False)
class BaselineAnswers:
    """What users got while the baseline was recorded, judged by the plan: what is bad must not become what is usual."""

    baseline: Baseline
    error_rate_pct_max: float
    response_time_ms_max: float

    @property
    def good(self) -> bool:
        """Few errors and quick answers, by the limits that hold after a rollback."""
        overall = self.baseline.overall
        return (
            overall.error_rate_pct < self.error_rate_pct_max
            and overall.p95_ms is not None
            and overall.p95_ms < self.response_time_ms_max
        )

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        overall = self.baseline.overall
        left_out = "; ".join(f"not recorded: {what}: {why}" for what, why in self.baseline.not_recorded.items())
        return Figures(
            what="baseline, p95 of all journeys",
            asked=f"< {self.response_time_ms_max:g} ms, errors < {self.error_rate_pct_max:g} %",
            measured=None if overall.p95_ms is None else round(overall.p95_ms, 1),
            unit="ms",
            n=overall.n,
            definition="; ".join(filter(None, (f"errors {overall.error_rate_pct:.2g} %", self._parts, left_out))),
        )

    @property
    def _parts(self) -> str:
        parts = ", ".join(f"{name} (n={part.n})" for name, part in self.baseline.parts.items())
        return f"with {parts}" if parts else "with no other parts"

    def __str__(self) -> str:
        """The sentence that a failure shows."""
        return (
            f"{self.baseline}; expected errors below {self.error_rate_pct_max:g} % and p95 below "
            f"{self.response_time_ms_max:g} ms: what is bad must not become what is usual, so nothing was written"
        )

    # pytest shows the repr of what an assertion gives as its message: the sentence, not the fields.
    __repr__ = __str__


@dataclass(frozen=True)
class TakenBaseline:
    """What was recorded, and whether later runs may be held against it."""

    health: HealthAround
    baseline: Baseline | None
    problem: str
    error_rate_pct_max: float
    response_time_ms_max: float

    @property
    def usable(self) -> bool:
        """The service was well all the time, everything could be recorded, and it was as the plan wants it."""
        return self.health.well and self.baseline is not None and self.answers.good

    @property
    def answers(self) -> BaselineAnswers:
        """What users got. Raises MeasurementFailed when the baseline is withdrawn: not well, or not whole."""
        if not self.health.well:
            raise MeasurementFailed(f"the baseline is withdrawn, nothing was written: {self.health}")
        if self.baseline is None:
            raise MeasurementFailed(f"the baseline is withdrawn, nothing was written: {self.problem}")
        return BaselineAnswers(self.baseline, self.error_rate_pct_max, self.response_time_ms_max)
