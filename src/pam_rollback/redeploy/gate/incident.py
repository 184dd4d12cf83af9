"""An incident as an earlier run recorded it, and whether the candidate brings it back."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured

OF_THE_SERVICE = ("IR-", "CR-", "SC-", "MT-", "HC-", "DI-")
"""Kinds of plan items that say how the service is; the others are about what people and the suite did."""
WORSE_UNDER_LOAD = (
    *("IR-2", "IR-4", "IR-5", "IR-6", "CR-1", "CR-5", "SC-1", "SC-2", "SC-3", "SC-5"),
    *("MT-1", "MT-2", "MT-3", "HC-"),
)
"""Plan items that a service may keep under a few requests and break under many."""
VOUCH = '--ack RP-2="who: evidence"'
"""How a person says that it stays away."""


@dataclass(frozen=True)
class RecordedIncident:
    """What went red, and in which runs, the newest first."""

    runs: tuple[str, ...]
    criteria: tuple[str, ...]

    def __str__(self) -> str:
        return f"the incident of run{'s' * (len(self.runs) > 1)} {', '.join(self.runs)} ({', '.join(self.criteria)})"


class RetestOutcome(StrEnum):
    """What became of one criterion of the incident."""

    GONE = "gone"
    BACK = "back"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class CriterionRetest:
    """One criterion of the incident, measured on the candidate."""

    criterion: str
    outcome: RetestOutcome
    words: str

    def __str__(self) -> str:
        return f"{self.criterion}: {self.words}"


@dataclass(frozen=True, repr=False)
class IncidentRetest(Fact):
    """The incident, looked for on the candidate."""

    incident: RecordedIncident
    release: str
    tried: tuple[CriterionRetest, ...]
    loaded: bool
    """This gate puts the plan's load on the candidate."""

    @property
    def back(self) -> tuple[str, ...]:
        """The criteria that went red again. Raises MeasurementFailed when none did, and that is not known of all of them."""
        if again := self._of(RetestOutcome.BACK):
            return tuple(one.criterion for one in again)
        if self._of(RetestOutcome.UNKNOWN) or not self.tried:
            raise MeasurementFailed(
                f"whether {self.incident} comes back is not known: {_listed(self._of(RetestOutcome.UNKNOWN))}"
            )
        under_load = [one.criterion for one in self.tried if one.criterion.startswith(WORSE_UNDER_LOAD)]
        if under_load and not self.loaded:
            raise MeasurementFailed(
                f"{self.incident} was looked for without load, and no load test is declared here: under load, {', '.join(under_load)} may "
                f"still come back; vouch for it with {VOUCH}"
            )
        return ()

    def _of(self, outcome: RetestOutcome) -> tuple[CriterionRetest, ...]:
        return tuple(one for one in self.tried if one.outcome is outcome)

    @property
    def measured(self) -> Measured:
        """Which criteria are red again."""
        back = self._of(RetestOutcome.BACK)
        what = f"comes back on release {self.release}" if back else f"does not come back on release {self.release}"
        return Measured(
            what=f"criteria of {', '.join(self.incident.runs)} that are red again",
            asked="none",
            value=", ".join(one.criterion for one in back) or "none",
            n=len(self.tried),
            definition=", ".join(self.incident.criteria),
            sentence=f"{self.incident} {what}: {_listed(back or self.tried)}",
        )


def _listed(tried: Iterable[CriterionRetest]) -> str:
    return "; ".join(map(str, tried)) or "nothing of it was measured"
