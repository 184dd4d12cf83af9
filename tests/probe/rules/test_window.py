"""Windows: fail fast, pass late, see every second, and never take the unknown for good."""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.measure import Window, WindowState
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.window import WindowSpec, judge
from pam_rollback.stats.series import Quantity

RATE_HZ = 10.0
START_S = 1000.0
ERRORS = WindowSpec(measure=Quantity.ERROR_RATE_PCT, limit=2, duration_s=60, n_min=100, gap_max_s=3, bad_run_max_s=2)
LATENCY = replace(ERRORS, measure=Quantity.LATENCY_P95_MS, limit=500)


def good(due_s: float) -> Sample:
    """Make a good sample."""
    return Sample(due_s=due_s, latency_ms=20, journey="health", ok=True)


def error(due_s: float) -> Sample:
    """Make a sample that failed at once."""
    return Sample(due_s=due_s, latency_ms=1, journey="health", ok=False, why="HTTP 503 instead of 200", status=503)


def slow(due_s: float) -> Sample:
    """Make a good sample after 700 ms."""
    return replace(good(due_s), latency_ms=700)


def void(due_s: float) -> Sample:
    """Make a sample that says nothing about the service, such as a sign-in that is rate limited."""
    return replace(error(due_s), void="rate limited", status=429)


def late(due_s: float) -> Sample:
    """Make a sample of a probe that left too late."""
    return replace(good(due_s), lag_ms=400, latency_ms=420)


def history(seconds: float, *changes: tuple[float, float, Callable[[float], Sample] | None]) -> list[Sample]:
    """Ten good samples a second, but within each change (from, to) the other kind, or none."""
    samples = []
    for tick in range(round(seconds * RATE_HZ)):
        offset_s = tick / RATE_HZ
        make: Callable[[float], Sample] | None = good
        for from_s, to_s, other in changes:
            make = other if from_s <= offset_s < to_s else make
        if make is not None:
            samples.append(make(START_S + offset_s))
    return samples


def judged(
    samples: Iterable[Sample], spec: WindowSpec = ERRORS, *, at_s: float = 60.0, settled_s: float | None = None
) -> Window:
    """Judge so many seconds after the start."""
    return judge(
        samples,
        spec,
        start_s=START_S,
        now_s=START_S + at_s,
        rate_hz=RATE_HZ,
        settled_s=None if settled_s is None else START_S + settled_s,
    )


def test_met_only_when_complete() -> None:
    """A good window passes at its end and not a moment earlier."""
    samples = history(60)

    assert judged(samples[:-10], at_s=59).state is WindowState.HOLDING
    verdict = judged(samples)
    assert (verdict.state, verdict.value, verdict.n, verdict.margin) == (WindowState.MET, 0.0, 600, 2.0)
    assert (verdict.observed_s, verdict.asked_s) == (60, 60)


def test_not_met_before_every_probe_is_accounted_for() -> None:
    """At the end of the window the last probes are still out: they may hang, so the window waits for them."""
    samples = history(59)

    assert judged(samples, at_s=61, settled_s=59).state is WindowState.HOLDING


def test_says_what_the_plan_asks_beside_what_was_observed() -> None:
    """A window at a higher pace never claims the plan's time."""
    verdict = judged(history(60), replace(ERRORS, asked_s=900))

    assert verdict.state is WindowState.MET
    assert "observed 60 s of 900 s asked" in str(verdict)


def test_fails_as_soon_as_it_cannot_be_met() -> None:
    """600 samples and a limit of 2 % leave room for 11 errors: the 12th ends the window, a minute before its end."""
    at_limit = [*history(3, (0, 1.1, error))]
    beyond = [*history(3, (0, 1.3, error))]

    assert judged(at_limit, at_s=3).state is WindowState.HOLDING
    verdict = judged(beyond, at_s=3)
    assert verdict.state is WindowState.BROKEN
    assert "13 errors among at most 601 samples" in verdict.reason


def test_the_journeys_with_bad_answers_are_named() -> None:
    """The one with the most first: an error that a cache keeps is one journey's, an outage everybody's."""
    samples = history(60, (10, 12, error))
    mixed = [replace(sample, journey="cached front page") if n % 4 else sample for n, sample in enumerate(samples)]

    assert str(judged(mixed)).endswith("; bad answers: cached front page 15, health 5")
    assert "bad answers" not in str(judged(history(60)))


def test_the_limit_itself_is_too_much() -> None:
    """'Below 2 %' means strictly below: 12 of 600 break it, 11 do not."""
    twelve = {50 * number for number in range(12)}
    samples = [error(s.due_s) if i in twelve else s for i, s in enumerate(history(60))]

    assert judged(samples).state is WindowState.BROKEN
    assert judged([good(samples[0].due_s), *samples[1:]]).state is WindowState.MET


def test_a_short_total_outage_in_a_long_window_is_seen() -> None:
    """Three seconds of nothing but errors in an hour are 0.08 %, and yet users saw the service gone."""
    hour = replace(ERRORS, duration_s=3600)
    samples = history(3600, (1800, 1803, error))

    verdict = judged(samples, hour, at_s=3600)
    assert verdict.value is not None
    assert verdict.value < 0.1
    assert verdict.state is WindowState.BROKEN
    assert "every sample bad for 3 s from +1800 s of the watch on" in verdict.reason


def test_a_tolerated_run_of_bad_seconds_does_not_break_it() -> None:
    """Two wholly bad seconds are tolerated where two were declared."""
    hour = replace(ERRORS, duration_s=3600)

    assert judged(history(3600, (1800, 1802, error)), hour, at_s=3600).state is WindowState.MET


def test_empty_is_unknown() -> None:
    """No samples at all are never green, neither at once nor at the end."""
    assert judged([], at_s=0.5).state is WindowState.HOLDING
    assert judged([], at_s=10).state is WindowState.UNKNOWN
    assert judged([], at_s=60).state is WindowState.UNKNOWN


def test_too_few_samples_are_unknown() -> None:
    """Six hundred samples cannot be seven hundred: known from the beginning."""
    verdict = judged(history(10), replace(ERRORS, n_min=700), at_s=10)

    assert verdict.state is WindowState.UNKNOWN
    assert "601 usable samples at most, 700 are needed" in verdict.reason


@pytest.mark.parametrize(("from_s", "to_s"), [(0, 4), (30, 34), (56, 60)])
def test_a_gap_is_unknown(from_s: float, to_s: float) -> None:
    """A hole at the beginning, in the middle or at the end could hide an outage."""
    verdict = judged(history(60, (from_s, to_s, None)))

    assert verdict.state is WindowState.UNKNOWN
    assert "a hole hides an outage" in verdict.reason


def test_a_tolerated_gap_is_no_gap() -> None:
    """Two seconds without samples where three are tolerated."""
    assert judged(history(60, (30, 32, None))).state is WindowState.MET


def test_a_prober_that_stalls_is_unknown() -> None:
    """Five per cent of probes that left late are tolerated; beyond that the prober was not fit to judge."""
    fit = history(60, (10, 11, late), (20, 21, late), (30, 31, late))
    unfit = history(60, (10, 11.2, late), (20, 21.2, late), (30, 31.2, late))

    assert judged(fit).state is WindowState.MET
    verdict = judged(unfit)
    assert verdict.state is WindowState.UNKNOWN
    assert "36 of 600 probes never left or left more than 250 ms late" in verdict.reason


def test_probes_that_never_left_are_not_dropped() -> None:
    """An overrun counts as not measured, never as good and never as if it had not been due."""
    samples = [
        replace(s, lag_ms=None, latency_ms=math.nan, ok=False) if i % 10 == 0 else s for i, s in enumerate(history(60))
    ]

    assert judged(samples).state is WindowState.UNKNOWN


def test_a_prober_that_fell_silent_is_unknown() -> None:
    """Nothing was recorded for longer than any answer can take: the prober is gone."""
    assert judged(history(20), at_s=27, settled_s=20).state is WindowState.HOLDING
    verdict = judged(history(20), at_s=29, settled_s=20)
    assert verdict.state is WindowState.UNKNOWN
    assert "the prober has recorded nothing for 9.0 s" in verdict.reason


def test_not_a_number_is_unknown() -> None:
    """A NaN compares false with every limit and must not pass for that."""
    samples = history(60)
    samples[100] = replace(samples[100], latency_ms=math.nan)

    assert judged(samples).state is WindowState.UNKNOWN
    assert judged(samples, LATENCY).state is WindowState.UNKNOWN


def test_broken_stands_although_something_is_unknown() -> None:
    """A gap does not excuse errors that were seen."""
    assert judged(history(60, (10, 12, error), (30, 40, None))).state is WindowState.BROKEN


def test_latency_is_judged_by_p95() -> None:
    """Slow for 5 % of the time is within a 95th percentile, for longer it is not."""
    assert judged(history(60, (0, 3, slow)), replace(LATENCY, bad_run_max_s=10)).state is WindowState.MET
    verdict = judged(history(60, (0, 3.1, slow)), replace(LATENCY, bad_run_max_s=10))
    assert (verdict.state, verdict.value, verdict.margin) == (WindowState.BROKEN, 700, -200)


def test_quick_failures_are_no_evidence_of_speed() -> None:
    """A service that refuses everything at once is not fast: its response time is unknown."""
    verdict = judged(history(60, (0, 60, error)), LATENCY)

    assert (verdict.state, verdict.value, verdict.n) == (WindowState.UNKNOWN, None, 0)


def test_answers_that_never_came_are_slow() -> None:
    """A probe that was given up after 5 s failed, and it was slow as well."""
    given_up = lambda due_s: replace(error(due_s), latency_ms=5000)  # noqa: E731

    assert judged(history(60, (0, 60, given_up)), LATENCY).state is WindowState.BROKEN


@pytest.mark.parametrize(
    "name", ["limit", "duration_s", "asked_s", "n_min", "answers_min", "gap_max_s", "answer_max_s"]
)
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_nonsense_is_refused(name: str, value: float) -> None:
    """A window that could never be judged is a defect of the plan, said at once."""
    with pytest.raises(ValueError, match=f"window on error_rate_pct: {name} must be a number above 0"):
        replace(ERRORS, **{name: value})  # type: ignore[arg-type]


KINDS = st.sampled_from([good, good, good, good, error, slow, late, None])
HISTORIES = st.lists(KINDS, min_size=40, max_size=40)
SHORT = replace(ERRORS, duration_s=4, n_min=10, gap_max_s=1, limit=30)


def made(kinds: list[Callable[[float], Sample] | None]) -> list[Sample]:
    """Make ten samples a second of these kinds."""
    return [make(START_S + tick / RATE_HZ) for tick, make in enumerate(kinds) if make is not None]


@given(
    HISTORIES, st.integers(0, 40), st.sampled_from([SHORT, replace(SHORT, measure=Quantity.LATENCY_P95_MS, limit=500)])
)
@settings(deadline=None)
def test_a_verdict_before_the_end_is_never_taken_back(
    kinds: list[Callable[[float], Sample] | None], cut: int, spec: WindowSpec
) -> None:
    """Whatever comes after, what was broken stays broken, and what was unknown is never met."""
    at_s = cut / RATE_HZ
    early = judged((s for s in made(kinds) if s.due_s < START_S + at_s), spec, at_s=at_s)
    end = judged(made(kinds), spec, at_s=4)

    assert end.state is not WindowState.HOLDING
    if early.state is WindowState.BROKEN:
        assert end.state is WindowState.BROKEN
    if early.state is WindowState.UNKNOWN:
        assert end.state is not WindowState.MET
    if cut < len(kinds):
        assert early.state is not WindowState.MET


@given(HISTORIES, st.integers(0, 39))
@settings(deadline=None)
def test_more_errors_never_help(kinds: list[Callable[[float], Sample] | None], index: int) -> None:
    """Turning any sample into an error never turns a window that was not met into one that is."""
    before = judged(made(kinds), SHORT, at_s=4)
    worse = [*kinds]
    worse[index] = error if worse[index] is not None and worse[index] is not late else worse[index]
    after = judged(made(worse), SHORT, at_s=4)

    assert before.state is WindowState.MET or after.state is not WindowState.MET


def test_a_verdict_is_one_line_with_all_that_it_rests_on() -> None:
    """Of each measure, with its unit; the rule of the percentile where there is one."""
    assert str(judged([error(START_S), *history(60)[1:]])) == (
        "error rate 0.17 %, asked below 2 % (n=600), observed 60 s of 60 s asked; bad answers: health 1"
    )
    assert str(judged(history(60, (0, 40, slow)), LATENCY)) == (
        "response time 700.00 ms, asked below 500 ms (n=600, p95, nearest rank), observed 60 s of 60 s asked: "
        "400 samples at or above 500 ms among at most 600 samples: whatever still comes, p95 stays at 500 ms or more; "
        "bad answers: health 400"
    )
    hopeless = judged([error(START_S + at) for at in range(20)])
    assert "whatever still comes, the error rate stays at 2 % or more" in str(hopeless)
    assert str(judged([])).startswith("error rate not known: nothing measured, asked below 2 % (n=0)")
    assert judged([]).margin is None


def test_the_table_of_criteria_names_the_measure() -> None:
    """With what was asked, in its unit."""
    errors, p95 = (
        judged(history(60), replace(ERRORS, asked_s=60)).measured,
        judged(history(60), replace(LATENCY, asked_s=900)).measured,
    )

    assert (errors.what, errors.asked, errors.unit, errors.definition) == (
        "error rate",
        "< 2 % for 60 s",
        "%",
        "observed 60 s",
    )
    assert (p95.what, p95.asked, p95.unit) == ("response time", "< 500 ms for 900 s", "ms")
    assert (p95.value, p95.margin, p95.definition) == (20, 480, "p95, nearest rank, observed 60 s")


def test_the_worst_part_names_the_others() -> None:
    """Each with its own value and n; where there is one part only, nothing is said of it."""
    bad, none = judged([error(START_S), *history(60)[1:]]), judged([])
    found = replace(bad, part="back end", others=(("front end", judged(history(60))), ("rows", none)))

    assert str(found).startswith("error rate of the back end 0.17 %, ")
    assert str(found).endswith("; bad answers: health 1; beside it: front end 0 % (n=600), rows nothing (n=0)")
    assert found.measured.definition == "of the back end, the worst of 3 parts, observed 60 s"


@pytest.mark.parametrize(
    ("value", "bounds", "told"),
    [(None, "1 to 3 %", ("1 to 3 %", "")), (2.0, "1 to 3 %", (2.0, "%")), (None, "", (None, "%"))],
)
def test_bounds_are_told_where_they_are_all_that_is_known(value: float | None, bounds: str, told: object) -> None:
    """They have their unit in them."""
    figures = replace(judged(history(60)), value=value, bounds=bounds).measured

    assert (figures.value, figures.unit) == told


def test_the_smallest_figures_that_make_sense() -> None:
    """Below one, and one sample."""
    assert judged(history(60), replace(ERRORS, limit=0.5, gap_max_s=0.5, n_min=1)).met


def test_what_lies_outside_the_window_is_not_counted() -> None:
    """Before its start, from its end on, and in whatever order it comes."""
    outside = [error(START_S - 0.1), *(error(START_S + 60 + tick / 10) for tick in range(30))]
    verdict = judged([*reversed(history(60)), *outside], at_s=70)

    assert (verdict.state, verdict.n, verdict.bad) == (WindowState.MET, 600, 0)


def test_an_answer_at_the_limit_is_slow_whether_it_is_right_or_wrong() -> None:
    """Strictly below; a failure that took as long says that the service is slow."""
    at_limit = replace(good(START_S), latency_ms=500)

    for kind in (at_limit, replace(at_limit, ok=False)):
        verdict = judged([replace(kind, due_s=sample.due_s) for sample in history(60)], LATENCY)
        assert (verdict.bad, verdict.n, verdict.value) == (600, 600, 500)


def test_failures_that_say_nothing_of_speed_leave_fewer_samples_to_come() -> None:
    """300 quick failures of 600: sixteen slow answers are more than 5 of 100 of the other 300."""
    samples = history(60, (0, 30, error), (30, 31.6, slow))

    verdict = judged(samples, replace(LATENCY, bad_run_max_s=9, gap_max_s=60))
    assert (verdict.state, verdict.n, verdict.bad) == (WindowState.BROKEN, 300, 16)


def test_a_probe_that_never_left_has_no_latency_and_is_no_wrong_number() -> None:
    """A few of them are tolerated."""
    gone = replace(good(START_S), lag_ms=None, latency_ms=math.nan)

    assert judged([gone, *history(60)[1:]]).met


def blocked(due_s: float) -> Sample:
    """Make a sample of a time in which we were refused everything."""
    return replace(void(due_s), blocked=True)


def test_what_is_void_counts_neither_for_nor_against() -> None:
    """Nor against the prober; it may have been good, so that it leaves as many samples possible as there were probes."""
    few = judged(history(60, (10, 10.5, void)))
    assert (few.n, few.bad) == (595, 0)

    # Eleven errors of 550 are 2 %, of 600 they are not: nobody knows what the others would have been.
    some = judged(history(60, (0, 1.1, error), (20, 22.5, void), (30, 32.5, void)))
    assert (some.state is WindowState.BROKEN, some.bad) == (False, 11)


@pytest.mark.parametrize(
    ("blind", "broken"),
    [((1, 3), False), ((2, 2.5), True), ((2, 3), False), ((0, 1), True), ((5, 6), True), ((1, 1), True)],
)
def test_a_time_in_which_we_were_blocked_ends_a_run_of_bad_seconds(blind: tuple[float, float], *, broken: bool) -> None:
    """Errors for five seconds: what was between them is not known. A later block changes nothing of them."""
    samples = history(600, (0, 5, error), (*blind, blocked), (20, 21, blocked))
    verdict = judged(samples, replace(ERRORS, duration_s=600), at_s=600)

    assert ("every sample bad" in verdict.reason) is broken


def test_a_block_within_a_bad_second_ends_the_run_before_it() -> None:
    """Two seconds before it, two from it on: neither is too long."""
    samples = history(600, (0, 4, error), (2, 2.5, blocked))

    assert "every sample bad" not in judged(samples, replace(ERRORS, duration_s=600), at_s=600).reason


def test_seconds_are_looked_at_in_the_order_of_time() -> None:
    """Also the few of a window that has hardly any answers."""
    verdict = judged([error(START_S + 1), error(START_S + 8)], replace(ERRORS, limit=100.5, duration_s=600), at_s=600)

    assert "every sample bad for 8 s from +1 s of the watch on" in verdict.reason


def test_a_second_with_one_good_answer_ends_a_run_of_bad_seconds() -> None:
    """And one that is not over yet is not in it."""
    long = replace(ERRORS, duration_s=600)

    assert judged(history(600, (0, 1.9, error), (2, 4, error)), long, at_s=600).met
    assert judged(history(3, (0, 3, error)), long, at_s=2.9).state is WindowState.HOLDING
    assert judged(history(3, (0, 3, error)), long, at_s=3).state is WindowState.BROKEN


def is_asserted(found: Window) -> bool | None:
    """What the criteria's tests assert of it; None where that raises."""
    try:
        return found.number < found.spec.limit and found.bad_run_s <= found.spec.bad_run_max_s
    except MeasurementFailed:
        return None


KINDS = st.sampled_from([good, error, slow, late, void, None])
CHANGES = st.lists(st.tuples(st.integers(0, 120), st.integers(1, 9), KINDS), max_size=5)


@given(changes=CHANGES, at_s=st.sampled_from([4.0, 12.0, 15.0, 16.0]), spec=st.sampled_from([ERRORS, LATENCY]))
def test_what_the_criteria_assert_is_the_verdict(changes: list[Any], at_s: float, spec: WindowSpec) -> None:
    """By the figures alone: met is good, broken is not, and nothing else is either."""
    spec = replace(spec, duration_s=15, n_min=30)
    history_of = history(min(at_s, 15), *((start / 8, (start + length) / 8, make) for start, length, make in changes))
    found = judged(history_of, spec, at_s=at_s)

    assert is_asserted(found) is {WindowState.MET: True, WindowState.BROKEN: False}.get(found.state)


def test_each_limit_to_the_sample() -> None:
    """One less, and the verdict is the other one."""
    assert judged(history(60, (0, 1.1, error))).at_least == pytest.approx(100 * 11 / 600)
    assert judged(history(6, (0, 1.1, error)), at_s=6).at_least == pytest.approx(100 * 11 / 601)
    assert judged([], at_s=1).at_least is None
    assert judged([error(START_S), *history(60)[1:]]).value == pytest.approx(100 / 600)
    assert judged(history(60), replace(ERRORS, n_min=600)).met
    assert judged(history(60), replace(ERRORS, n_min=601)).state is WindowState.UNKNOWN
    assert judged(history(60, (10.1, 13, None))).met  # 3 s from one sample to the next
    assert judged(history(60), at_s=100, settled_s=60).met  # it is over: whoever asks later learns the same
    assert judged(history(20), at_s=28, settled_s=20).state is WindowState.HOLDING  # an answer may take 5 s, a gap 3 s
    assert judged(history(20), at_s=28.1, settled_s=20).state is WindowState.UNKNOWN


def test_a_gap_that_goes_on_is_as_long_as_is_known() -> None:
    """The next sample is there already, but not all that were due before it."""
    assert judged(history(14.1, (10.1, 14, None)), at_s=14.2, settled_s=12).state is WindowState.HOLDING


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        (WindowState.UNKNOWN, "not signed in: the sign-in is rate limited (HTTP 429)", "not signed in"),
        (WindowState.UNKNOWN, "12 usable samples at most, 30 are needed", "12 usable samples at most"),
        (WindowState.UNKNOWN, "no known point for 40.0 s (tolerated 30 s): no point", "no known point for 40.0 s"),
        (WindowState.BROKEN, "not signed in: the sign-in is rate limited (HTTP 429)", ""),
        (WindowState.MET, "", ""),
    ],
)
def test_a_figure_that_proves_nothing_says_why(state: WindowState, reason: str, said: str) -> None:
    """In its first words, beside the figure; what is judged needs none."""
    spec = WindowSpec(measure=Quantity.ERROR_RATE_PCT, limit=2, duration_s=15)
    found = Window(spec=spec, state=state, reason=reason, value=0.0, at_least=0.0, n=150, observed_s=15)

    assert found.measured.proviso == said
