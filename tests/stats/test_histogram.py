"""A percentile from buckets: between which edges it lies, and what follows from that; never more than the buckets know."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.stats.histogram import Histogram, Latencies
from pam_rollback.stats.standing import Standing

EDGES = (100.0, 500.0, 1000.0)
INF = math.inf


def test_the_bucket_of_the_rank_bounds_the_percentile() -> None:
    """Of 100 values the 95th in order is meant; it is the fifth of ten in the second bucket."""
    histogram = Histogram(EDGES, (90, 10, 0, 0))

    assert histogram.interval_ms == (100, 500)
    assert histogram.value == 100 + 400 * 5 / 10
    assert histogram.bounds == "between 100 and 500 ms"
    assert "interpolated" in histogram.definition


@pytest.mark.parametrize(
    ("counts", "limit", "standing"),
    [
        pytest.param((90, 10, 0, 0), 500, Standing.BELOW, id="limit at the upper edge"),
        pytest.param((90, 10, 0, 0), 100, Standing.REACHED, id="limit at the lower edge"),
        pytest.param((90, 10, 0, 0), 300, Standing.UNDECIDED, id="limit inside the bucket"),
        pytest.param((95, 0, 0, 5), 500, Standing.BELOW, id="five of a hundred may be as slow as they like"),
        pytest.param((94, 0, 0, 6), 500, Standing.REACHED, id="six may not, although nobody knows how slow they are"),
        pytest.param((94, 0, 0, 6), 1000, Standing.REACHED, id="above the last edge is at or above it"),
        pytest.param((94, 0, 0, 6), 2000, Standing.UNDECIDED, id="how far above is not known"),
        pytest.param((1, 0, 0, 0), 100, Standing.BELOW, id="one value"),
    ],
)
def test_it_is_below_the_limit_only_when_the_counts_say_so(
    counts: tuple[int, ...], limit: float, standing: Standing
) -> None:
    """Below, at or above, or not to be told: never by interpolation."""
    assert Histogram(EDGES, counts).standing(limit) is standing


def test_above_the_last_edge_there_is_no_value() -> None:
    """Prometheus gives the last edge here, and a service that takes a minute would be as fast as its last bucket."""
    slow = Histogram(EDGES, (0, 0, 0, 7))

    assert slow.value is None
    assert slow.interval_ms == (1000, INF)
    assert slow.bounds == "above 1000 ms, nothing more is known"


@given(st.lists(st.floats(min_value=0.1, max_value=5000), min_size=1, max_size=200), st.sampled_from([100, 400, 500]))
def test_buckets_never_contradict_the_values(values: list[float], limit: float) -> None:
    """The interval holds the true percentile, and no verdict differs from that of the values, except at the limit itself."""
    up_to = {edge: float(sum(value <= edge for value in values)) for edge in (*EDGES, INF)}
    histogram, exact = Histogram.from_cumulative(up_to), Latencies(tuple(values))
    low, high = histogram.interval_ms

    assert low < exact.value <= high
    if histogram.standing(limit) is not Standing.UNDECIDED and exact.value != limit:
        assert histogram.standing(limit) is exact.standing(limit)


def test_histograms_are_added_up_bucket_by_bucket() -> None:
    """And never their percentiles."""
    assert Histogram(EDGES, (90, 10, 0, 0)).plus(Histogram(EDGES, (0, 0, 5, 1))) == Histogram(EDGES, (90, 10, 5, 1))


def test_where_edges_differ_only_the_common_ones_remain() -> None:
    """A release with other buckets: what is not known of both is not claimed."""
    old, new = Histogram((100, 500, 1000), (1, 2, 3, 4)), Histogram((250, 500, 2000), (10, 20, 30, 40))

    assert old.plus(new) == Histogram((500,), (1 + 2 + 10 + 20, 3 + 4 + 30 + 40))


def test_without_a_common_edge_nothing_is_known() -> None:
    """Not even a wide interval."""
    with pytest.raises(MeasurementFailed, match="cannot be added up"):
        Histogram((100,), (1, 1)).plus(Histogram((200,), (1, 1)))


@pytest.mark.parametrize(
    ("up_to", "words"),
    [
        ({}, r'no le="\+Inf"'),
        ({100.0: 3, 500.0: 4}, r'no le="\+Inf"'),
        ({INF: 3}, r'only the bucket le="\+Inf"'),
        ({100.0: 3, INF: 2}, "contradict each other"),
        ({100.0: 0, INF: 0}, "empty"),
    ],
)
def test_what_is_no_histogram_is_unknown(up_to: dict[float, float], words: str) -> None:
    """Buckets that are missing, lie, or hold nothing."""
    with pytest.raises(MeasurementFailed, match=words):
        Histogram.from_cumulative(up_to)


@pytest.mark.parametrize(
    ("edges", "counts"),
    [((), (1,)), ((500, 100), (1, 1, 1)), ((100,), (1,)), ((100,), (0, 0)), ((100,), (-1, 2)), ((INF,), (1, 1))],
)
def test_a_histogram_cannot_be_made_of_nonsense(edges: tuple[float, ...], counts: tuple[int, ...]) -> None:
    """A defect of ours, not an observation."""
    with pytest.raises(ValueError, match=r"edges|counts"):
        Histogram(edges, counts)


def test_values_are_exact() -> None:
    """The 95th of a hundred, at the limit and just below it."""
    values = Latencies(tuple(float(value) for value in range(1, 101)))

    assert values.value == 95
    assert values.standing(95) is Standing.REACHED
    assert values.standing(95.5) is Standing.BELOW
    with pytest.raises(ValueError, match="one at least"):
        Latencies(())
