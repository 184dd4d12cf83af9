"""The watch's journal of an environment: what happened, a JSON object a line."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pam_rollback.base import run_files
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.run_files import WATCH_RECORD, Event
from pam_rollback.outside.event_log import EventLog, Line

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
