"""What the journal of a watch says: incidents, who was told of which version of them, and what is still owed to whom."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic import TypeAdapter

from pam_rollback.core.run_files import WATCH_BEGAN, WATCH_ENDED, WATCH_LOOKED, Event
from pam_rollback.report.watched_incident import IncidentNews, WatchedIncident

BEGAN, ENDED, UNWATCHED = WATCH_BEGAN, WATCH_ENDED, "nobody-watched"
LOOKED = WATCH_LOOKED
"""A sign of life, now and then: whoever reads the journal sees that somebody watches."""
OPENED, UPDATED, CLOSED = "incident-opened", "incident-updated", "incident-closed"
TELLING, TOLD, FAILED = "telling", "told", "not-told"
INCIDENT = TypeAdapter(WatchedIncident)
"""An incident as the journal has it."""
NEWS: Mapping[str, IncidentNews] = {OPENED: "opened", UPDATED: "updated", CLOSED: "closed"}


@dataclass(frozen=True)
class Heard:
    """What one listener was told of one incident."""

    version: int = 0
    """0: nothing yet."""
    closed: bool = False
    reference: str = ""
    trying: str = ""
    """What it was being told when nobody saw how that ended."""
    missed: bool = False
    """It listened while the incident was open, and could not be told."""


@dataclass(frozen=True)
class Case:
    """One incident, its versions, and who heard of it."""

    incident: WatchedIncident
    version: int
    heard: Mapping[str, Heard] = field(default_factory=dict)


@dataclass(frozen=True)
class Telling:
    """One thing that is owed to one listener."""

    listener: str
    what: str
    incident: WatchedIncident
    version: int

    @property
    def news(self) -> IncidentNews:
        """What a listener is told."""
        return NEWS[self.what]


@dataclass(frozen=True)
class WatchState:
    """Where the watch stands."""

    cases: Mapping[str, Case] = field(default_factory=dict)
    """By key, those that are open and those that were closed."""
    latest: Event | None = None
    """The newest that was written down."""

    @property
    def open(self) -> Case | None:
        """The incident that lasts."""
        return next((case for case in self.cases.values() if case.incident.closed is None), None)

    def owed(self, listeners: Sequence[str]) -> list[Telling]:
        """What each of them has to be told now: that it was opened, then what is true by now, then that it is over."""
        found = []
        for case in self.cases.values():
            for listener in listeners:
                heard = case.heard.get(listener, Heard())
                what = _owed(case, heard)
                if what:
                    before = heard.trying == what
                    incident = replace(case.incident, reference=heard.reference, told_before=before)
                    found.append(Telling(listener, what, incident, case.version))
        return found


def _owed(case: Case, heard: Heard) -> str:
    if not heard.version:
        if case.incident.closed is None or heard.trying == OPENED:
            return OPENED
        # Whoever began to listen after it was over is told nothing of it; whoever could not be reached is told once that it was.
        return CLOSED if heard.missed else ""
    if case.incident.closed is not None:
        return "" if heard.closed else CLOSED
    return UPDATED if heard.version < case.version else ""


def state_of(events: Iterable[Event], before: WatchState | None = None) -> WatchState:
    """Fold the journal, or what came to it since ``before``. Raises KeyError and ValueError for what none wrote."""
    cases: dict[str, Case] = {**before.cases} if before else {}
    latest = before.latest if before else None
    for event in events:
        facts, latest = event.facts, event
        if event.kind in NEWS:
            incident = INCIDENT.validate_python(facts["incident"])
            known = cases.get(incident.key)
            version = known.version + 1 if known else 1
            cases[incident.key] = Case(incident, version, known.heard if known else {})
        elif event.kind in {TELLING, TOLD, FAILED} and facts["key"] in cases:
            case = cases[facts["key"]]
            heard = _heard(case.heard.get(facts["listener"], Heard()), event)
            cases[facts["key"]] = replace(case, heard={**case.heard, facts["listener"]: heard})
    return WatchState(cases, latest)


def _heard(before: Heard, event: Event) -> Heard:
    if event.kind == TELLING:
        return replace(before, trying=event.facts["what"])
    if event.kind == FAILED:
        return replace(before, trying="", missed=True)
    reference = event.facts["reference"] or before.reference
    return Heard(int(event.facts["version"]), event.facts["what"] == CLOSED, reference)


def key_of(environment: str, at: datetime) -> str:
    """The key of an incident that begins now."""
    return f"pam-{environment}-{at:%Y%m%dT%H%M%SZ}"
