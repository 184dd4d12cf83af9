"""What buckets, and percentiles of steps, say about a percentile: what follows from counts, held against the values themselves."""

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.stats.percentiles import percentile
from pam_rollback.stats.series import Histogram, Standing, Step, StepPercentiles

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
    assert (Histogram(EDGES, counts).at_least >= limit) is (standing is Standing.REACHED)


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
    histogram, exact = Histogram.from_cumulative(up_to), percentile(values, 95).value
    low, high = histogram.interval_ms

    assert low < exact <= high
    assert (histogram.at_least >= limit) is (histogram.standing(limit) is Standing.REACHED)
    if histogram.standing(limit) is not Standing.UNDECIDED and exact != limit:
        assert histogram.standing(limit) is (Standing.REACHED if exact > limit else Standing.BELOW)


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


LIMIT_MS = 500.0


def of(*steps: tuple[float, int]) -> StepPercentiles:
    """Steps of which the 95th percentile in ms and the number of answers are known."""
    return StepPercentiles(tuple(Step(n, p95_ms) for p95_ms, n in steps))


def test_one_step_is_exact() -> None:
    """Its percentile is the percentile."""
    one = of((123.4, 60))

    assert (one.value, one.n, one.bounds) == (123.4, 60, "")
    assert (one.standing(123.4), one.standing(123.5)) == (Standing.REACHED, Standing.BELOW)


def test_several_are_bounds() -> None:
    """Between the lowest and the highest; a mean of them would be nothing."""
    several = of((100.0, 50), (300.0, 50), (200.0, 50))

    assert (several.value, several.bounds) == (None, "between 100 and 300 ms")
    assert several.definition == "p95, nearest rank of each of 3 steps"


def test_all_below_is_below_and_all_above_is_above() -> None:
    """Whatever the sizes of the steps."""
    assert of((499.0, 7), (10.0, 1), (400.0, 1000)).standing(LIMIT_MS) is Standing.BELOW
    assert of((500.0, 7), (900.0, 1), (501.0, 1000)).standing(LIMIT_MS) is Standing.REACHED


def known_p95(step: Sequence[float]) -> Step:
    """What the 95th percentile alone says of these answers."""
    return Step(len(step), percentile(step, 95).value)


def known(step: Sequence[float]) -> Step:
    """What five percentiles say of these answers."""
    p50, p75, p90, p95, p99 = (percentile(step, pct).value for pct in (50, 75, 90, 95, 99))
    return Step(len(step), p95, p50, p99, p75, p90)


@pytest.mark.parametrize("more", [False, True], ids=["p95 alone", "others, too"])
def test_what_it_says_is_never_wrong(more: bool) -> None:  # noqa: FBT001 - one of two histories
    """A thousand histories: where it says below or reached, the values themselves say the same."""
    luck = random.Random(4)
    said = []
    for _ in range(1000):
        slow_share = luck.choice([0.0, 0.02, 0.05, 0.08, 0.3])
        steps = [
            [
                luck.uniform(500, 900)
                if luck.random() < slow_share * luck.choice([0.2, 1, 2])
                else luck.uniform(5, 499)
                for _ in range(luck.choice([1, 5, 20, 60]))
            ]
            for _ in range(luck.randint(1, 15))
        ]
        percentiles = StepPercentiles(tuple(map(known, steps) if more else map(known_p95, steps)))
        told = percentiles.standing(LIMIT_MS)
        exact = percentile([value for step in steps for value in step], 95).value
        truth = Standing.REACHED if exact >= LIMIT_MS else Standing.BELOW
        assert told in {truth, Standing.UNDECIDED}, steps
        assert (percentiles.at_least >= LIMIT_MS) is (told is Standing.REACHED), steps
        said.append(told)

    assert set(said) == set(Standing)


def test_one_slow_step_among_fast_ones_is_told_where_more_percentiles_are_known() -> None:
    """A second in which a tenth of the answers was slow: by the 95th percentiles alone nobody knows, the truth is 0.7 %."""
    fast = Step(43, p95_ms=70, p50_ms=30, p99_ms=90)
    slow = Step(43, p95_ms=710, p50_ms=60, p99_ms=900)

    assert of(*[(70.0, 43)] * 13, (710.0, 43)).standing(LIMIT_MS) is Standing.UNDECIDED
    assert StepPercentiles((*[fast] * 13, slow)).standing(LIMIT_MS) is Standing.BELOW


def test_a_slow_answer_in_every_third_step_is_told() -> None:
    """As on a busy machine: 3 of 43 answers are slow in five steps of fifteen, 2 % of all. Median, 95th and 99th leave that open."""
    fast = Step(43, p95_ms=70, p50_ms=30, p99_ms=90, p75_ms=40, p90_ms=60)
    coarse, slow = Step(43, 710, 60, 900), Step(43, p95_ms=710, p50_ms=60, p99_ms=900, p75_ms=120, p90_ms=300)

    assert StepPercentiles((*[fast] * 10, *[coarse] * 5)).standing(LIMIT_MS) is Standing.UNDECIDED
    assert StepPercentiles((*[fast] * 10, *[slow] * 5)).standing(LIMIT_MS) is Standing.BELOW


def test_medians_tell_of_slowness_too() -> None:
    """Two steps of ten in which most answers were slow are more than a twentieth of all, whatever the others had."""
    slow = Step(40, p95_ms=900, p50_ms=600, p99_ms=950)

    assert of(*[(70.0, 40)] * 8, *[(900.0, 40)] * 2).standing(LIMIT_MS) is Standing.UNDECIDED
    assert StepPercentiles((*[Step(40, 70, 30, 90)] * 8, slow, slow)).standing(LIMIT_MS) is Standing.REACHED


@pytest.mark.parametrize("step", [Step(20, 600, 700, 800), Step(20, 600, -1, 100), Step(20, 600, float("nan"))])
def test_a_percentile_that_contradicts_the_95th_does_not_count(step: Step) -> None:
    """Two answers of a provider may be of different moments."""
    assert (step.at_least(LIMIT_MS), step.at_most(LIMIT_MS)) == (2, 20)


@pytest.mark.parametrize(("n", "p95_ms"), [(5, float("nan")), (5, -1.0), (0, 10.0)])
def test_nonsense_is_refused(n: int, p95_ms: float) -> None:
    """Nothing follows from nothing."""
    with pytest.raises(ValueError, match="a percentile is a length of time"):
        Step(n, p95_ms)
    with pytest.raises(ValueError, match="no step"):
        StepPercentiles(())
