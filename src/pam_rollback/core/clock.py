"""Time as a dependency, so that waits and windows can be tested without waiting."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the suite needs to know about time."""

    def monotonic_s(self) -> float:
        """Seconds that never jump, shared by all processes of one machine."""

    def wall(self) -> datetime:
        """The date and time in UTC, for people and records only."""

    def sleep(self, seconds: float) -> None:
        """Let that much time pass."""


class SystemClock:
    """The machine's clock."""

    def monotonic_s(self) -> float:
        """Seconds of CLOCK_MONOTONIC."""
        return time.monotonic()

    def wall(self) -> datetime:
        """Now, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Block this thread for so long."""
        time.sleep(seconds)
