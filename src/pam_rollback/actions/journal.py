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

from pam_rollback.core import formats
from pam_rollback.core.clock import Clock, SystemClock

ACTION_FAILED = "action-failed"
"""The event of an action that was not done although checks went on after it."""
ACTION = "action"
"""The event of an action that was decided on: strategy, environment, who, why and when."""
TARGET = "target"
"""The event of a target that was found or given: what the action brings about."""
WARNING = "warning"
"""The event of something that is wrong and does not keep a rollback from going on, such as a lock out of reach."""
SWITCHED_ON = "features-switched-on"
"""The event of features that the gate switches on to try them, and puts back."""
RESUMED = "resumed"
UNDOING = "undoing"
FINISHED = "action-finished"
"""The event of an action that was done to its end."""

_ONE_AT_A_TIME = threading.Lock()
"""Steps run side by side, each with a journal object of its own."""


@dataclass(frozen=True)
class Undo:
    """How to put one change back, as data and never as code. ``kind`` names the routine, ``facts`` are what it needs."""

    number: int
    kind: str
    facts: Mapping[str, Any]
    place: str = ""
    """What was changed, where one kind of change is possible in several places."""


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
            **(formats.stamp(formats.JOURNAL) if self._begins(event) else {}),
            **facts,
        }
        line = (json.dumps(entry, ensure_ascii=False) + "\n").encode()
        # One write on a descriptor in append mode, also when several threads write: a kill leaves a whole line or none.
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _begins(self, event: str) -> bool:
        """Whether this line is a session's first, which says in which format and by which version it is written."""
        return event in {RESUMED, UNDOING} or not self.path.exists() or self.path.stat().st_size == 0

    @property
    def too_new(self) -> str:
        """Why this version cannot read it, and which one to install; empty when it can."""
        return formats.any_too_new(self.entries(), formats.JOURNAL)

    @property
    def written_by(self) -> str:
        """The version of the suite that wrote its latest part; empty for the first, which did not say so."""
        versions = [str(entry[formats.WRITTEN_BY]) for entry in self.entries() if formats.WRITTEN_BY in entry]
        return versions[-1] if versions else ""

    def owe(self, kind: str, facts: Mapping[str, Any], *, place: str = "") -> Undo:
        """Note how to put the next change back, before it is made.

        What is owed already, for the same kind and place, stays as it is: the state after one's own change is not the state before it.
        """
        with _ONE_AT_A_TIME:
            known = next((undo for undo in reversed(self.owed()) if (undo.kind, undo.place) == (kind, place)), None)
            if known is not None:
                return known
            number = 1 + sum(1 for entry in self.entries() if entry["event"] == "undo-owed")
            self.append("undo-owed", number=number, kind=kind, place=place, facts=dict(facts))
            return Undo(number, kind, facts, place)

    def settled(self, undo: Undo) -> None:
        """Note that the change was put back, and seen to be back."""
        self.append("undo-done", number=undo.number)

    def owed(self) -> list[Undo]:
        """What is still to be put back, the latest change first."""
        entries = self.entries()
        done = {entry["number"] for entry in entries if entry["event"] == "undo-done"}
        return [
            Undo(entry["number"], entry["kind"], entry["facts"], entry.get("place", ""))
            for entry in reversed(entries)
            if entry["event"] == "undo-owed" and entry["number"] not in done
        ]

    def warn(self, about: str, problem: str) -> None:
        """Note what is wrong and does not keep a rollback from going on."""
        self.append(WARNING, about=about, problem=problem)

    @property
    def warnings(self) -> list[str]:
        """What was wrong and did not keep the rollback from going on, one sentence each."""
        return [f"{entry['about']}: {entry['problem']}" for entry in self.entries() if entry["event"] == WARNING]

    def latest(self, event: str, **facts: Any) -> dict[str, Any] | None:
        """The last event of that name, with these facts; None when there is none."""
        return next(
            (
                entry
                for entry in reversed(self.entries())
                if entry["event"] == event and all(entry.get(name) == value for name, value in facts.items())
            ),
            None,
        )

    def left_open(self, step: str) -> bool:
        """Whether the step began, alone or as part of a larger action, and no end of it was written: its session was killed meanwhile."""
        ended = {"step-started": False, "step-done": True, "step-failed": True}
        states = [
            ended[entry["event"]]
            for entry in self.entries()
            if entry["event"] in ended and str(entry["step"]).endswith(step)
        ]
        return bool(states) and not states[-1]

    @property
    def action_began(self) -> bool:
        """The rollback was begun."""
        return any(entry["event"] == ACTION for entry in self.entries())

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

    def go_on(self) -> None:
        """Take away a last line that a kill cut short, so that what a resumed run writes stands in lines of its own."""
        if not self.path.exists():
            return
        whole = self.path.read_bytes()
        end = whole.rfind(b"\n") + 1
        if end < len(whole):
            os.truncate(self.path, end)
