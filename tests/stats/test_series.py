"""What buckets, and percentiles of steps, say about a percentile: what follows from counts, held against the values themselves."""

import math
import random
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.stats.percentiles import percentile
from pam_rollback.stats.series import Standing, Times, from_evidence, pooled

EDGES = (100.0, 500.0, 1000.0)
INF = math.inf


def buckets(*counts: int, edges: tuple[float, ...] = EDGES) -> Times:
    """Counts by bucket; the last has no upper edge."""
    pairs = zip(pairwise([0.0, *edges, INF]), counts, strict=True)
    return Times({between: count for between, count in pairs if count})


def test_the_bucket_of_the_rank_bounds_the_percentile() -> None:
    """Of 100 values the 95th in order is meant; it is the fifth of ten in the second bucket, wherever in it."""
    times = buckets(90, 10, 0, 0)

    assert (times.at_least, times.at_most, times.value) == (100, 500, None)
    assert times.bounds == "between 100 and 500 ms"


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
    assert buckets(*counts).standing(limit) is standing
    assert (buckets(*counts).at_least >= limit) is (standing is Standing.REACHED)


def test_above_the_last_edge_there_is_no_value() -> None:
    """Prometheus gives the last edge here, and a service that takes a minute would be as fast as its last bucket."""
    slow = buckets(0, 0, 0, 7)

    assert (slow.at_least, slow.at_most, slow.value) == (1000, INF, None)
    assert slow.bounds == "above 1000 ms, nothing more is known"


@given(st.lists(st.floats(min_value=0.1, max_value=5000), min_size=1, max_size=200), st.sampled_from([100, 400, 500]))
def test_buckets_never_contradict_the_values(values: list[float], limit: float) -> None:
    """The interval holds the true percentile, and no verdict differs from that of the values, except at the limit itself."""
    up_to = {edge: float(sum(value <= edge for value in values)) for edge in (*EDGES, INF)}
    histogram, exact = Times.from_cumulative(up_to), percentile(values, 95).value

    assert histogram.at_least < exact <= histogram.at_most
    assert (histogram.at_least >= limit) is (histogram.standing(limit) is Standing.REACHED)
    if histogram.standing(limit) is not Standing.UNDECIDED and exact != limit:
        assert histogram.standing(limit) is (Standing.REACHED if exact > limit else Standing.BELOW)


def test_histograms_are_added_up_bucket_by_bucket() -> None:
    """And never their percentiles."""
    assert buckets(90, 10, 0, 0).plus(buckets(0, 0, 5, 1)) == buckets(90, 10, 5, 1)


def test_where_edges_differ_each_bucket_counts_by_its_own() -> None:
    """A release with other buckets: 60 of 110 lie between 250 and 1000 ms, 6 beyond."""
    old, new = buckets(10, 0, 30, 4), buckets(34, 30, 0, 2, edges=(250, 1000, 2000))

    assert (old.plus(new).at_least, old.plus(new).at_most) == (1000, INF)
    assert buckets(99, 1, edges=(100,)).plus(buckets(98, 2, edges=(200,))).at_most == 200


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
        Times.from_cumulative(up_to)


@pytest.mark.parametrize("between", [{}, {(0, 100): 0}, {(0, 100): -1}, {(200, 100): 1}, {(-1, 1): 1}, {(INF, INF): 1}])
def test_times_cannot_be_made_of_nonsense(between: dict[tuple[float, float], int]) -> None:
    """A defect of ours, not an observation."""
    with pytest.raises(ValueError, match=r"a time lies between|there are no times"):
        Times(between)


LIMIT_MS = 500.0
P50, P75, P90, P95, P99 = 50.0, 75.0, 90.0, 95.0, 99.0


def step(n: int, p95_ms: float, **others: float) -> Times:
    """What a provider tells of one step, such as ``p50``."""
    return Times.of_step(n, {P95: p95_ms} | {float(name.removeprefix("p")): ms for name, ms in others.items()})


def all_of(steps: Iterable[Times]) -> Times:
    """Added up."""
    found = pooled(from_evidence(1, one) for one in steps)
    assert isinstance(found, Times)
    return found


def of(*steps: tuple[float, int]) -> Times:
    """Steps of which the 95th percentile in ms and the number of answers are known."""
    return all_of(step(n, p95_ms) for p95_ms, n in steps)


def test_one_step_is_exact() -> None:
    """Its percentile is the percentile."""
    one = of((123.4, 60))

    assert (one.value, one.n, one.bounds) == (123.4, 60, "")
    assert (one.standing(123.4), one.standing(123.5)) == (Standing.REACHED, Standing.BELOW)


def test_several_are_bounds() -> None:
    """Between the lowest and the highest; a mean of them would be nothing."""
    several = of((100.0, 50), (300.0, 50), (200.0, 50))

    assert (several.value, several.bounds) == (None, "between 100 and 300 ms")


def test_all_below_is_below_and_all_above_is_above() -> None:
    """Whatever the sizes of the steps."""
    assert of((499.0, 7), (10.0, 1), (400.0, 1000)).standing(LIMIT_MS) is Standing.BELOW
    assert of((500.0, 7), (900.0, 1), (501.0, 1000)).standing(LIMIT_MS) is Standing.REACHED


def known_p95(values: Sequence[float]) -> Times:
    """What the 95th percentile alone says of these answers."""
    return step(len(values), percentile(values, 95).value)


def known(values: Sequence[float]) -> Times:
    """What five percentiles say of these answers."""
    return Times.of_step(len(values), {pct: percentile(values, pct).value for pct in (P50, P75, P90, P95, P99)})


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
        percentiles = all_of(map(known if more else known_p95, steps))
        told = percentiles.standing(LIMIT_MS)
        exact = percentile([value for step in steps for value in step], 95).value
        truth = Standing.REACHED if exact >= LIMIT_MS else Standing.BELOW
        assert told in {truth, Standing.UNDECIDED}, steps
        assert (percentiles.at_least >= LIMIT_MS) is (told is Standing.REACHED), steps
        said.append(told)

    assert set(said) == set(Standing)


def test_one_slow_step_among_fast_ones_is_told_where_more_percentiles_are_known() -> None:
    """A second in which a tenth of the answers was slow: by the 95th percentiles alone nobody knows, the truth is 0.7 %."""
    fast, slow = step(43, 70, p50=30, p99=90), step(43, 710, p50=60, p99=900)

    assert of(*[(70.0, 43)] * 13, (710.0, 43)).standing(LIMIT_MS) is Standing.UNDECIDED
    assert all_of((*[fast] * 13, slow)).standing(LIMIT_MS) is Standing.BELOW


def test_a_slow_answer_in_every_third_step_is_told() -> None:
    """As on a busy machine: 3 of 43 answers are slow in five steps of fifteen, 2 % of all. Median, 95th and 99th leave that open."""
    fast = step(43, 70, p50=30, p99=90, p75=40, p90=60)
    coarse, slow = step(43, 710, p50=60, p99=900), step(43, 710, p50=60, p99=900, p75=120, p90=300)

    assert all_of((*[fast] * 10, *[coarse] * 5)).standing(LIMIT_MS) is Standing.UNDECIDED
    assert all_of((*[fast] * 10, *[slow] * 5)).standing(LIMIT_MS) is Standing.BELOW


def test_medians_tell_of_slowness_too() -> None:
    """Two steps of ten in which most answers were slow are more than a twentieth of all, whatever the others had."""
    slow = step(40, 900, p50=600, p99=950)

    assert of(*[(70.0, 40)] * 8, *[(900.0, 40)] * 2).standing(LIMIT_MS) is Standing.UNDECIDED
    assert all_of((*[step(40, 70, p50=30, p99=90)] * 8, slow, slow)).standing(LIMIT_MS) is Standing.REACHED


@pytest.mark.parametrize("others", [{"p50": 700, "p99": 300}, {"p50": -1, "p99": 100}, {"p50": math.nan}])
def test_a_percentile_that_contradicts_the_95th_does_not_count(others: dict[str, float]) -> None:
    """Two answers of a provider may be of different moments."""
    assert step(20, 600, **others) == step(20, 600) == Times({(0, 600): 18, (600, 600): 1, (600, INF): 1})


def test_of_two_percentiles_of_one_answer_the_longer_counts() -> None:
    """Of five answers the highest is the 95th and the 99th percentile: of a provider that interpolates it is as long as the longer."""
    assert step(5, 20, p99=25) == Times({(0, 25): 4, (25, 25): 1})


@pytest.mark.parametrize(("n", "p95_ms"), [(5, float("nan")), (5, -1.0), (0, 10.0)])
def test_nonsense_is_refused(n: int, p95_ms: float) -> None:
    """Nothing follows from nothing."""
    with pytest.raises(ValueError, match="a percentile is a length of time"):
        step(n, p95_ms)
