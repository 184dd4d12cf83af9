"""What ``pytest -m baseline`` recorded, part by part, and what later runs have to know of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.plan.plan_items import ErrorRateLimit, ResponseTimeLimit
from pam_rollback.report.baseline_record import ANSWERS, Baseline
from pam_rollback.target.health import HealthAround
from pam_rollback.target.known_before import Finding

_ERRORS = "errors"


@dataclass(frozen=True, repr=False)
class BaselineAnswers(Fact):
    """What users got while the baseline was recorded, judged by the plan: what is bad must not become what is usual."""

    baseline: Baseline
    errors: ErrorRateLimit
    response_time: ResponseTimeLimit

    @property
    def error_rate_pct(self) -> float:
        """The share of answers that were wrong or missing."""
        return self.baseline.answers.error_rate_pct

    @property
    def p95_ms(self) -> float:
        """Within this time 95 of 100 good answers came; infinite where none did."""
        p95_ms = self.baseline.answers.p95_ms
        return math.inf if p95_ms is None else p95_ms

    @property
    def few_errors(self) -> bool:
        """Too many are damage, and not only a bad hour."""
        return self.error_rate_pct < self.errors.error_rate_pct_max

    @property
    def good(self) -> bool:
        """Few errors and quick answers, by the limits that hold after a rollback."""
        return self.few_errors and self.p95_ms < self.response_time.response_time_ms_max

    @property
    def measured(self) -> Measured:
        """Their p95, beside the share of errors and the other parts."""
        overall = self.baseline.answers
        left_out = "; ".join(f"not recorded: {what}: {why}" for what, why in self.baseline.not_recorded.items())
        return Measured(
            what="baseline, p95 of all journeys",
            asked=f"< {self.response_time.response_time_ms_max:g} ms, errors < {self.errors.error_rate_pct_max:g} %",
            value=None if overall.p95_ms is None else round(overall.p95_ms, 1),
            unit="ms",
            n=overall.n,
            definition="; ".join(filter(None, (f"errors {overall.error_rate_pct:.2g} %", self._parts, left_out))),
            sentence=f"{self.baseline}; expected errors below {self.errors.error_rate_pct_max:g} % and p95 below "
            f"{self.response_time.response_time_ms_max:g} ms: what is bad must not become what is usual, so the answers were not recorded",
        )

    @property
    def _parts(self) -> str:
        parts = ", ".join(f"{name} (n={part.n})" for name, part in self.baseline.parts.items())
        return f"with {parts}" if parts else "with no other parts"


@dataclass(frozen=True)
class TakenBaseline:
    """What was recorded, and whether later runs may be held against it."""

    health: HealthAround
    observed: Baseline
    """With the answers as they came, if they came."""
    failed: Mapping[str, str]
    """The parts that this environment declares and that could not be recorded, each with the reason and what would let it be."""
    errors: ErrorRateLimit
    response_time: ResponseTimeLimit
    found: tuple[Finding, ...] = ()
    """What was open or wrong, however well the service was."""

    @property
    def kept(self) -> Baseline:
        """What is written. Raises MeasurementFailed when it would be of two releases."""
        if not self.health.one_release:
            raise MeasurementFailed(f"the baseline is withdrawn, nothing was written: {self.health}")
        red = [finding.kept for report in self.health.red for finding in report.findings]
        observed = self.observed
        if observed.overall is None or self._judged.good:
            return observed.model_copy(update={"red": tuple(red)})
        if not self._judged.few_errors:
            red.append(Finding(self.errors.id, "users' answers", _ERRORS))
        why = {
            ANSWERS: f"they were bad by the plan's limits ({self.response_time.id}, {self.errors.id}); record them when they are good"
        }
        return observed.model_copy(
            update={"red": tuple(red), "overall": None, "journeys": {}, "not_recorded": observed.not_recorded | why}
        )

    @property
    def answers(self) -> BaselineAnswers:
        """What users got.

        Raises MeasurementFailed when nothing was written, or, unless the answers are bad, something that is declared could not be recorded.
        """
        _ = self.kept
        if self.failed and (self.observed.overall is None or self._judged.good):
            parts = "; ".join(f"{what}: {why}" for what, why in self.failed.items())
            raise MeasurementFailed(f"the baseline was recorded without {parts}")
        return self._judged

    @property
    def _judged(self) -> BaselineAnswers:
        return BaselineAnswers(self.observed, self.errors, self.response_time)
