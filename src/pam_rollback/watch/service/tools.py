"""What a turn works with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pam_rollback.report.watched_incident import WatchedIncident
from pam_rollback.watch.client.files import WatchFiles
from pam_rollback.watch.rules.looks import Look, Streaks
from pam_rollback.watch.rules.turn import Moment

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
