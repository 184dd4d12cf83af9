"""Binomial probabilities and exact intervals, against figures from tables and against sums written out."""

from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pam_rollback.stats.binomial import at_least, at_most, share_above, share_below


@given(st.integers(1, 60), st.data(), st.floats(0.001, 0.999))
@settings(deadline=None)
def test_tails_are_the_sums_of_their_terms(n: int, data: st.DataObject, share: float) -> None:
    """Both tails, on both sides of the mean."""
    hits = data.draw(st.integers(0, n))
    terms = [comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)]

    assert at_most(hits, n, share) == pytest.approx(sum(terms[: hits + 1]), abs=1e-9)
    assert at_least(hits, n, share) == pytest.approx(sum(terms[hits:]), abs=1e-9)


@pytest.mark.parametrize(
    ("hits", "n", "share", "most", "least"),
    [(-1, 5, 0.5, 0, 1), (5, 5, 0.5, 1, 1 / 32), (6, 5, 0.5, 1, 0), (2, 5, 0.0, 1, 0), (2, 5, 1.0, 0, 1)],
)
def test_ends(hits: int, n: int, share: float, most: float, least: float) -> None:
    """What cannot be has probability 0, what must be has 1."""
    assert (at_most(hits, n, share), at_least(hits, n, share)) == (most, least)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.30850), (1, 10, 0.00253, 0.44502), (5, 10, 0.18709, 0.81291), (10, 10, 0.69150, 1.0)],
)
def test_intervals_of_the_tables(hits: int, n: int, low: float, high: float) -> None:
    """The 95 % intervals of Clopper and Pearson, as any table has them."""
    assert share_above(hits, n, miss_pct=2.5) == pytest.approx(low, abs=1e-5)
    assert share_below(hits, n, miss_pct=2.5) == pytest.approx(high, abs=1e-5)


def test_many_answers_lose_nothing_to_rounding() -> None:
    """Two million: the factors are beyond any float, and the rule of three (3 / n) still holds."""
    assert share_below(0, 2_000_000, miss_pct=5) == pytest.approx(3 / 2_000_000, rel=0.002)
