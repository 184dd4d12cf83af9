"""All that is known of one incident, each part with what says so."""

from dataclasses import dataclass
from datetime import datetime

from pam_rollback.postmortem.rules.timeline import Event
from pam_rollback.report.aftermath import ToDo
from pam_rollback.report.run_record import Result, RunRecord


@dataclass(frozen=True)
class MomentKnown:
    """One moment of the incident; ``at`` is None where nobody saw it."""

    name: str
    at: datetime | None
    uncertain_s: float | None
    definition: str
    source: str


@dataclass(frozen=True)
class Collected:
    """One source that was asked for material: its files, or why there are none."""

    name: str
    files: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True)
class Action:
    """What was decided, by the journal."""

    strategy: str
    mode: str
    reason: str
    initiated_by: str
    targets: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Facts:
    """All that is known of one incident."""

    run: str
    situation: str
    environment: str
    host: str
    record: RunRecord | None
    no_record: str
    """Why there is none; empty where there is."""
    results: tuple[Result, ...]
    """What came of each test, also of a session that was killed before it wrote its record."""
    results_source: str
    action: Action | None
    moments: tuple[MomentKnown, ...]
    users: tuple[tuple[str, int, int], ...]
    """Journey, bad answers, all answers."""
    users_when: str
    """In which time; where there are none, why."""
    events: tuple[Event, ...]
    unfinished: tuple[str, ...]
    """Steps that began, and of whose end nothing is known."""
    changes: tuple[str, ...]
    """Commits between the two releases, one line each."""
    flags: tuple[tuple[str, str, str], ...]
    """Flag, before, after; those that differ."""
    collected: tuple[Collected, ...]
    issue: str = ""
    """Where the incident is in the tracker; empty where the journal does not say."""
    released: str = ""
    """Which release was bad, and which was gone back to."""
    to_dos: tuple[ToDo, ...] = ()
    """The plan's way back: what, its steps, until when."""
