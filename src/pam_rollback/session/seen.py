"""What the reports of one test said, phase by phase."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from pam_rollback.report.verdict import Outcome, worst


@dataclass
class Seen:
    """What the reports of one test said so far."""

    nodeid: str
    properties: dict[str, Any] = field(default_factory=dict)
    figures: list[Mapping[str, Any]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    messages: dict[Outcome, str] = field(default_factory=dict)
    """The first of each outcome."""
    causes: dict[Outcome, str] = field(default_factory=dict)
    """What stood in the way, as was told with these; empty where nothing was."""
    duration_s: float = 0.0
    body_ran: bool = False

    @property
    def criteria(self) -> list[str]:
        """The plan items that it serves."""
        return str(self.properties.get("criterion", "")).split()

    def say(self, outcome: Outcome, message: str = "", cause: str = "") -> None:
        """One phase came to this."""
        self.outcomes.append(outcome)
        if message and outcome not in self.messages:
            self.messages[outcome], self.causes[outcome] = message, cause

    @property
    def was_heard(self) -> bool:
        """It ran, and nobody kept it from saying what it came to."""
        return bool(self.outcomes) and Outcome.NOT_RUN not in self.outcomes

    @property
    def message(self) -> str:
        """What was said of what it came to: why an undo failed, and not what the test had found before."""
        return self.messages.get(self.outcome, "") or next(iter(self.messages.values()), "")

    @property
    def outcome(self) -> Outcome:
        """The worst of what was said; a test whose body never ran to its end did not pass."""
        bad = [outcome for outcome in self.outcomes if outcome is not Outcome.PASSED]
        if bad:
            code = worst(outcome.exit_code for outcome in bad)
            return next(outcome for outcome in bad if outcome.exit_code is code)
        return Outcome.PASSED if Outcome.PASSED in self.outcomes else Outcome.NOT_RUN


DIED: Final = "the process that ran it died"


def tell(folder: Path, worker: str, items: Iterable[pytest.Item]) -> None:
    """Leave each test's properties in the run's folder. Where no disk takes them, a test has none until it is reported."""
    properties = {item.nodeid: dict(item.user_properties) for item in items}
    with suppress(OSError):
        _file(folder, worker).write_text(json.dumps(properties, default=str), encoding="utf-8")


def told(folder: Path, worker: str) -> dict[str, dict[str, Any]]:
    """What that worker left, by the test's id; it is gone then."""
    file = _file(folder, worker)
    try:
        found: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        file.unlink()
    except (OSError, ValueError):
        return {}
    return found


def _file(folder: Path, worker: str) -> Path:
    return folder / f".collected-{worker}.json"
