"""The distribution that a baseline keeps: small, within 1 %, with honest bounds, and refused when it is damaged."""

import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.stats.distribution import Distribution, bounds_of, needed_for
from pam_rollback.stats.percentiles import percentile


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


def test_a_million_answers_stay_small() -> None:
    """The file does not grow with the time that the baseline takes."""
    draw = random.Random(3)
    found = Distribution.of(draw.lognormvariate(4, 1) for _ in range(100_000))

    assert found.n == 100_000
    assert len(found.model_dump_json()) < 12_000


def test_survives_its_file() -> None:
    """Written and read, it is the same."""
    found = Distribution.of([0.0, 0.5, 12.0, 12.01, 4000.0])

    assert Distribution.model_validate_json(found.model_dump_json()) == found


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
