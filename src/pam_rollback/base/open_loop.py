"""How an open-loop schedule sends: each thing when it is due, whatever became of those before it.

Prober, ledger and load test share it. What cannot leave in time is recorded as never sent, and not made up for: a burst would be an attack.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

TOO_LATE_S = 1.0
"""Missed by more (the machine slept, the process was stopped), it does not leave any more."""


@dataclass(frozen=True)
class Ticks:
    """An even schedule: number ``i`` is due at ``first_s + i / rate_hz``, on absolute moments, so that no delay adds up."""

    first_s: float
    rate_hz: float

    def due_s(self, number: int) -> float:
        """When it has to leave."""
        return self.first_s + number / self.rate_hz


def why_not_sent(who: str, what: str, *, behind_s: float, out: int, out_max: int) -> str:
    """Why what is due now does not leave; empty when it does. ``out`` of ``what`` have no answer yet, and ``out_max`` may be so."""
    if behind_s > TOO_LATE_S:
        return f"overrun: the {who} was {behind_s:.1f} s behind"
    return f"overrun: {out} {what} are still out" if out >= out_max else ""


@dataclass(frozen=True)
class Sending:
    """What became of all that was due: how many left, how many of those late, and how many never did."""

    due: int
    late: int
    never: int
    latest_ms: float
    """The lag of what left last of all; 0 when nothing left."""

    @classmethod
    def of(cls, lags_ms: Iterable[float | None], *, late_ms: float) -> "Sending":
        """By how late each left; None, or not a number, when it never did."""
        lags = [*lags_ms]
        left = [lag for lag in lags if lag is not None and not math.isnan(lag)]
        return cls(len(lags), sum(lag > late_ms for lag in left), len(lags) - len(left), max(left, default=0.0))

    @property
    def left(self) -> int:
        """How many were sent, late or not."""
        return self.due - self.never
