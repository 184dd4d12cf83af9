"""Percentiles by nearest rank: measured values only, with their n, and unknown when there is nothing to rank."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.stats.percentiles import nearest_rank, percentile


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


def test_says_what_it_rests_on() -> None:
    """A percentile without its n and its definition says nothing."""
    assert str(percentile([3.0, 1.0, 2.0], 95)) == "p95 3.0 (n=3, nearest rank)"


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
