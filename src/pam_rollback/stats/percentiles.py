"""Percentiles by nearest rank, always together with the number of values that they come from.

Definition: the p-th percentile of n values is the smallest of them that is not exceeded by at least p percent of them,
which is the value at rank ceil(p / 100 * n) of the sorted list. It is always a value that was measured; nothing is
interpolated.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from pam_rollback.base.errors import MeasurementFailed

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
