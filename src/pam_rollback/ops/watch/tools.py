"""What a turn works with, and its journal while it is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pam_rollback.core import run_files
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.run_files import WATCH_RECORD, Event
from pam_rollback.http.event_log import EventLog, Line
from pam_rollback.ops.watch.looks import Look, Moment, Streaks
from pam_rollback.ops.watch.state import WatchState, state_of
from pam_rollback.report.watched_incident import IncidentNews, WatchedIncident

NOTES = "watch.txt"
"""In a run's folder: the latest lines that its watch said."""


@dataclass(frozen=True)
class WatchFiles:
    """The folder of one environment. ``redact`` takes secrets out of what is written."""

    folder: Path
    redact: Callable[[str], str] = str

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.folder / WATCH_RECORD

    def append(self, event: Event) -> None:
        """Write one event; returns when it is on the disk. Raises OSError."""
        self._log.append(event)

    def events(self) -> list[Event]:
        """All of it in order; a line that a kill cut short says nothing. Raises MeasurementFailed at one that cannot be read."""
        lines = [*self._log.lines()]
        for line in lines:
            if line.too_new:
                raise MeasurementFailed(line.too_new)
            if line.event is None and line.finished and not _is_cut_short(line):
                raise MeasurementFailed(
                    f"{self.journal}, line {line.number}: expected an event of a watch, found {line.found}; "
                    "restore the file, or move it away: then incidents that are open are told once more"
                )
        return [line.event for line in lines if line.event is not None]

    @property
    def _log(self) -> EventLog:
        return EventLog(self.journal, run_files.WATCH_FORMAT, self.redact)


def _is_cut_short(line: Line) -> bool:
    """A kill left its beginning, and the next event stands on a line of its own."""
    return not line.text or (line.text.startswith(b"{") and not line.text.endswith(b"}"))


Tell = Callable[[IncidentNews, WatchedIncident], str]
"""Tells one listener what happened to an incident; gives its reference. Raises whatever goes wrong."""


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
