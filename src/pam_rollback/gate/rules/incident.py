"""An incident as an earlier run recorded it, and whether the candidate brings it back."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.decision.rules.decision import State

OF_THE_SERVICE = ("IR-", "CR-", "SC-", "MT-", "HC-", "DI-")
"""Kinds of plan items that say how the service is; the others are about what people and the suite did."""
WORSE_UNDER_LOAD = (
    *("IR-2", "IR-4", "IR-5", "IR-6", "CR-1", "CR-5", "SC-1", "SC-2", "SC-3", "SC-5"),
    *("MT-1", "MT-2", "MT-3", "HC-"),
)
"""Plan items that a service may keep under a few requests and break under many."""
VOUCH = '--ack RP-2="who: evidence"'
"""How a person says that it stays away."""
_PERSON = "observed by a person: "


def of_the_service(criteria: Iterable[str]) -> tuple[str, ...]:
    """Those that a release can be held against, each once."""
    return tuple(dict.fromkeys(one for one in criteria if one.startswith(OF_THE_SERVICE)))


def asked_for_a_rollback(found: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The criteria of a decision that asked for a rollback, or to consider one. What was watched or not known is no incident.

    ``found``: each criterion with its state (``State``) in words, as a run record has them.
    """
    asking = (State.HOLDS, State.CONSIDER)
    return (criterion for criterion, state in found if state in asking)


def observed_in(notes: Iterable[str]) -> Iterator[str]:
    """The criteria that a person saw broken, from the notes of a run."""
    for note in notes:
        if note.startswith(_PERSON):
            yield note.removeprefix(_PERSON).partition("=")[0]


@dataclass(frozen=True)
class RecordedIncident:
    """What went red, in which run, and under which load."""

    run: str
    criteria: tuple[str, ...]
    rate_hz: float | None = None
    """The most requests a second that the back end had then; None where the run recorded none."""
    counted_by: str = ""
    """Who counted them."""
    users_counted: bool = False
    """Somebody counted what users asked. Without that, there may have been any number of requests."""
    others: tuple[str, ...] = ()
    """More runs in which something of it went red."""

    @property
    def runs(self) -> str:
        """All of them, in words."""
        return ", ".join((self.run, *self.others))

    def __str__(self) -> str:
        by = f" by {self.counted_by}" if self.counted_by else ""
        load = f", under {self.rate_hz:.4g} requests a second{by}" if self.rate_hz is not None else ""
        return f"the incident of run{'s' if self.others else ''} {self.runs} ({', '.join(self.criteria)}{load})"


def together(incidents: Sequence[RecordedIncident]) -> RecordedIncident:
    """What several runs recorded, the newest first, as one: under the most load, and with users counted wherever load matters."""
    loaded = [one for one in incidents if any(name.startswith(WORSE_UNDER_LOAD) for name in one.criteria)]
    most = max(incidents, key=lambda one: one.rate_hz or 0.0)
    return RecordedIncident(
        incidents[0].run,
        of_the_service(name for one in incidents for name in one.criteria),
        most.rate_hz,
        most.counted_by,
        users_counted=all(one.users_counted for one in loaded or incidents),
        others=tuple(one.run for one in incidents[1:]),
    )


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
class IncidentRetest(Sentence):
    """The incident, looked for on the candidate under its load."""

    incident: RecordedIncident
    release: str
    asked_hz: float
    """The load that was wanted: the incident's own, where that is known."""
    made_hz: float
    answers: int
    tried: tuple[CriterionRetest, ...]
    why_less: str = "this machine did not keep up"
    """What kept the load below the one that was wanted, should it be."""

    @property
    def gone(self) -> bool:
        """No criterion went red again. Raises MeasurementFailed when that is not known of all of them, and none did."""
        if self._of(RetestOutcome.BACK):
            return False
        if self._of(RetestOutcome.UNKNOWN) or not self.tried:
            raise MeasurementFailed(
                f"whether {self.incident} comes back is not known: {_listed(self._of(RetestOutcome.UNKNOWN))}"
            )
        under_load = [one.criterion for one in self.tried if one.criterion.startswith(WORSE_UNDER_LOAD)]
        if under_load and not self.incident.users_counted:
            raise MeasurementFailed(
                f"{self.incident} was looked for under {self.made_hz:.1f} requests a second, and nobody counted those of users then: "
                f"under more, {', '.join(under_load)} may still come back; vouch for it with {VOUCH}, "
                "or name a run that counted with --incident RUN"
            )
        if self.made_hz < 0.9 * self.asked_hz:
            raise MeasurementFailed(
                f"{self.incident} was looked for under {self.made_hz:.1f} requests a second, asked were {self.asked_hz:.1f}: "
                f"{self.why_less}, so it may still come back under the whole load; vouch for it with {VOUCH}, "
                "or ask where more can be made"
            )
        return True

    def _of(self, outcome: RetestOutcome) -> tuple[CriterionRetest, ...]:
        return tuple(one for one in self.tried if one.outcome is outcome)

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        back = ", ".join(one.criterion for one in self._of(RetestOutcome.BACK))
        return Figures(
            what=f"criteria of {self.incident.runs} that are red again",
            asked="none",
            measured=back or "none",
            n=self.answers,
            definition=f"{', '.join(self.incident.criteria)} under {self.made_hz:.1f} requests a second",
        )

    def __str__(self) -> str:
        load = f"{self.made_hz:.1f} requests a second, {self.answers} answers"
        if self._of(RetestOutcome.BACK):
            return f"{self.incident} comes back on release {self.release} ({load}): {_listed(self._of(RetestOutcome.BACK))}"
        return f"{self.incident} does not come back on release {self.release} ({load}): {_listed(self.tried)}"


def _listed(tried: Iterable[CriterionRetest]) -> str:
    return "; ".join(map(str, tried)) or "nothing of it was measured"
