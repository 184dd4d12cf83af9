"""The watch's files of an environment: its journal (what happened, a JSON object a line) and its lease (whose turn it is)."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pam_rollback.base import formats
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.event import Event
from pam_rollback.base.run_files import WATCH_LEASE, WATCH_RECORD
from pam_rollback.base.strict_json import read_json
from pam_rollback.outside.durable import make_private
from pam_rollback.outside.event_log import EventLog, Line
from pam_rollback.watch.rules.turn import Lease

NOTES = "watch.txt"
"""In a run's folder: the latest lines that its watch said."""
_LOCK = "watch.lock"
_OWNER_ONLY = 0o600


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
        return EventLog(self.journal, formats.WATCH, self.redact)

    def lease(self) -> Lease | None:
        """Whose turn it is; None where nobody's was, or where it cannot be read."""
        try:
            facts = read_json((self.folder / WATCH_LEASE).read_bytes())
            return Lease(
                str(facts["token"]), str(facts["run"]), int(facts["beat"]), facts["ended"] is True, float(facts["at_s"])
            )
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write_lease(self, lease: Lease) -> None:
        """Say that it is ours, and when we looked. Raises OSError."""
        make_private(self.folder)
        new = self.folder / f"{WATCH_LEASE}.{os.getpid()}"
        new.write_text(json.dumps(asdict(lease)), encoding="utf-8")
        new.replace(self.folder / WATCH_LEASE)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else on this machine, or on a shared folder that knows locks, looks at the lease meanwhile."""
        make_private(self.folder)
        descriptor = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
        try:
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _is_cut_short(line: Line) -> bool:
    """A kill left its beginning, and the next event stands on a line of its own."""
    return not line.text or (line.text.startswith(b"{") and not line.text.endswith(b"}"))
