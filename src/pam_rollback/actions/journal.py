"""The append-only record of what an action did, written before and after each change.

What is owed for a change is written *before* the change is made: whoever is killed in between has left a note that a later run can
follow (``--undo RUN``).
"""

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pam_rollback.core.clock import Clock, SystemClock

ACTION_FAILED = "action-failed"
"""The event of an action that was not done although checks went on after it."""

_NUMBERING = threading.Lock()
"""Two threads that owe something at the same time must not owe it under the same number."""


@dataclass(frozen=True)
class Undo:
    """How to put one change back, as data and never as code. ``kind`` names the routine, ``facts`` are what it needs."""

    number: int
    kind: str
    facts: Mapping[str, Any]


class Journal:
    """One run's journal: a JSON object a line, each on the disk before the next thing happens."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.path = path
        self._clock = clock or SystemClock()

    def append(self, event: str, **facts: Any) -> None:
        """Write one event; returns when it is on the disk."""
        entry = {
            "at": self._clock.wall().isoformat(timespec="milliseconds"),
            "at_s": self._clock.monotonic_s(),
            "event": event,
            **facts,
        }
        line = (json.dumps(entry, ensure_ascii=False) + "\n").encode()
        # One write on a descriptor in append mode: a kill leaves a whole line or none.
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def owe(self, kind: str, facts: Mapping[str, Any]) -> Undo:
        """Note how to put the next change back, before it is made."""
        with _NUMBERING:
            undo = Undo(
                number=1 + sum(1 for entry in self.entries() if entry["event"] == "undo-owed"), kind=kind, facts=facts
            )
            self.append("undo-owed", number=undo.number, kind=kind, facts=dict(facts))
        return undo

    def settled(self, undo: Undo) -> None:
        """Note that the change was put back, and seen to be back."""
        self.append("undo-done", number=undo.number)

    def owed(self) -> list[Undo]:
        """What is still to be put back, the latest change first."""
        entries = self.entries()
        done = {entry["number"] for entry in entries if entry["event"] == "undo-done"}
        return [
            Undo(number=entry["number"], kind=entry["kind"], facts=entry["facts"])
            for entry in reversed(entries)
            if entry["event"] == "undo-owed" and entry["number"] not in done
        ]

    @property
    def action_began(self) -> bool:
        """The rollback was begun."""
        return any(entry["event"] == "action" for entry in self.entries())

    @property
    def failed_actions(self) -> list[str]:
        """Why actions were not done, one sentence each."""
        return [str(entry["problem"]) for entry in self.entries() if entry["event"] == ACTION_FAILED]

    def entries(self) -> list[dict[str, Any]]:
        """All events in order; a last line that a kill cut short is left out."""
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").split("\n")
        # What follows the last newline was never finished.
        return [json.loads(line) for line in lines[:-1]]
