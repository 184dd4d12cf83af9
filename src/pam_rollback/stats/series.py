"""A measure over time, whoever collected it: points that are known or unknown, and the protocol of everything that can give them.

Moments are ``time.monotonic()`` seconds of this machine, so that what different sources say can be laid side by side; a source whose clock
is another says how it translates. **Unknown is not zero**: an empty answer, not a number, an infinity, a hole, a restart and a time without
traffic each give a point that says why it is unknown, never one that is low.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from itertools import pairwise
from typing import Protocol, Self

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.stats.percentiles import DEFINITION, nearest_rank


class Standing(StrEnum):
    """How what was measured stands to a limit: below it, at or above it, or not to be told."""

    BELOW = "below"
    REACHED = "reached"
    UNDECIDED = "undecided"


P95 = 95.0


@dataclass(frozen=True)
class Times:
    """Times of answers in ms, of which each is only known to lie between two values: how many there are between which.

    A bucket of a histogram has such a pair of edges; the percentiles of one step, which a provider gives that keeps neither values nor
    buckets, bound the values between them in the same way. What several steps tell is added up, and so lies the 95th percentile of all
    between the value of its rank if every time were the lowest that it may be, and if every one were the highest: that interval is the
    fact. It is below a limit only when the whole interval is; a limit inside cannot be told. (Percentiles cannot be averaged, and
    Prometheus' ``histogram_quantile`` would give the last edge for a time of which it is only known that it is longer.) A time exactly at
    an edge that is the limit counts as below it: a bucket cannot tell "at" from "below".
    """

    between: Mapping[tuple[float, float], int]

    def __post_init__(self) -> None:
        """Refuse none, fewer than none, and what is no length of time."""
        if not self.between or min(self.between.values()) <= 0:
            raise ValueError(f"there are no times, or fewer: {self.between}")
        if not all(0 <= low <= high and math.isfinite(low) for low, high in self.between):
            raise ValueError(f"a time lies between two lengths of time: {self.between}")

    @classmethod
    def from_cumulative(cls, up_to: Mapping[float, float]) -> Self:
        """Make one from counts of all values up to each edge (ms), as Prometheus keeps them; infinity is an edge.

        Raises MeasurementFailed when they contradict each other or say nothing.
        """
        edges = sorted(up_to)
        if not edges or edges[-1] != math.inf:
            raise MeasurementFailed('the buckets have no le="+Inf": how many answers there were in all is not known')
        if len(edges) == 1:
            raise MeasurementFailed('there is only the bucket le="+Inf": how long answers took is not known')
        counts = {(low, high): round(up_to[high]) - round(up_to.get(low, 0.0)) for low, high in pairwise([0.0, *edges])}
        if min(counts.values()) < 0:
            raise MeasurementFailed(f"the buckets contradict each other: fewer values up to a higher edge ({up_to})")
        if sum(counts.values()) == 0:
            raise MeasurementFailed("the buckets are empty: no answer was counted")
        return cls({edges: count for edges, count in counts.items() if count})

    @classmethod
    def of_step(cls, n: int, percentiles: Mapping[float, float]) -> Self:
        """Make one from the percentiles of ``n`` answers, of which the 95th must be known. What contradicts it does not count.

        Two percentiles of so few answers can be one answer: the longer one counts.
        """
        p95_ms = percentiles[P95]
        if not (math.isfinite(p95_ms) and p95_ms >= 0 and n > 0):
            raise ValueError(f"a percentile is a length of time over some answers: {n}, {percentiles}")
        at_rank = {nearest_rank(n, P95): p95_ms}
        for pct in sorted(percentiles, reverse=True):
            ms, rank = percentiles[pct], nearest_rank(n, pct)
            if (pct < P95 and 0 <= ms <= min(at_rank.values())) or (pct > P95 and p95_ms <= ms < math.inf):
                at_rank[rank] = max(ms, at_rank.get(rank, ms))
        between: Counter[tuple[float, float]] = Counter()
        below, low = 0, 0.0
        for rank, ms in sorted(at_rank.items()):
            between[low, ms] += rank - below - 1
            between[ms, ms] += 1
            below, low = rank, ms
        between[low, math.inf] += n - below
        return cls(dict(+between))

    @property
    def n(self) -> int:
        """How many times."""
        return sum(self.between.values())

    @property
    def value(self) -> float | None:
        """The 95th percentile, where it is known; None: only bounds are."""
        return self.at_least if self.at_least == self.at_most else None

    @property
    def at_least(self) -> float:
        """What the percentile certainly reaches."""
        return self._of_rank((low, count) for (low, _), count in self.between.items())

    @property
    def at_most(self) -> float:
        """What it certainly does not exceed; may be infinite."""
        return self._of_rank((high, count) for (_, high), count in self.between.items())

    @property
    def definition(self) -> str:
        """How the value is made."""
        return f"p95, {DEFINITION}, from buckets or percentiles of steps"

    @property
    def bounds(self) -> str:
        """Between which values the truth lies; empty where it is known."""
        if self.at_least == self.at_most:
            return ""
        endless = f"above {self.at_least:.4g} ms, nothing more is known"
        return endless if self.at_most == math.inf else f"between {self.at_least:.4g} and {self.at_most:.4g} ms"

    def standing(self, limit: float) -> Standing:
        """Whether the 95th percentile is below ``limit`` ms."""
        if self.at_least >= limit:
            return Standing.REACHED
        return Standing.UNDECIDED if self.at_most > limit else Standing.BELOW

    def plus(self, other: "Times") -> "Times":
        """Add others."""
        return Times(dict(Counter(self.between) + Counter(other.between)))

    def _of_rank(self, counted: Iterable[tuple[float, int]]) -> float:
        """Give the value of the percentile's rank."""
        left = nearest_rank(self.n, P95)
        for value, count in sorted(counted):
            left -= count
            if left <= 0:
                return value
        raise AssertionError("the rank is among the values")  # pragma: no cover


class Quantity(StrEnum):
    """What is measured. The value ends in its unit; the first two are the measures of ``probe/window.py``."""

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
    def at_least(self) -> float:
        """What the share certainly reaches: nobody knows what those got who gave up."""
        return self.value

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
        if self.value >= limit:
            return Standing.REACHED
        return Standing.UNDECIDED if 100 * (self.bad + self.unsure) >= limit * self.n else Standing.BELOW


Evidence = Answers | Times
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
    pieces = [point.evidence for point in points]
    known = [piece for piece in pieces if piece is not None]
    return reduce(_sum, known) if known and len(known) == len(pieces) else None


def _sum(one: Evidence, other: Evidence) -> Evidence:
    if isinstance(one, Times) and isinstance(other, Times):
        return one.plus(other)
    if isinstance(one, Answers) and isinstance(other, Answers):
        return Answers(one.n + other.n, one.bad + other.bad, one.unsure + other.unsure)
    raise TypeError(f"{type(one).__name__} and {type(other).__name__} cannot be added up")
