"""The ramp's journal: one file for each environment, which outlives sessions. A JSON object a line, each on the disk before anything else.

What is to be done is written before it is done, and that it was done after it was seen to be: whoever is killed in between leaves a note by
which the next session neither leaves anything out nor does it twice.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pam_rollback.base import formats
from pam_rollback.base.errors import Refused
from pam_rollback.base.outside_text import cut
from pam_rollback.base.strict_json import read_json
from pam_rollback.outside.durable import append_line
from pam_rollback.ramp.rules.state import TORN, Event

_OWN = ("at", "at_s", "event", formats.FIELD, formats.WRITTEN_BY)
_SHOWN = 120


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
        self.append(TORN, line=torn)
        return torn

    def append(self, kind: str, **facts: Any) -> None:
        """Write one event; returns when it is on the disk."""
        at_s = self.now_s()
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds"),
            "at_s": at_s,
            "event": kind,
        }
        if not self.path.exists() or self.path.stat().st_size == 0:
            entry |= formats.stamp(formats.RAMP)
        self.write((self.redact(json.dumps({**entry, **facts}, ensure_ascii=False)) + "\n").encode())

    def write(self, line: bytes) -> None:
        """The line and, when it is the first, the file's name: on the disk."""
        append_line(self.path, line)

    def events(self) -> list[Event]:
        """All of it in order. Raises Refused at a line that cannot be read: a ramp is never guessed from half a journal."""
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().split(b"\n")
        # What follows the last newline was never finished.
        return [self._event(number, line) for number, line in enumerate(lines[:-1], start=1)]

    def _event(self, number: int, line: bytes) -> Event:
        try:
            entry = read_json(line)
            if problem := formats.too_new(entry, formats.RAMP):
                raise Refused(f"{self.path}, line {number}: {problem}")
            return Event(
                float(entry["at_s"]),
                str(entry["event"]),
                {name: value for name, value in entry.items() if name not in _OWN},
            )
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            found = cut(line.decode("utf-8", "replace"), _SHOWN)
            raise Refused(
                f"{self.path}, line {number}: expected an event of a ramp, found {found!r}; restore the file, or move it "
                "away: then the ramp is not known, and says how to go on"
            ) from None
