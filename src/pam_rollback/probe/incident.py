"""What is wrong now, planted in a drill or declared in a real rollback, and when it was acted on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.probe.samples import Sample


@dataclass(frozen=True, repr=False)
class ErrorRate(Fact):
    """The share of users' requests without the expected answer, over some seconds."""

    errors: int
    n: int
    over_s: float
    limit_pct: float

    @classmethod
    def of(cls, samples: Iterable[Sample], *, over_s: float, limit_pct: float) -> "ErrorRate":
        """The rate of the measured samples; of none it is not 0 but unknown."""
        measured = [sample for sample in samples if sample.measured()]
        return cls(
            errors=sum(not sample.ok for sample in measured), n=len(measured), over_s=over_s, limit_pct=limit_pct
        )

    @property
    def value_pct(self) -> float:
        """Errors in percent of the samples. Raises MeasurementFailed when there are none."""
        if self.n == 0:
            raise MeasurementFailed(f"no sample in the last {self.over_s:g} s: the error rate is not known")
        return 100 * self.errors / self.n

    @property
    def above_limit(self) -> bool:
        """It is seen to be above; an unknown rate is not."""
        return self.n > 0 and self.value_pct > self.limit_pct

    @property
    def measured(self) -> Measured:
        """Errors in percent of the samples. Raises MeasurementFailed when there are none."""
        return Measured(
            what="error rate of the incident",
            asked=f"above {self.limit_pct:g} %",
            value=self.value_pct,
            unit="%",
            n=self.n,
            margin=self.value_pct - self.limit_pct,
            definition=f"over {self.over_s:g} s",
            sentence=str(self),
        )

    def __str__(self) -> str:
        if self.n == 0:
            return "no samples"
        return f"{self.value_pct:.1f} % errors ({self.errors} of {self.n}, {self.over_s:g} s)"


@dataclass(frozen=True)
class Incident:
    """The incident that the rollback answers. Moments are monotonic seconds.

    ``started_s``, ``detected_s`` and ``seen`` are known in a drill only; ``release`` is what was running when it was seen.
    """

    description: str
    release: str
    started_s: float | None
    seen: ErrorRate
    observed: tuple[str, ...] = ()
    detected_s: float | None = None
    """When a criterion was seen to be broken."""


class Acted(Protocol):
    """What is known of every action against it. Times are monotonic seconds."""

    @property
    def decided_s(self) -> float:
        """When acting was decided: the recovery time counts from here."""

    @property
    def began_s(self) -> float:
        """When the first step began."""

    @property
    def finished_s(self) -> float:
        """When the last step was over."""
