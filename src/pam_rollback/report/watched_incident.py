"""An incident that a watch found: what listeners are told of it (``pytest_pam_incident``)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

IncidentNews = Literal["opened", "updated", "closed"]


class NotTold(Exception):  # noqa: N818 - named by what is known
    """Nothing of an incident was told, and that is certain: the next call has ``told_before`` false."""


@dataclass(frozen=True)
class CriterionSeen:
    """A decision criterion that asked for a rollback, in three looks in a row."""

    criterion: str
    """Plan item."""
    title: str
    words: str
    """What was found at the latest look, with figures."""
    since: datetime
    """The first of those looks, UTC."""


@dataclass(frozen=True)
class WatchedIncident:
    """One incident, as it is known now. Texts are without secrets."""

    key: str
    """The same for as long as it lasts, and no other incident's: letters, digits and hyphens."""
    environment: str
    recommendation: str
    """What to do: ROLL BACK NOW or CONSIDER A ROLLBACK; of one that is over, what was to be done last."""
    found: tuple[CriterionSeen, ...]
    """What asks for it, or did last, in the plan's order."""
    strategy: str
    """The plan item of the strategy to begin with."""
    strategy_title: str
    rehearsed: str
    """How long its recovery took in past drills, in words; empty where none is known."""
    command: str
    """What starts it; empty where there is no story for it."""
    opened: datetime
    seen: datetime
    """The latest look, UTC."""
    run: str
    """The watch's run."""
    closed: datetime | None = None
    """None while it lasts."""
    reference: str = ""
    """What this listener answered when it was told that the incident was opened."""
    told_before: bool = False
    """An earlier call of this hook may have got through, and nobody knows: look for ``key`` before anything is told."""
