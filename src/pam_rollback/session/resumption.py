"""When things happened in an earlier run, told by this session's clock.

Monotonic seconds are exact and mean nothing after a restart of the machine, or on another one; the date is there for that case.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_CLOCKS_AGREE_S = 5.0
"""By more than this the two clocks of one machine do not drift apart between a kill and its resumption: it is another boot, or machine."""


@dataclass(frozen=True)
class Resumption:
    """A run that goes on. Moments are monotonic seconds of this session; those before it may lie below zero."""

    decided_s: float
    planted_s: float | None
    """When its drill planted the incident; None in a real rollback."""
    interrupted_s: float
    """The last that is known of the earlier session."""
    resumed_s: float
    reason: str

    @property
    def gap_s(self) -> float:
        """For how long nobody watched."""
        return max(0.0, self.resumed_s - self.interrupted_s)


def moment_s(entry: Mapping[str, Any], recorded_s: float, *, now_s: float, now: datetime) -> float:
    """Give a monotonic moment of an earlier session by this session's clock. ``entry`` is the journal's line that has it."""
    since_by_date_s = (now - datetime.fromisoformat(entry["at"])).total_seconds()
    since_by_monotonic_s = now_s - float(entry["at_s"])
    if abs(since_by_date_s - since_by_monotonic_s) <= _CLOCKS_AGREE_S:
        return recorded_s
    return now_s - since_by_date_s + (recorded_s - float(entry["at_s"]))
