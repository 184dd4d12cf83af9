"""A measure over time, whoever collected it: points that are known or unknown, and the protocol of everything that can give them.

Moments are ``time.monotonic()`` seconds of this machine, so that what different sources say can be laid side by side; a source whose clock
is another says how it translates. **Unknown is not zero**: an empty answer, not a number, an infinity, a hole, a restart and a time without
traffic each give a point that says why it is unknown, never one that is low.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Protocol

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.stats.histogram import Histogram, Latencies
from pam_rollback.stats.standing import Standing
from pam_rollback.stats.step_percentiles import StepPercentiles


class Quantity(StrEnum):
    """What is measured. The value ends in its unit; the first two are the measures of ``observation/window.py``."""

    ERROR_RATE_PCT = "error_rate_pct"
    """Share of answers that were errors."""
    LATENCY_P95_MS = "latency_p95_ms"
    """95th percentile of the time that answers took."""
    MEMORY_MB = "memory_mb"
    """What the process that holds most held, in MB of 10^6 bytes."""

    @property
    def unit(self) -> str:
        """The unit of values and limits."""
        return {"error_rate_pct": "%", "latency_p95_ms": "ms", "memory_mb": "MB"}[self.value]

    @property
    def words(self) -> str:
        """What people call it."""
        return {"error_rate_pct": "error rate", "latency_p95_ms": "response time", "memory_mb": "memory"}[self.value]


@dataclass(frozen=True)
class Answers:
    """Answers that were counted, and how many of them were errors. Counts are added up, shares never."""

    n: float
    bad: float
    unsure: float = 0
    """Requests that the client gave up: it went away, or nobody answered. They can be either."""

    def __post_init__(self) -> None:
        """Refuse what cannot be counts."""
        if not (
            math.isfinite(self.n) and self.n > 0 and self.bad >= 0 <= self.unsure and self.bad + self.unsure <= self.n
        ):
            raise ValueError(f"{self.bad} errors and {self.unsure} given up among {self.n} answers are no counts")

    @property
    def value(self) -> float:
        """The share in per cent of what certainly was an error."""
        return 100 * self.bad / self.n

    @property
    def definition(self) -> str:
        """How the value is made."""
        given_up = f", {self.unsure:g} more given up by clients" if self.unsure else ""
        return f"errors over all counted answers{given_up}"

    @property
    def bounds(self) -> str:
        """Between which values the truth lies; empty: counts are exact."""
        return f"between {self.value:.2f} and {100 * (self.bad + self.unsure) / self.n:.2f} %" if self.unsure else ""

    def standing(self, limit: float) -> Standing:
        """Whether the share is below ``limit`` per cent."""
        if 100 * self.bad >= limit * self.n:
            return Standing.REACHED
        return Standing.UNDECIDED if 100 * (self.bad + self.unsure) >= limit * self.n else Standing.BELOW


Evidence = Answers | Histogram | Latencies | StepPercentiles
"""What a point was made of, where it can be added up over a window. A gauge has none."""


@dataclass(frozen=True)
class Point:
    """The measure at a moment, or over the step that ended then."""

    at_s: float
    value: float | None
    """In the unit of the quantity; None when unknown, or when the evidence only bounds it."""
    why: str = ""
    """Why it is unknown."""
    evidence: Evidence | None = None

    def __post_init__(self) -> None:
        """Refuse a point that claims to be known and is not a number, or is unknown without a reason."""
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"a point cannot be {self.value}: what is not a number is unknown")
        if not self.known and not self.why:
            raise ValueError("an unknown point says why")

    @property
    def known(self) -> bool:
        """Whether it says anything about the measure."""
        return self.value is not None or self.evidence is not None

    def standing(self, limit: float) -> Standing:
        """Whether it is below the limit."""
        if self.evidence is not None:
            return self.evidence.standing(limit)
        if self.value is None:
            return Standing.UNDECIDED
        return Standing.REACHED if self.value >= limit else Standing.BELOW


def gauge(at_s: float, value: float, *, scale: float = 1.0) -> Point:
    """Make a point of what a source gave; NaN and infinities are unknown. ``scale`` turns its unit into ours."""
    if not math.isfinite(value):
        return Point(at_s, None, why=f"the source says {value}")
    return Point(at_s, value * scale)


def from_evidence(at_s: float, evidence: Evidence) -> Point:
    """Make a point of what was counted."""
    return Point(at_s, evidence.value, evidence=evidence)


@dataclass(frozen=True)
class Series:
    """A measure over time, in order of time. Raises MeasurementFailed when it is not in order."""

    quantity: Quantity
    where: str
    """Whose word it is, for messages."""
    step_s: float
    """How much time each point stands for."""
    points: tuple[Point, ...]
    restarts: tuple[float, ...] = ()
    """Moments at which a process was seen to have begun anew."""
    gone: tuple[str, ...] = ()
    """What was measured at first and is not any more while others are: replaced, or down."""

    def __post_init__(self) -> None:
        """Refuse what is not in order: moments that repeat or go back cannot be judged."""
        moments = [point.at_s for point in self.points]
        if any(later <= earlier for earlier, later in pairwise(moments)):
            raise MeasurementFailed(f"{self.where}: its moments are not in order of time")
        if not (math.isfinite(self.step_s) and self.step_s > 0):
            raise ValueError(f"a step takes some time, not {self.step_s} s")


class Source(Protocol):
    """Whoever can tell a measure over time."""

    @property
    def quantity(self) -> Quantity:
        """What it tells."""

    def read(self, since_s: float, until_s: float) -> Series:
        """Everything from after ``since_s`` until ``until_s``. Raises MeasurementFailed when the source does not answer, or nonsense."""


def pooled(points: Iterable[Point]) -> Evidence | None:
    """Add up what the points were made of; None when one of them has nothing to add, or there are none."""
    found: Evidence | None = None
    for piece in [point.evidence for point in points]:
        if piece is None:
            return None
        found = piece if found is None else _sum(found, piece)
    return found


def _sum(one: Evidence, other: Evidence) -> Evidence:
    if isinstance(one, Answers) and isinstance(other, Answers):
        return Answers(one.n + other.n, one.bad + other.bad, one.unsure + other.unsure)
    if isinstance(one, Histogram) and isinstance(other, Histogram):
        return one.plus(other)
    if isinstance(one, Latencies) and isinstance(other, Latencies):
        return Latencies((*one.values_ms, *other.values_ms))
    if isinstance(one, StepPercentiles) and isinstance(other, StepPercentiles):
        return StepPercentiles((*one.steps, *other.steps))
    raise TypeError(f"{type(one).__name__} and {type(other).__name__} cannot be added up")
