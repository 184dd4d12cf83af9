"""What a turn works with, and its journal while it is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pam_rollback.base.run_files import Event
from pam_rollback.report.watched_incident import WatchedIncident
from pam_rollback.watch.files import WatchFiles
from pam_rollback.watch.looks import Look, Streaks
from pam_rollback.watch.state import WatchState, state_of
from pam_rollback.watch.turn import Moment

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
    every_s: float
    length_s: float
    """Infinite: until somebody stops it."""
    watched: tuple[str, ...]
    not_judged: tuple[str, ...]


@dataclass
class Book:
    """The journal of one turn: what it says stands in ``state``, and nothing is said twice in a row."""

    tools: WatchTools
    state: WatchState = field(default_factory=WatchState)
    _said: dict[str, str] = field(default_factory=dict)

    def read(self) -> None:
        """Begin with what the turns before wrote. Raises MeasurementFailed when that cannot be read."""
        self.state = state_of(self.tools.files.events())

    def write(self, now: Moment, kind: str, **facts: object) -> None:
        """Note it. A disk that does not take it is said."""
        event = Event(now.wall_s, kind, facts)
        try:
            self.tools.files.append(event)
        except OSError as problem:  # users are worth more than the record of what they were told
            self.say_once("disk", f"the journal cannot be written, and the next turn may tell things twice: {problem}")
        self.state = state_of([event], self.state)

    def say_once(self, about: str, what: str, line: str = "") -> None:
        """What was said before is not said again; nothing means that it is over. ``line`` says it with figures."""
        if what and self._said.get(about) != what:
            self.tools.say(line or what)
        self._said[about] = what
