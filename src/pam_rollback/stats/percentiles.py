"""Percentiles by nearest rank, always together with the number of values that they come from.

Definition: the p-th percentile of n values is the smallest of them that is not exceeded by at least p percent of them,
which is the value at rank ceil(p / 100 * n) of the sorted list. It is always a value that was measured; nothing is
interpolated.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.stats.binomial import at_least, at_most

DEFINITION = "nearest rank"

_WHOLE_PCT = 100


@dataclass(frozen=True, slots=True)
class Percentile:
    """A percentile and what it rests on. The unit is that of the values."""

    pct: float
    value: float
    n: int

    def __str__(self) -> str:
        """For people: ``p95 112.0 (n=900, nearest rank)``."""
        return f"p{self.pct:g} {self.value:.1f} (n={self.n}, {DEFINITION})"


def nearest_rank(n: int, pct: float) -> int:
    """Give the rank, from 1, of the ``pct``-th percentile among ``n`` values.

    ValueError unless 0 < pct <= 100 and n > 0.
    """
    if not 0 < pct <= _WHOLE_PCT:
        raise ValueError(f"a percentile lies above 0 and not above 100, this is {pct}")
    if n < 1:
        raise ValueError(f"there is no rank among {n} values")
    # Exact: in floating point 99.9 % of 1000 values would be rank 1000 instead of 999.
    return math.ceil(Fraction(str(pct)) * n / _WHOLE_PCT)


def percentile(values: Iterable[float], pct: float) -> Percentile:
    """Give the ``pct``-th percentile of ``values`` by nearest rank.

    Raises MeasurementFailed when there are no values or one of them is not a finite number: both mean that we do not
    know.
    """
    ordered = sorted(values)
    if not ordered:
        raise MeasurementFailed(f"p{pct:g} of no values at all: nothing was measured")
    if not all(map(math.isfinite, ordered)):
        raise MeasurementFailed(f"p{pct:g}: among {len(ordered)} values at least one is not a finite number")
    return Percentile(pct=pct, value=ordered[nearest_rank(len(ordered), pct) - 1], n=len(ordered))


GROWTH = 1.01
"""The upper edge of a bucket over its lower one."""
FLOOR = 0.001
"""In the unit of the values (ms): nothing is told apart below."""
CEILING = 1e7
"""Nothing takes so long: almost three hours, in ms."""
_BUCKETS_MAX = math.ceil(math.log(CEILING / FLOOR) / math.log(GROWTH))


@dataclass(frozen=True)
class QuantileBounds:
    """A percentile of a sample, and between which values that of the whole lies. ``high`` is infinite when there are too few."""

    value: float
    low: float
    high: float
    n: int


class Distribution(BaseModel):
    """How long the answers of a sample took: counts in buckets that grow by 1 %, small enough for a file and fine enough to compare with.

    Bucket ``i`` holds the values above ``FLOOR * GROWTH**(i - 1)`` and up to ``FLOOR * GROWTH**i``; bucket 0 everything up to the floor.
    Bounds are read at the edges: what the buckets do not know makes an interval wider, never narrower. Damaged counts are refused when they
    are read (pydantic's ValidationError).
    """

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    n: int = Field(ge=1)
    buckets: dict[str, int]
    """How many values each bucket holds, by its number; empty ones are left out."""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        for name, count in self.buckets.items():
            if not name.isascii() or not name.isdecimal() or int(name) > _BUCKETS_MAX or str(int(name)) != name:
                raise ValueError(f"a bucket has a number from 0 to {_BUCKETS_MAX}, this is {name!r}")
            if count < 1:
                raise ValueError(f"bucket {name} holds {count} values")
        if sum(self.buckets.values()) != self.n:
            raise ValueError(f"the buckets hold {sum(self.buckets.values())} values, n says {self.n}")
        return self

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Count the values. Raises MeasurementFailed when there are none, or one is no length of time."""
        counts = Counter(_bucket(value) for value in values)
        if not counts:
            raise MeasurementFailed("a distribution of no values at all: nothing was measured")
        return cls(n=counts.total(), buckets={str(number): counts[number] for number in sorted(counts)})

    def bounds(self, pct: float, *, miss_pct: float) -> QuantileBounds:
        """Give the percentile by nearest rank, with bounds that miss on each side in at most ``miss_pct`` of such samples."""
        low, high = _ranks(self.n, pct, miss_pct=miss_pct)
        return QuantileBounds(
            value=self.percentile(pct),
            low=self._edges(low)[0] if low else 0.0,
            high=self._edges(high)[1] if high <= self.n else math.inf,
            n=self.n,
        )

    def percentile(self, pct: float) -> float:
        """Give the percentile by nearest rank, within half a per cent; 0 when it is below the floor."""
        below, above = self._edges(nearest_rank(self.n, pct))
        return math.sqrt(max(below, FLOOR) * above) if above > FLOOR else 0.0

    def _edges(self, rank: int) -> tuple[float, float]:
        seen = 0
        for number in sorted(map(int, self.buckets)):
            seen += self.buckets[str(number)]
            if seen >= rank:
                return (FLOOR * GROWTH ** (number - 1) if number else 0.0), FLOOR * GROWTH**number
        raise ValueError(f"there is no rank {rank} among {self.n} values")


def bounds_of(values: Sequence[float], pct: float, *, miss_pct: float) -> QuantileBounds:
    """The same as ``Distribution.bounds``, from values that are all at hand."""
    ordered = sorted(map(_checked, values))
    if not ordered:
        raise MeasurementFailed(f"p{pct:g} of no values at all: nothing was measured")
    low, high = _ranks(len(ordered), pct, miss_pct=miss_pct)
    return QuantileBounds(
        value=ordered[nearest_rank(len(ordered), pct) - 1],
        low=ordered[low - 1] if low else 0.0,
        high=ordered[high - 1] if high <= len(ordered) else math.inf,
        n=len(ordered),
    )


def needed_for(pct: float, *, miss_pct: float) -> int:
    """Give the number of values from which on a sample bounds the percentile from above as well as from below."""
    share = pct / 100
    return math.ceil(max(math.log(miss_pct / 100) / math.log(part) for part in (share, 1 - share)))


def _ranks(n: int, pct: float, *, miss_pct: float) -> tuple[int, int]:
    """The ranks, from 1, of the values that bound the percentile: 0 and n + 1 where there is none.

    The number of values up to the percentile is binomial, whatever the distribution (no shape is assumed). The value of rank r lies
    above the percentile when fewer than r values are up to it, and below it when r or more are.
    """
    share, miss = pct / 100, miss_pct / 100
    middle = nearest_rank(n, pct)
    low = _last(lambda rank: at_most(rank - 1, n, share) <= miss, 0, middle)
    high = 1 + _last(lambda rank: at_least(rank, n, share) > miss, middle - 1, n)
    return low, high


def _last(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The last rank from ``low`` (taken to hold) to ``high`` for which it holds; what holds for one holds for all below."""
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def _bucket(value: float) -> int:
    value = _checked(value)
    return 0 if value <= FLOOR else math.ceil(math.log(value / FLOOR) / math.log(GROWTH))


def _checked(value: float) -> float:
    if not (math.isfinite(value) and 0 <= value <= CEILING):
        raise MeasurementFailed(f"{value:g} ms is no length of time that an answer can take")
    return value
