"""Whether users stayed signed in (RPO-3). Where the plan allows sessions to be lost, nobody asks: then they have to be renewable."""

from collections.abc import Iterable
from dataclasses import dataclass

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Sentence
from pam_rollback.observation.samples import Sample

_UNAUTHORIZED = 401


@dataclass(repr=False, frozen=True)
class KeptSessions(Sentence):
    """How often the session of the probes was refused (HTTP 401) although nobody had signed out."""

    loss_allowed: bool
    refused: int = 0
    n: int = 0

    @classmethod
    def of(cls, samples: Iterable[Sample], *, loss_allowed: bool) -> "KeptSessions":
        """Count in the answers to the probes of a signed-in account."""
        answered = [sample for sample in samples if sample.status is not None and not sample.void]
        return cls(loss_allowed, sum(sample.status == _UNAUTHORIZED for sample in answered), len(answered))

    @property
    def as_allowed(self) -> bool:
        """None was lost, or some may be. Raises MeasurementFailed when none may be and nothing was seen."""
        if self.loss_allowed:
            return True
        if not self.n:
            raise MeasurementFailed(
                "the plan allows no session to be lost (RPO-3), and no probe with a session was answered"
            )
        return not self.refused

    def __str__(self) -> str:
        if self.loss_allowed:
            return "sessions may be lost: users sign in again"
        return (
            f"{self.refused} of {self.n} probes were told that their session is not known (HTTP 401); "
            "the plan allows no session to be lost"
        )
