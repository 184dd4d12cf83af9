"""How far it is from the baseline: written-out samples, the coverage that is claimed, and unknown wherever the samples cannot tell."""

import math
import random
from collections.abc import Callable
from statistics import NormalDist

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.change import Change, latencies_ms
from pam_rollback.probe.samples import Sample
from pam_rollback.stats.percentiles import Distribution

EVENLY = [10 + 10 * i / 600 for i in range(600)]
"""Response times from 10 to 20 ms: p95 is 19.5 ms."""


def change(factor: float, n: int = 600) -> Change:
    """600 answers of the baseline beside ``n`` that took ``factor`` times as long."""
    return Change.of_times(Distribution.of(EVENLY), [factor * EVENLY[i * 600 // n] for i in range(n)])


# ---------------------------------------------------------------- response times


def test_the_same_is_no_change() -> None:
    """The interval is around zero, and says so of both limits of the plan."""
    found = change(1.0)

    assert found.increase == pytest.approx(0, abs=0.6)
    assert found.low < 0 < found.high
    assert not found.is_above(50)
    assert not found.is_above(20)


def test_far_slower_is_above() -> None:
    """Twice as long is above both limits, and not above one that it does not reach."""
    found = change(2.0)

    assert found.increase == pytest.approx(100, abs=1)
    assert found.is_above(50)
    assert found.is_above(20)
    assert not found.is_above(110)


def test_between_is_unknown_and_says_what_would_be_seen() -> None:
    """At the limit itself nobody knows: the message has the interval, the smallest visible change and how to see more."""
    found = change(1.2)

    with pytest.raises(MeasurementFailed, match=r"p95 23\.\d ms \(n=600\), baseline 19\.\d ms \(n=600\)") as unknown:
        found.is_above(20)
    assert "whether that is above +20 % is not known: these samples would show it from +2" in str(unknown.value)
    assert "with 95 % confidence, smallest visible increase" in str(unknown.value)


def test_the_smallest_visible_change_is_where_seeing_begins() -> None:
    """An increase just above it is told from none, one just below is not."""
    smallest = change(1.0).smallest_visible

    assert 0.5 < smallest < 10
    assert change(1 + (smallest + 1) / 100).low > 0
    assert change(1 + (smallest - 1) / 100).low < 0


def test_few_answers_see_less() -> None:
    """The fewer, the wider; with fewer than 72 none is excluded any more, but a great one is still seen."""
    assert change(1.0, n=100).smallest_visible > change(1.0).smallest_visible
    assert change(1.0, n=60).high == math.inf
    with pytest.raises(MeasurementFailed, match="p95 needs 72 answers on each side"):
        change(1.0, n=60).is_above(50)
    assert change(3.0, n=60).is_above(50)


def test_a_small_baseline_shows_nothing() -> None:
    """Its own slowest twentieth was never seen, so nothing can be called slower than it."""
    found = Change.of_times(Distribution.of([10.0] * 30), [1000.0] * 600)

    assert (found.low, found.smallest_visible) == (-100, math.inf)
    with pytest.raises(MeasurementFailed, match="needs 72 answers"):
        found.is_above(50)


def test_no_end_of_an_interval_is_told_as_infinite() -> None:
    """What the samples do not give is left out: nobody has seen a change of +inf %."""
    few, blind = change(3.0, n=60), Change.of_times(Distribution.of([10.0] * 30), [1000.0] * 600)
    rates = Change.of_rates(0, 2, 0, 2)

    assert "% or more with 95 % confidence, smallest visible increase" in str(few)
    assert "% with 95 % confidence, no increase would be visible" in str(blind)
    assert "confidence, no increase would be visible" in str(rates)
    assert "inf" not in f"{few} {blind} {rates}"


def test_scatter_never_passes_by_itself() -> None:
    """Kayenta's pitfall: the more values scatter, the more passes there. Here it is unknown."""
    draw = random.Random(5)
    before = Distribution.of(draw.paretovariate(0.5) for _ in range(150))

    with pytest.raises(MeasurementFailed):
        Change.of_times(before, [1.4 * draw.paretovariate(0.5) for _ in range(150)]).is_above(50)


def test_constant_samples_are_compared_all_the_same() -> None:
    """All alike: the change is known but for the 1 % of the buckets, in both directions."""
    before = Distribution.of([100.0] * 200)

    assert Change.of_times(before, [160.0] * 200).is_above(50)
    assert not Change.of_times(before, [140.0] * 200).is_above(50)


@pytest.mark.parametrize(
    ("before", "now", "why"),
    [
        (None, [1.0] * 200, "no baseline has response times"),
        ([0.0] * 200, [1.0] * 200, "no change is a share of nothing"),
        ([1.0] * 200, [0.0] * 200, "no answer takes no time"),
        ([1.0] * 200, [], "no values at all"),
        ([1.0] * 200, [math.nan], "no length of time"),
    ],
)
def test_nothing_to_compare_is_unknown(before: list[float] | None, now: list[float], why: str) -> None:
    """Missing or zero on either side: never "no change"."""
    with pytest.raises(MeasurementFailed, match=why):
        Change.of_times(None if before is None else Distribution.of(before), now)


NORMAL = NormalDist()
SHAPES: dict[str, tuple[Callable[[random.Random], float], float]] = {
    "exponential": (lambda draw: 5 + draw.expovariate(1 / 20), 5 - 20 * math.log(0.05)),
    "log-normal": (lambda draw: draw.lognormvariate(3, 0.5), math.exp(3 + 0.5 * NORMAL.inv_cdf(0.95))),
    "heavy tail": (lambda draw: min(1e6, 10 * draw.paretovariate(1.2)), 10 * 0.05 ** (-1 / 1.2)),
    "uniform": (lambda draw: draw.uniform(10, 20), 19.5),
    "two groups": (lambda draw: draw.uniform(10, 11) if draw.random() < 0.95 else draw.uniform(100, 110), 11.0),
    "slow group below p95": (
        lambda draw: draw.uniform(10, 11) if draw.random() < 0.93 else draw.uniform(100, 110),
        100 + 10 * 2 / 7,
    ),
}


@pytest.mark.long_matrix(first=len(SHAPES))
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("before_n", "now_n"), [(100, 100), (600, 150), (150, 600), (400, 400)])
def test_covers_the_truth_as_often_as_it_says(shape: str, before_n: int, now_n: int) -> None:
    """95 of 100 intervals hold the true change, whatever the shape; each end is wrong in about 2.5 of 100 at most.

    400 seeded draws: of 95 %, chance alone gives fewer than 93 % in one of forty. On a commit each shape with the fewest answers.
    """
    draw_one, true_p95 = SHAPES[shape]
    draw = random.Random(f"{shape} {before_n} {now_n}")
    factor = 1.5
    found = [
        Change.of_times(
            Distribution.of(draw_one(draw) for _ in range(before_n)), [factor * draw_one(draw) for _ in range(now_n)]
        )
        for _ in range(400)
    ]
    above, below = (sum(one.low > 50 for one in found), sum(one.high < 50 for one in found))

    assert true_p95 > 0
    assert above + below <= 0.07 * 400
    assert max(above, below) <= 0.045 * 400
    assert any(math.isfinite(one.high) for one in found), "an interval without ends covers everything and says nothing"


def test_slow_failures_count_and_fast_ones_do_not() -> None:
    """A timeout was slow; a refusal at once says nothing of speed; what was not measured is in no figure."""
    samples = [
        Sample(due_s=0, latency_ms=10, journey="chat", ok=True, lag_ms=4),
        Sample(due_s=1, latency_ms=2, journey="chat", ok=False),
        Sample(due_s=2, latency_ms=5000, journey="chat", ok=False),
        Sample(due_s=3, latency_ms=800, journey="chat", ok=True, lag_ms=700),
    ]

    assert latencies_ms(samples, slow_from_ms=20) == [10, 5000]
    assert latencies_ms(samples, slow_from_ms=20, prober_lag=False) == [6, 5000]


# ---------------------------------------------------------------- error rates


def test_a_rate_that_rose() -> None:
    """Two of 600 before, 45 of 150 now: 29.7 points, seen."""
    found = Change.of_rates(2, 600, 45, 150)

    assert found.increase == pytest.approx(29.667, abs=0.001)
    assert found.low > 20
    assert found.is_above(20)
    assert not found.is_above(40)


def test_a_rate_that_stayed_at_zero() -> None:
    """No error on either side is known to be no change of two points, and not known to be none of one: 150 answers cannot tell."""
    assert not Change.of_rates(0, 1000, 0, 1000).is_above(2)
    with pytest.raises(MeasurementFailed, match=r"above \+1 points is not known: more answers would tell"):
        Change.of_rates(0, 150, 0, 150).is_above(1)


def test_the_smallest_visible_rate_is_where_seeing_begins() -> None:
    """One error less than that is not told from none."""
    smallest = Change.of_rates(1, 600, 0, 150).smallest_visible
    errors = round((smallest + 100 / 600) / 100 * 150)

    assert Change.of_rates(1, 600, errors, 150).low > 0
    assert Change.of_rates(1, 600, errors - 1, 150).low <= 0
    assert Change.of_rates(0, 2, 0, 2).smallest_visible == math.inf


@pytest.mark.parametrize("counts", [(0, 0, 1, 10), (1, 10, 0, 0)])
def test_no_answers_have_no_rate(counts: tuple[int, int, int, int]) -> None:
    """Nothing measured is never zero errors."""
    with pytest.raises(MeasurementFailed, match="nothing was measured"):
        Change.of_rates(*counts)


@pytest.mark.parametrize(
    ("before", "now", "before_n", "now_n"), [(0.005, 0.005, 150, 150), (0.01, 0.03, 600, 150), (0.02, 0.2, 300, 300)]
)
def test_rates_cover_the_truth_as_often_as_they_say(before: float, now: float, before_n: int, now_n: int) -> None:
    """95 of 100 intervals hold the true change. 300 seeded draws."""
    draw = random.Random(11)
    found = [
        Change.of_rates(
            sum(draw.random() < before for _ in range(before_n)),
            before_n,
            sum(draw.random() < now for _ in range(now_n)),
            now_n,
        )
        for _ in range(300)
    ]
    missed = [one for one in found if not one.low <= 100 * (now - before) + 1e-9 <= one.high + 2e-9]

    assert len(missed) <= 0.07 * 300
