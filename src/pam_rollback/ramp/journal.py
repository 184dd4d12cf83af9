"""The ramp's journal: one file for each environment, which outlives sessions. A JSON object a line, each on the disk before anything else.

What is to be done is written before it is done, and that it was done after it was seen to be: whoever is killed in between leaves a note by
which the next session neither leaves anything out nor does it twice.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pam_rollback.base import run_files
from pam_rollback.base.errors import Refused
from pam_rollback.base.run_files import Event
from pam_rollback.outside.event_log import EventLog, Line, append_line
from pam_rollback.ramp.state import RampEvent


@dataclass(frozen=True)
class RampJournal:
    """The file, and a clock of seconds since 1970. One session at a time writes: the environment's lock sees to it."""

    path: Path
    now_s: Callable[[], float]
    redact: Callable[[str], str] = str
    """Takes secrets out of what is written: what a product answers is quoted in it."""

    def begin(self) -> str:
        """Make the folder; take away a last line that a kill cut short, and note what it said. Gives that line, or nothing."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        whole = self.path.read_bytes() if self.path.exists() else b""
        end = whole.rfind(b"\n") + 1
        if end == len(whole):
            return ""
        torn = whole[end:].decode(errors="replace")
        os.truncate(self.path, end)
        self.append(RampEvent.TORN, line=torn)
        return torn

    def append(self, kind: str, **facts: Any) -> None:
        """Write one event; returns when it is on the disk."""
        self.write(self._log.line_of(Event(self.now_s(), kind, facts)))

    def write(self, line: bytes) -> None:
        """The line and, when it is the first, the file's name: on the disk."""
        append_line(self.path, line)

    def events(self) -> list[Event]:
        """All of it in order. Raises Refused at a line that cannot be read: a ramp is never guessed from half a journal."""
        # What follows the last newline was never finished.
        return [self._event(line) for line in self._log.lines() if line.finished]

    @property
    def _log(self) -> EventLog:
        return EventLog(self.path, run_files.RAMP_FORMAT, self.redact)

    def _event(self, line: Line) -> Event:
        if line.event is not None:
            return line.event
        where = f"{self.path}, line {line.number}"
        if line.too_new:
            raise Refused(f"{where}: {line.too_new}")
        raise Refused(
            f"{where}: expected an event of a ramp, found {line.found}; restore the file, or move it "
            "away: then the ramp is not known, and says how to go on"
        )
