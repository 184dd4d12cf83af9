"""What the reports of one test said, phase by phase."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
