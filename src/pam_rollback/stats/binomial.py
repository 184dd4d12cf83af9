"""Binomial probabilities, and what a count of hits among ``n`` says about the share behind it. Exact: no bell curve."""

import math
from collections.abc import Callable

_BISECTIONS = 50
_TINY = 1e-18


def at_most(hits: int, n: int, share: float) -> float:
    """Give the probability of at most ``hits`` among ``n`` when each is one with probability ``share``."""
    if hits >= n:
        return 1.0
    if hits < 0:
        return 0.0
    if not 0 < share < 1:
        return 1.0 if share <= 0 else 0.0
    # From the greatest term on, away from the mean: that side is the small one, and nothing is lost to rounding.
    if hits <= n * share:
        return _sum_from(hits, n, share, step=-1)
    return 1 - _sum_from(hits + 1, n, share, step=1)


def at_least(hits: int, n: int, share: float) -> float:
    """Give the probability of at least ``hits`` among ``n``."""
    if hits <= 0:
        return 1.0
    if hits > n:
        return 0.0
    if not 0 < share < 1:
        return 0.0 if share <= 0 else 1.0
    if hits > n * share:
        return _sum_from(hits, n, share, step=1)
    return 1 - _sum_from(hits - 1, n, share, step=-1)


def share_above(hits: int, n: int, *, miss_pct: float) -> float:
    """Give the lower end of the exact interval (Clopper, Pearson): the share lies below it in at most ``miss_pct`` of such samples."""
    if hits <= 0:
        return 0.0
    return _bisected(lambda share: at_least(hits, n, share) <= miss_pct / 100)


def share_below(hits: int, n: int, *, miss_pct: float) -> float:
    """Give the upper end of the exact interval (Clopper, Pearson): the share lies above it in at most ``miss_pct`` of such samples."""
    if hits >= n:
        return 1.0
    return _bisected(lambda share: at_most(hits, n, share) > miss_pct / 100)


def _sum_from(first: int, n: int, share: float, *, step: int) -> float:
    # The first term in logarithms: the coefficients overflow.
    term = math.exp(
        math.lgamma(n + 1)
        - math.lgamma(first + 1)
        - math.lgamma(n - first + 1)
        + first * math.log(share)
        + (n - first) * math.log1p(-share)
    )
    odds = share / (1 - share)
    found, hits = 0.0, first
    while 0 <= hits <= n and term > _TINY * found:
        found += term
        term *= (n - hits) / (hits + 1) * odds if step > 0 else hits / (n - hits + 1) / odds
        hits += step
    return min(1.0, found)


def _bisected(still_below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if still_below(middle) else (low, middle)
    return (low + high) / 2
