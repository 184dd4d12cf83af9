"""A criterion held for a time over a series: fails fast, passes late, and what is not known is never met."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.measure import Terms, Window, WindowState
from pam_rollback.probe.samples import Sample
from pam_rollback.records.series_window import (
    RecordedWindow,
    answers_in,
    judge_series,
    long_enough_s,
)
from pam_rollback.stats.series import (
    Answers,
    Evidence,
    Point,
    Quantity,
    Series,
    Times,
    from_evidence,
    gauge,
    pooled,
)

START_S = 1000.0
STEP_S = 10.0
ERRORS = Terms(
    measure=Quantity.ERROR_RATE_PCT,
    limit=2,
    duration_s=100,
    asked_s=100,
    n_min=5,
    answers_min=150,
    gap_max_s=30,
    bad_run_max_s=20,
)
P95 = replace(ERRORS, measure=Quantity.LATENCY_P95_MS, limit=500)
MEMORY = replace(ERRORS, measure=Quantity.MEMORY_MB, limit=100, answers_min=1)
GOOD = Answers(100, 1)
BAD = Answers(100, 2)


def series(spec: Terms, told: Sequence[Evidence | float | None], **more: Any) -> Series:
    """One point for each step from the start of the window on; None is unknown."""
    points = []
    for number, one in enumerate(told, start=1):
        at_s = START_S + number * STEP_S
        if one is None:
            points.append(Point(at_s, None, why="it was not scraped"))
        elif isinstance(one, float | int):
            points.append(gauge(at_s, one))
        else:
            points.append(from_evidence(at_s, one))
    return Series(spec.measure, "a test", STEP_S, tuple(points), **more)


def judged(spec: Terms, told: Sequence[Evidence | float | None], *, after_s: float = 100) -> Window:
    """The verdict so many seconds after the start."""
    return judge_series(series(spec, told), spec, start_s=START_S, now_s=START_S + after_s)


def test_it_is_met_when_all_of_its_time_was_good() -> None:
    """Counts are added up, and the verdict says what it rests on."""
    verdict = judged(ERRORS, [GOOD] * 10)

    assert (verdict.state, verdict.met, verdict.final) == (WindowState.MET, True, True)
    assert (verdict.value, verdict.margin, verdict.n, verdict.observed_s) == (1, 1, 1000, 100)
    assert str(verdict) == (
        "error rate 1.00 %, asked below 2 % (n=1000, errors over all counted answers, a test, 10 of 10 points known), "
        "observed 100 s of 100 s asked"
    )
    assert (verdict.measured.what, verdict.measured.asked) == ("error rate", "< 2 % for 100 s")
    assert repr(verdict) == str(verdict)


def test_it_passes_late() -> None:
    """All good so far is not met, and asking whether it is met is an error, not a no."""
    verdict = judged(ERRORS, [GOOD] * 9, after_s=99)

    assert (verdict.state, verdict.final) == (WindowState.HOLDING, False)
    with pytest.raises(MeasurementFailed, match=r"error rate 1\.00 % so far, asked below 2 %"):
        assert verdict.met


def test_the_share_over_the_whole_window_breaks_it_when_it_is_complete() -> None:
    """Every fifth step at 9 % is no run, and in all it is 2 %."""
    told = [Answers(100, 9 if number % 5 == 0 else 0.25) for number in range(10)]

    assert judged(ERRORS, told[:9], after_s=95).state is WindowState.HOLDING
    assert judged(ERRORS, told).state is WindowState.BROKEN
    assert "2.00 % over all 1000 answers" in judged(ERRORS, told).reason


def test_shares_are_never_averaged() -> None:
    """One error among two answers weighs what two answers weigh."""
    verdict = judged(ERRORS, [Answers(1000, 1)] * 9 + [Answers(2, 1)])

    assert verdict.state is WindowState.MET
    assert verdict.value == pytest.approx(100 * 10 / 9002)


def test_a_run_of_bad_steps_breaks_it_at_once() -> None:
    """Long before its end, however small its share of the window."""
    spec = replace(ERRORS, duration_s=10_000)
    verdict = judged(spec, [Answers(10_000, 0)] * 5 + [BAD] * 3, after_s=80)

    assert (verdict.state, verdict.met) == (WindowState.BROKEN, False)
    assert verdict.reason == "at or above 2 % for 30 s from +50 s of the watch on (tolerated 20 s)"


def test_at_the_limit_is_not_below_it() -> None:
    """The plan says below."""
    assert judged(MEMORY, [99.99] * 10).state is WindowState.MET
    assert judged(MEMORY, [100.0] * 10).state is WindowState.BROKEN


def test_one_point_of_a_gauge_at_the_limit_breaks_it_at_once() -> None:
    """A gauge has no counts that could make up for it."""
    verdict = judged(MEMORY, [50.0, 120.0], after_s=20)

    assert (verdict.state, verdict.value) == (WindowState.BROKEN, 120)
    assert "120.00 MB at +20 s" in verdict.reason


def test_a_gap_is_unknown() -> None:
    """With the reason that the points give; broken would come first, met never."""
    verdict = judged(ERRORS, [GOOD] * 3 + [None] * 3 + [GOOD] * 4)

    assert verdict.state is WindowState.UNKNOWN
    assert verdict.reason.startswith(
        "no known point for 40.0 s from +30.0 s of the watch on (tolerated 30 s): it was not scraped"
    )
    assert "7 of 10 points known" in str(verdict)
    assert verdict.measured.proviso == "no known point for 40.0 s"
    with pytest.raises(MeasurementFailed, match="7 of 10 points known"):
        assert verdict.met


def test_a_gap_at_the_end_is_a_gap() -> None:
    """A source that falls silent does not confirm anything; the last points are waited for."""
    assert judged(ERRORS, [GOOD] * 6, after_s=101).state is WindowState.UNKNOWN
    assert judged(ERRORS, [GOOD] * 8, after_s=101).state is WindowState.HOLDING
    assert judged(ERRORS, [GOOD] * 8, after_s=200).state is WindowState.MET


def test_no_points_at_all_are_unknown() -> None:
    """An empty result is not 0 %."""
    verdict = judged(ERRORS, [], after_s=200)

    assert (verdict.state, verdict.value, verdict.n) == (WindowState.UNKNOWN, None, 0)
    assert "no point at all" in verdict.reason


def test_too_few_points_or_answers_are_unknown() -> None:
    """However good they are."""
    few_points = judged(replace(ERRORS, n_min=10), [GOOD] * 4 + [None] + [GOOD] * 5)
    few_answers = judged(replace(ERRORS, answers_min=1001), [GOOD] * 10)

    assert (few_points.state, few_points.reason) == (WindowState.UNKNOWN, "9 known points, 10 are needed")
    assert (few_answers.state, few_answers.reason) == (
        WindowState.UNKNOWN,
        "1000 answers were counted, 1001 are needed",
    )


def buckets(edges: tuple[float, ...], counts: tuple[int, ...]) -> Times:
    """Counts by bucket; the last has no upper edge."""
    pairs = zip(pairwise([0.0, *edges, math.inf]), counts, strict=True)
    return Times({between: count for between, count in pairs if count})


def step(n: int, p95_ms: float) -> Times:
    """What a provider tells of one step."""
    return Times.of_step(n, {95.0: p95_ms})


FAST = buckets((100, 500), (99, 1, 0))
UNCLEAR = buckets((250, 1000), (90, 10, 0))
ENDLESS = buckets((100, 500), (0, 0, 100))


def test_p95_over_a_window_comes_from_all_buckets_together() -> None:
    """One slow step of ten: 45 slow among 945 are within the five of a hundred, 100 among 1,000 are not."""
    assert judged(P95, [FAST] * 10).state is WindowState.MET
    assert judged(P95, [FAST] * 9 + [buckets((100, 500), (0, 0, 45))]).state is WindowState.MET
    assert judged(P95, [FAST] * 9 + [ENDLESS]).state is WindowState.BROKEN


def test_a_bucket_that_holds_the_limit_leaves_it_unknown() -> None:
    """With the interval, and what to do."""
    verdict = judged(P95, [UNCLEAR] * 10)

    assert verdict.state is WindowState.UNKNOWN
    assert "lies between 250 and 1000 ms, and the limit of 500 ms lies there too" in verdict.reason
    assert "response time not known: between 250 and 1000 ms" in str(verdict)


def test_above_the_last_bucket_is_broken_and_has_no_value() -> None:
    """Nobody knows how slow, and slow it is."""
    verdict = judged(P95, [ENDLESS] * 10)

    assert (verdict.state, verdict.value, verdict.margin) == (WindowState.BROKEN, None, None)
    assert verdict.measured.value == "above 500 ms, nothing more is known"
    assert "above 500 ms" in verdict.reason


def test_an_unclear_step_neither_ends_nor_starts_a_run() -> None:
    """Three slow steps with an unclear one among them."""
    slow = buckets((250, 1000), (0, 0, 10))
    straddling = buckets((250, 1000), (0, 10, 0))

    assert judged(P95, [slow, straddling, slow], after_s=30).state is WindowState.BROKEN
    assert judged(P95, [straddling] * 3, after_s=30).state is WindowState.HOLDING


def test_a_step_from_before_the_window_is_left_out() -> None:
    """A part of it belongs to the incident."""
    told = series(ERRORS, [GOOD] * 10)
    before = from_evidence(START_S + 4, Answers(100, 100))
    verdict = judge_series(replace(told, points=(before, *told.points)), ERRORS, start_s=START_S, now_s=START_S + 100)

    assert (verdict.state, verdict.n) == (WindowState.MET, 1000)


def test_counts_and_bare_shares_do_not_mix() -> None:
    """A share without its counts cannot be weighed."""
    verdict = judged(ERRORS, [GOOD] * 9 + [1.0])

    assert verdict.state is WindowState.UNKNOWN
    assert "cannot be added up" in verdict.reason


# ---------------------------------------------------------------- points


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_an_unknown_point(value: float) -> None:
    """NaN is not below 100, and not above it either."""
    assert gauge(1, value) == Point(1, None, why=f"the source says {value}")
    with pytest.raises(ValueError, match="what is not a number is unknown"):
        Point(1, value)


def test_moments_out_of_order_are_unknown() -> None:
    """A source that answers so is not to be believed."""
    with pytest.raises(MeasurementFailed, match="not in order of time"):
        Series(Quantity.MEMORY_MB, "a test", 1, (gauge(2, 1), gauge(2, 1)))


def test_only_the_same_kind_is_added_up() -> None:
    """And a window without points has no sum."""
    steps = step(3, 20)

    assert pooled([]) is None
    assert pooled([from_evidence(1, steps), from_evidence(2, steps)]) == Times({(0, 20): 4, (20, 20): 2})
    with pytest.raises(TypeError, match="cannot be added up"):
        pooled([from_evidence(1, steps), from_evidence(2, GOOD)])


def test_points_that_stand_for_too_long_are_unknown_at_once() -> None:
    """A provider that tells whole minutes cannot judge a quarter of one: nobody waits for it, and it is not green."""
    coarse = Series(Quantity.ERROR_RATE_PCT, "a test", 60.0, (from_evidence(START_S + 60, GOOD),))
    verdict = judge_series(coarse, ERRORS, start_s=START_S, now_s=START_S + 61)

    assert (verdict.state, verdict.final) == (WindowState.UNKNOWN, True)
    assert verdict.reason.startswith("its points stand for 60 s each, so a window of 100 s has 1 at most, 5 are needed")


def test_a_point_beyond_the_end_completes_it() -> None:
    """Steps that begin when the provider likes need not end with the window."""
    shifted = [from_evidence(START_S + 3 + number * STEP_S, GOOD) for number in range(1, 11)]
    verdict = judge_series(
        Series(Quantity.ERROR_RATE_PCT, "a test", STEP_S, tuple(shifted)), ERRORS, start_s=START_S, now_s=START_S + 103
    )

    assert (verdict.state, "9 of 9 points known" in str(verdict)) == (WindowState.MET, True)


def test_percentiles_of_steps_are_weighed_not_averaged() -> None:
    """One slow step of ten leaves the percentile between them: not to be told, and so not met."""
    fast, slow = step(100, 40.0), step(100, 900.0)
    tolerant = replace(P95, bad_run_max_s=STEP_S)

    met = judged(tolerant, [fast] * 10)
    assert (met.state, met.value, met.n) == (WindowState.MET, 40, 1000)
    mixed = judged(tolerant, [fast] * 9 + [slow])
    assert mixed.state is WindowState.UNKNOWN
    assert "the response time lies between 40 and 900 ms" in mixed.reason
    assert (mixed.value, mixed.measured.value) == (None, "between 40 and 900 ms")
    # So few slow answers that what rounding leaves of the others' twentieths has room for all of them.
    rounded = step(119, 40.0)
    assert judged(tolerant, [rounded] * 9 + [step(4, 900.0)]).state is WindowState.MET
    assert judged(tolerant, [slow, fast, slow, slow, fast, slow, slow, slow, fast, slow]).state is WindowState.BROKEN


def test_requests_that_clients_gave_up_may_be_either() -> None:
    """Users who went away, or a service that hangs: a share that matters is not to be told, and a few are no harm."""
    few = judged(ERRORS, [Answers(100, 0, unsure=1)] * 10)
    assert (few.state, few.value, few.definition.split(", a test")[0]) == (
        WindowState.MET,
        0,
        "errors over all counted answers, 10 more given up by clients",
    )
    many = judged(ERRORS, [Answers(100, 1, unsure=60)] * 10)
    assert many.state is WindowState.UNKNOWN
    assert "the error rate lies between 1.00 and 61.00 %, and the limit of 2 % lies there too" in many.reason
    assert judged(ERRORS, [Answers(100, 2, unsure=60)] * 10).state is WindowState.BROKEN


@pytest.mark.parametrize("counts", [(10, 5, 6), (10, -1, 0), (10, 0, -1), (0, 0, 0), (math.nan, 0, 0), (10, 11, 0)])
def test_what_cannot_be_counts_is_refused(counts: tuple[float, float, float]) -> None:
    """More than all, or less than none."""
    with pytest.raises(ValueError, match="are no counts"):
        Answers(*counts)


SHORTENED = replace(ERRORS, asked_s=6000)


@pytest.mark.parametrize(
    ("windows", "needed_s"),
    [
        pytest.param([judged(SHORTENED, [Answers(10, 0)] * 10)], 187.5, id="too-few"),
        pytest.param([judged(SHORTENED, [GOOD] * 10)], 0, id="enough"),
        pytest.param([judged(ERRORS, [Answers(10, 0)] * 10)], 100, id="as-long-as-asked"),
        pytest.param([judged(SHORTENED, [Answers(1, 0)] * 10)], 0, id="hopeless"),
        pytest.param([judged(replace(MEMORY, asked_s=6000, n_min=50), [7.0] * 10)], 0, id="no-answers"),
        pytest.param(
            [judged(SHORTENED, [Answers(10, 0)] * 10), judged(MEMORY, [700.0] * 10)], 0, id="beside-a-broken-one"
        ),
        pytest.param([], 0, id="nothing-told"),
    ],
)
def test_a_shortened_window_is_made_long_enough(windows: list[Window], needed_s: float) -> None:
    """For the number of answers alone; never beyond what the plan asks for, and not where waiting does not help."""
    assert long_enough_s(windows) == pytest.approx(needed_s)


def test_our_own_requests_are_those_that_were_measured() -> None:
    """A probe that left late, or never, was no request of which anything is known."""
    good = Sample(due_s=1, latency_ms=20, journey="history", ok=True)
    late, never = replace(good, lag_ms=900), replace(good, lag_ms=None, latency_ms=math.nan)

    assert answers_in([good, replace(good, ok=False), late, never]) == Answers(2, 1)
    assert answers_in([late, never]) is None


SLOW = buckets((100, 500, 1000), (80, 10, 10, 0))
TOLD: dict[Quantity, list[Any]] = {
    Quantity.ERROR_RATE_PCT: [GOOD, BAD, Answers(100, 1, 4), Answers(100, 50), 0.5, 2, None],
    Quantity.LATENCY_P95_MS: [
        SLOW,
        buckets((100, 400, 1000), (80, 10, 10, 0)),
        buckets((100,), (1, 99)),
        20,
        700,
        None,
    ],
    Quantity.MEMORY_MB: [60, 99.9, 100, None],
}


@given(data=st.data(), spec=st.sampled_from([ERRORS, P95, MEMORY]), after_s=st.sampled_from([60, 100, 200]))
def test_what_the_criteria_assert_is_the_verdict(data: st.DataObject, spec: Terms, after_s: float) -> None:
    """By the figures alone: met is good, broken is not, and nothing else is either."""
    told = data.draw(st.lists(st.sampled_from(TOLD[spec.measure]), min_size=6, max_size=10))
    found = judged(spec, told, after_s=after_s)
    try:
        good: bool | None = found.number < spec.limit and found.bad_run_s <= spec.bad_run_max_s
    except MeasurementFailed:
        good = None

    assert good is {WindowState.MET: True, WindowState.BROKEN: False}.get(found.state)


MET = Window(
    spec=Terms(measure=Quantity.ERROR_RATE_PCT, limit=2, duration_s=900, n_min=10, gap_max_s=180),
    state=WindowState.MET,
    reason="",
    value=0.1,
    bounds="",
    definition="errors over all counted answers, Render, srv-x, 14 of 14 points known",
    n=1000,
    observed_s=900,
    at_least=0.1,
)


def test_records_with_our_requests_are_believed() -> None:
    """A few at the edges of their steps may be missing; what was not answered to us may never have arrived. Both figures are told."""
    found = RecordedWindow(MET, Answers(1250, 0))

    assert found.number == 0.1
    assert str(found).endswith("14 of 14 points known), observed 900 s of 900 s asked; the prober saw 0.00 %, n=1250")
    assert repr(found) == str(found)
    assert RecordedWindow(MET, Answers(2000, 750)).number == 0.1
    # Memory, and counters that leave out all that a prober without an account can ask.
    assert RecordedWindow(MET).number == 0.1
    p95 = replace(MET, spec=replace(MET.spec, measure=Quantity.LATENCY_P95_MS))
    assert str(RecordedWindow(p95, Answers(7, 0))).endswith("; 7 requests were the prober's")


def test_records_without_our_requests_are_about_something_else() -> None:
    """A quiet service of another environment looks healthy. What is broken is broken all the same: they may be what was lost."""
    with pytest.raises(
        MeasurementFailed, match=r"expected our own 1251 requests .* are these the records of this service\?"
    ):
        _ = RecordedWindow(MET, Answers(1251, 0)).number
    assert RecordedWindow(replace(MET, state=WindowState.BROKEN, at_least=3), Answers(9999, 0)).number == 3


def test_what_was_not_waited_for_is_unknown_and_says_why() -> None:
    """Another measure was broken."""
    cut = RecordedWindow(replace(MET, state=WindowState.HOLDING))

    with pytest.raises(MeasurementFailed, match=r"error rate .* so far, .*; not waited for: another measure is broken"):
        _ = cut.number
