"""A measure over time, whoever collected it: points that are known or unknown, and the protocol of everything that can give them.

Moments are ``time.monotonic()`` seconds of this machine, so that what different sources say can be laid side by side; a source whose clock
is another says how it translates. **Unknown is not zero**: an empty answer, not a number, an infinity, a hole, a restart and a time without
traffic each give a point that says why it is unknown, never one that is low.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Protocol

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.stats.percentiles import DEFINITION, nearest_rank


class Standing(StrEnum):
    """How what was measured stands to a limit: below it, at or above it, or not to be told."""

    BELOW = "below"
    REACHED = "reached"
    UNDECIDED = "undecided"


P95 = 95.0


@dataclass(frozen=True)
class Histogram:
    """Counts of values between edges. ``counts`` has one more than ``edges_ms``: what lies above the last edge.

    The 95th percentile lies in one bucket: above its lower edge, at most its upper one. That interval is the fact; the number beside it is
    interpolated, as Prometheus' ``histogram_quantile`` does, and decides nothing. Whether it is below a limit follows from counts alone:
    certainly when too few values can lie above the limit, certainly not when too many do, and it cannot be told when the limit lies inside
    the bucket. The last bucket has no upper edge: ``histogram_quantile`` gives its lower one, which would make a slow service look fast. A
    value exactly at an edge that is the limit counts as below it: the bucket cannot tell "at" from "below".
    """

    edges_ms: tuple[float, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what is no histogram, or an empty one: nothing follows from nothing."""
        rising = all(low < high for low, high in pairwise(self.edges_ms))
        if not self.edges_ms or not rising or not all(map(math.isfinite, self.edges_ms)) or self.edges_ms[0] <= 0:
            raise ValueError(f"edges rise from above 0, and there is one at least: {self.edges_ms}")
        if len(self.counts) != len(self.edges_ms) + 1 or min(self.counts) < 0 or sum(self.counts) == 0:
            raise ValueError(f"{self.counts} are no counts for {len(self.edges_ms)} edges")

    @classmethod
    def from_cumulative(cls, up_to: Mapping[float, float]) -> "Histogram":
        """Make one from counts of all values up to each edge (ms), as Prometheus keeps them; infinity is an edge.

        Raises MeasurementFailed when they contradict each other or say nothing.
        """
        edges = sorted(up_to)
        if not edges or edges[-1] != math.inf:
            raise MeasurementFailed('the buckets have no le="+Inf": how many answers there were in all is not known')
        if len(edges) == 1:
            raise MeasurementFailed('there is only the bucket le="+Inf": how long answers took is not known')
        cumulative = [0, *(round(up_to[edge]) for edge in edges)]
        counts = tuple(later - earlier for earlier, later in pairwise(cumulative))
        if min(counts) < 0:
            raise MeasurementFailed(f"the buckets contradict each other: fewer values up to a higher edge ({up_to})")
        if sum(counts) == 0:
            raise MeasurementFailed("the buckets are empty: no answer was counted")
        return cls(tuple(edges[:-1]), counts)

    @property
    def n(self) -> int:
        """How many values."""
        return sum(self.counts)

    @property
    def interval_ms(self) -> tuple[float, float]:
        """The edges of the bucket that holds the 95th percentile: above the first, at most the second, which may be infinite."""
        index, _ = self._bucket_of_rank()
        return self._edges(index)

    @property
    def value(self) -> float | None:
        """The 95th percentile, interpolated; None when it lies above the last edge."""
        index, place = self._bucket_of_rank()
        low, high = self._edges(index)
        return None if high == math.inf else low + (high - low) * place / self.counts[index]

    @property
    def at_least(self) -> float:
        """What the percentile certainly reaches: the lower edge of its bucket."""
        return self.interval_ms[0]

    @property
    def definition(self) -> str:
        """How the value is made."""
        return f"p95, {DEFINITION} from buckets, interpolated inside one, {self.bounds}"

    @property
    def bounds(self) -> str:
        """Between which values the truth lies."""
        low, high = self.interval_ms
        return f"above {low:g} ms, nothing more is known" if high == math.inf else f"between {low:g} and {high:g} ms"

    def standing(self, limit: float) -> Standing:
        """Whether the 95th percentile is below ``limit`` ms."""
        others = self.n - nearest_rank(self.n, P95)
        """So many values may lie above the percentile."""
        buckets = [(self._edges(index), count) for index, count in enumerate(self.counts)]
        certainly_above = sum(count for (low, _), count in buckets if low >= limit)
        perhaps_above = sum(count for (_, high), count in buckets if high > limit)
        if certainly_above > others:
            return Standing.REACHED
        return Standing.UNDECIDED if perhaps_above > others else Standing.BELOW

    def plus(self, other: "Histogram") -> "Histogram":
        """Add another one up. Where their edges differ, as after a change of release, only those that both have remain.

        Raises MeasurementFailed when they have none in common.
        """
        common = tuple(edge for edge in self.edges_ms if edge in other.edges_ms)
        if not common:
            raise MeasurementFailed(f"buckets at {self.edges_ms} and at {other.edges_ms} ms cannot be added up")
        sums = zip(self.coarsened(common), other.coarsened(common), strict=True)
        return Histogram(common, tuple(one + another for one, another in sums))

    def coarsened(self, edges_ms: tuple[float, ...]) -> list[int]:
        """Give the counts between fewer edges, which are all among its own."""
        counts = [0] * (len(edges_ms) + 1)
        for index, count in enumerate(self.counts):
            counts[bisect_left(edges_ms, self._edges(index)[1])] += count
        return counts

    def _edges(self, index: int) -> tuple[float, float]:
        low = self.edges_ms[index - 1] if index else 0.0
        return low, self.edges_ms[index] if index < len(self.edges_ms) else math.inf

    def _bucket_of_rank(self) -> tuple[int, int]:
        """Give the bucket that holds the rank, and the rank's place in it, from 1."""
        place = nearest_rank(self.n, P95)
        for index, count in enumerate(self.counts):
            if place <= count:
                return index, place
            place -= count
        raise AssertionError("the rank is among the values")  # pragma: no cover


_P50, _P75, _P90, _P95, _P99 = 50.0, 75.0, 90.0, 95.0, 99.0


@dataclass(frozen=True)
class Step:
    """One step: how many answers it had, and their percentiles in ms where known. What contradicts the 95th does not count."""

    n: int
    p95_ms: float
    p50_ms: float = math.nan
    p99_ms: float = math.nan
    p75_ms: float = math.nan
    p90_ms: float = math.nan

    def __post_init__(self) -> None:
        """Refuse what is no length of time or no count."""
        if not (math.isfinite(self.p95_ms) and self.p95_ms >= 0 and self.n > 0):
            raise ValueError(f"a percentile is a length of time over some answers: {self}")

    def at_most(self, limit: float) -> int:
        """So many of its answers, and no more, can be at or above the limit."""
        return min((_others(self.n, pct) for pct, ms in self._known() if ms < limit), default=self.n)

    def at_least(self, limit: float) -> int:
        """So many of its answers certainly are at or above the limit."""
        return max((_others(self.n, pct) + 1 for pct, ms in self._known() if ms >= limit), default=0)

    @property
    def told_ms(self) -> tuple[float, ...]:
        """The percentiles that count."""
        return tuple(ms for _, ms in self._known())

    def _known(self) -> Iterator[tuple[float, float]]:
        yield _P95, self.p95_ms
        for pct, ms in ((_P50, self.p50_ms), (_P75, self.p75_ms), (_P90, self.p90_ms)):
            if 0 <= ms <= self.p95_ms:
                yield pct, ms
        if self.p95_ms <= self.p99_ms < math.inf:
            yield _P99, self.p99_ms


@dataclass(frozen=True)
class StepPercentiles:
    """The percentiles of all steps of a window: what a provider gives that keeps neither values nor buckets.

    They cannot be averaged, but each says how many answers of its step lie above it: of ``n`` answers of a step whose 95th percentile is
    below the limit at most a twentieth is at or above it, else at least one more than a twentieth. Added up, that tells whether the 95th
    percentile of the window is below the limit, or not, or that it cannot be told. With the 95th alone one slow step among twenty fast ones
    leaves it open; the lower percentiles of the slow step and the 99th of the fast ones tell.
    """

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        """Refuse none."""
        if not self.steps:
            raise ValueError("there is no step, and so there are no percentiles")

    @property
    def n(self) -> int:
        """How many answers in all."""
        return sum(step.n for step in self.steps)

    @property
    def value(self) -> float | None:
        """The percentile where all steps have the same; None: only bounds are known."""
        lowest, highest = self._range
        return lowest if lowest == highest else None

    @property
    def at_least(self) -> float:
        """What the percentile certainly reaches: the highest one that was told of a step which more answers reach than may."""
        told = sorted({ms for step in self.steps for ms in step.told_ms})
        # The higher one asks, the fewer answers reach it.
        beyond = bisect_left(told, 1, key=lambda ms: int(self.standing(ms) is not Standing.REACHED))
        return told[beyond - 1] if beyond else 0.0

    @property
    def definition(self) -> str:
        """How the value is made."""
        return f"p95, {DEFINITION} of each of {len(self.steps)} steps"

    @property
    def bounds(self) -> str:
        """Between which values the truth lies."""
        lowest, highest = self._range
        return "" if lowest == highest else f"between {lowest:.4g} and {highest:.4g} ms"

    def standing(self, limit: float) -> Standing:
        """Whether the 95th percentile of all answers is below ``limit`` ms."""
        others = _others(self.n, _P95)
        """So many answers may lie at or above the limit."""
        if sum(step.at_least(limit) for step in self.steps) > others:
            return Standing.REACHED
        return Standing.BELOW if sum(step.at_most(limit) for step in self.steps) <= others else Standing.UNDECIDED

    @property
    def _range(self) -> tuple[float, float]:
        values = [step.p95_ms for step in self.steps]
        return min(values), max(values)


def _others(n: int, pct: float) -> int:
    return n - nearest_rank(n, pct)


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


Evidence = Answers | Histogram | StepPercentiles
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
    if isinstance(one, StepPercentiles) and isinstance(other, StepPercentiles):
        return StepPercentiles((*one.steps, *other.steps))
    raise TypeError(f"{type(one).__name__} and {type(other).__name__} cannot be added up")
