"""Percentiles by nearest rank: measured values only, with their n, and unknown when there is nothing to rank."""

import math
from math import comb
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.stats.binomial import at_least, at_most, share_above, share_below
from pam_rollback.stats.percentiles import Distribution, bounds_of, nearest_rank, needed_for, percentile


@given(st.integers(1, 60), st.data(), st.floats(0.001, 0.999))
@settings(deadline=None)
def test_tails_are_the_sums_of_their_terms(n: int, data: st.DataObject, share: float) -> None:
    """Both tails, on both sides of the mean."""
    hits = data.draw(st.integers(0, n))
    terms = [comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)]

    assert at_most(hits, n, share) == pytest.approx(sum(terms[: hits + 1]), abs=1e-9)
    assert at_least(hits, n, share) == pytest.approx(sum(terms[hits:]), abs=1e-9)


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


@pytest.mark.parametrize(
    ("values", "pct", "expected"),
    [
        ([1, 2, 3, 4], 95, 4),
        ([1, 2, 3, 4], 50, 2),
        ([15, 20, 35, 40, 50], 30, 20),
        ([15, 20, 35, 40, 50], 100, 50),
        (range(1, 21), 95, 19),
        (range(1, 1001), 99.9, 999),
        ([7], 1, 7),
    ],
)
def test_known_values(values: list[float], pct: float, expected: float) -> None:
    """The definition, written out by hand; nothing is interpolated."""
    assert percentile(values, pct).value == expected


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf]])
def test_nothing_to_rank_is_unknown(values: list[float]) -> None:
    """No values, or values that are no numbers: we do not know, and nobody may read a figure."""
    with pytest.raises(MeasurementFailed):
        percentile(values, 95)


@pytest.mark.parametrize(("n", "pct"), [(0, 50), (3, 0), (3, 101)])
def test_ranks_that_do_not_exist_are_refused(n: int, pct: float) -> None:
    """A rank outside the list is a defect of the caller."""
    with pytest.raises(ValueError, match=r"percentile|rank"):
        nearest_rank(n, pct)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from([1, 50, 90, 95, 99, 99.9, 100]))
@settings(deadline=None)
def test_is_the_smallest_value_that_covers_its_share(values: list[float], pct: float) -> None:
    """The property that defines nearest rank."""
    found = percentile(values, pct).value

    assert found in values
    assert sum(value <= found for value in values) * 100 >= pct * len(values) * (1 - 1e-12)
    assert sum(value < found for value in values) * 100 < pct * len(values)


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=300), st.sampled_from([50, 90, 95, 99]))
@settings(deadline=None)
def test_percentiles_come_back_within_half_a_per_cent(values: list[float], pct: float) -> None:
    """The file keeps counts, not values: what that costs is known."""
    exact = percentile(values, pct).value

    assert Distribution.of(values).percentile(pct) == pytest.approx(exact, rel=0.0051)


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=300), st.sampled_from([50, 95, 99]))
@settings(deadline=None)
def test_buckets_only_widen_the_bounds(values: list[float], pct: float) -> None:
    """What the buckets do not know never makes an interval narrower."""
    kept, exact = Distribution.of(values).bounds(pct, miss_pct=2.5), bounds_of(values, pct, miss_pct=2.5)

    assert kept.low <= exact.low * (1 + 1e-9)
    assert kept.high >= exact.high * (1 - 1e-9)
    assert kept.n == exact.n == len(values)


def test_bounds_are_order_statistics() -> None:
    """Of 1 to 100, the 95 % interval of the median is from the 40th to the 61st value, as tables have it."""
    found = bounds_of(range(1, 101), 50, miss_pct=2.5)

    assert (found.low, found.value, found.high) == (40, 50, 61)


def test_too_few_values_have_no_upper_bound() -> None:
    """Nobody knows how much slower the slowest twentieth is when none of it was seen: 72 values are needed, and 71 do not do."""
    assert needed_for(95, miss_pct=2.5) == 72
    assert bounds_of(range(1, 72), 95, miss_pct=2.5).high == math.inf
    assert bounds_of(range(1, 73), 95, miss_pct=2.5).high == 72
    assert bounds_of([5.0], 95, miss_pct=2.5).low == 0, (
        "in one of twenty samples of one, it is of the slowest twentieth itself"
    )
    assert bounds_of([5.0, 6.0], 95, miss_pct=2.5).low == 5.0


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf], [-1.0], [1e8]])
def test_what_is_no_time_is_unknown(values: list[float]) -> None:
    """Nothing, no number, less than nothing, more than hours: nobody may compare with that."""
    with pytest.raises(MeasurementFailed):
        Distribution.of(values)
    with pytest.raises(MeasurementFailed):
        bounds_of(values, 95, miss_pct=2.5)


@pytest.mark.parametrize(
    "damage",
    [
        {"n": 3},
        {"n": 0, "buckets": {}},
        {"buckets": {"10": 2, "x": 0}},
        {"buckets": {"10": -1, "11": 3}},
        {"buckets": {"-10": 2}},
        {"buckets": {"010": 2}},
        {"buckets": {"99999": 2}},
        {"buckets": {"10": 1.5, "11": 0.5}},
    ],
)
def test_damaged_counts_are_refused(damage: dict[str, Any]) -> None:
    """A file that does not add up is never half believed."""
    with pytest.raises(ValidationError):
        Distribution.model_validate({"n": 2, "buckets": {"10": 2}} | damage)
