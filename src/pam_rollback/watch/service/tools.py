"""What a turn works with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pam_rollback.environment.standing_consent import StandingConsent
from pam_rollback.report.watched_incident import WatchedIncident
from pam_rollback.watch.client.files import WatchFiles
from pam_rollback.watch.client.signature import Signed
from pam_rollback.watch.rules.consent import Use
from pam_rollback.watch.rules.looks import Look, Streaks
from pam_rollback.watch.rules.turn import Moment
from pam_rollback.watch.service.beside import Beside

Tell = Callable[[str, WatchedIncident], str]
"""Tells one listener by the named hook; gives its reference. Raises whatever goes wrong."""


@dataclass(frozen=True)
class Advised:
    """What is recommended of the criteria that ask."""

    recommendation: str
    strategy: str
    strategy_title: str
    rehearsed: str
    command: str


@dataclass(frozen=True)
class Prepared:
    """A rollback that could begin."""

    run: str
    folder: str
    """Of its run, for its evidence."""
    story: str
    command: Sequence[str]
    cwd: Path
    variables: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Consent:
    """What a person consented to when they started this watch, and whom else it needs."""

    again: str
    """The run that used it before, after which they consented once more."""
    entry: Callable[[], StandingConsent | None]
    """What the environment's file says now. Raises what goes wrong."""
    signed: Callable[[], Signed]
    locked: Callable[[], str]
    """Who has the environment's lock; empty when it is free."""
    prepare: Callable[[WatchedIncident, str], Prepared]
    """The incident, and by whose signature."""


@dataclass(frozen=True, kw_only=True)
class WatchTools:
    """All that a turn works with."""

    files: WatchFiles
    look: Callable[[], Look]
    """Looks once. What goes wrong in it is a look that proves nothing."""
    advise: Callable[[Sequence[str], Streaks], Advised]
    title: Callable[[str], str]
    """A criterion's title."""
    listeners: Mapping[str, Tell]
    now: Callable[[], Moment]
    pause: Callable[[float], None]
    """Lets time pass; raises StopRequested when a stop is asked for."""
    say: Callable[[str], None]
    environment: str
    run: str
    token: str
    every_s: float
    length_s: float
    """Infinite: until somebody stops it."""
    watched: tuple[str, ...]
    verdict: Callable[[str], str]
    """Of the run in that folder, in words; empty where there is none. Raises whatever goes wrong."""
    ways_on: Callable[[Use], str]
    """How a person finishes a rollback, and puts it back."""
    consent: Consent | None = None
    beside: Beside | None = None
    """The decision sessions for criteria that no look judges; None where there are none."""
