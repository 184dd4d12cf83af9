"""A percentile from buckets, with the bounds of its error, and one from the values themselves.

A histogram knows only how many values lie above one edge and up to the next. So the 95th percentile (nearest rank, as everywhere here) is
known to lie in one bucket: above its lower edge, at most its upper one. That interval is the fact; the single number beside it is
interpolated, as if the values were spread evenly over the bucket (what Prometheus' ``histogram_quantile`` does too), and decides nothing.
Whether the percentile is below a limit follows from counts alone: certainly when too few values can lie above the limit, certainly not
when too many do, and it cannot be told when the limit lies inside the bucket. The last bucket has no upper edge: a percentile in it is
above its lower edge, and no more is known; ``histogram_quantile`` gives that lower edge, which would make a slow service look fast.
A value exactly at an edge that is the limit counts as below it: the bucket cannot tell "at" from "below".
"""

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.stats.percentiles import DEFINITION, nearest_rank
from pam_rollback.stats.standing import Standing

P95 = 95.0


@dataclass(frozen=True)
class Histogram:
    """Counts of values between edges. ``counts`` has one more than ``edges_ms``: what lies above the last edge."""

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


@dataclass(frozen=True)
class Latencies:
    """The values themselves, as the prober has them."""

    values_ms: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse none, and what is no length of time."""
        if not self.values_ms or not all(math.isfinite(value) and value >= 0 for value in self.values_ms):
            raise ValueError("latencies are lengths of time, and there is one at least")

    @property
    def n(self) -> int:
        """How many values."""
        return len(self.values_ms)

    @property
    def value(self) -> float:
        """The 95th percentile."""
        return sorted(self.values_ms)[nearest_rank(self.n, P95) - 1]

    @property
    def definition(self) -> str:
        """How the value is made."""
        return f"p95, {DEFINITION}"

    @property
    def bounds(self) -> str:
        """Between which values the truth lies; empty: the values are exact."""
        return ""

    def standing(self, limit: float) -> Standing:
        """Whether the 95th percentile is below ``limit`` ms."""
        return Standing.REACHED if self.value >= limit else Standing.BELOW
