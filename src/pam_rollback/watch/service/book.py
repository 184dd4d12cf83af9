"""The journal of a watch while it is written: what it says stands in ``state``, and nothing is said twice in a row."""

from dataclasses import dataclass, field

from pam_rollback.base.event import Event
from pam_rollback.watch.rules.state import WatchState, state_of
from pam_rollback.watch.rules.turn import Moment
from pam_rollback.watch.service.tools import WatchTools


@dataclass
class Book:
    """Of one turn."""

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
