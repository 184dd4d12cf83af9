"""Downtime, errors and slowness: what of the users' answers bears on which criterion, and what the plan leaves between them."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist

import pytest

from pam_rollback.decision.decision import Lasting, State
from pam_rollback.decision.decision_measures import (
    downtime,
    error_rate,
    judged_downtime,
    judged_errors,
    judged_far_slower,
    judged_slower,
    partial_downtime,
    slowdown,
)
from pam_rollback.plan.plan import load_plan
from pam_rollback.probe.change import Change
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.sustained import Condition, ConditionState, Measure, Question, Span, judge
from pam_rollback.stats.percentiles import Distribution

GAPS = load_plan(Path(__file__).resolve().parents[3] / "plan.toml").decision.gaps
JOURNEYS = ("front page", "history", "expenses")
PARTS = {"front end": ("front page",), "back end": ("history", "expenses")}
RATE_HZ = 10.0
MINUTES_5 = 300.0
MINUTES_10 = 600.0
BEFORE = Distribution.of([100.0 + index % 10 for index in range(1000)])
"""p95 is 109 ms."""

Make = Callable[[int], Sample]


def answer(tick: int, *, ms: float = 105, ok: bool = True) -> Sample:
    """One after the other, of each journey in turn."""
    journey = JOURNEYS[tick % len(JOURNEYS)]
    return Sample(due_s=tick / RATE_HZ, latency_ms=ms, journey=journey, ok=ok, why="" if ok else "HTTP 503")


def usual(tick: int) -> Sample:
    """Make a good answer, as fast as before."""
    return answer(tick, ms=100.0 + tick % 10)


def slower_by(pct: float) -> Make:
    """Make good answers that take so much longer."""
    return lambda tick: replace(usual(tick), latency_ms=usual(tick).latency_ms * (1 + pct / 100))


def dead(*journeys: str) -> Make:
    """Refuse all of these journeys."""
    return lambda tick: replace(usual(tick), ok=False, latency_ms=2) if usual(tick).journey in journeys else usual(tick)


def failing(every: int) -> Make:
    """Fail once in so many answers of each journey."""
    return lambda tick: answer(tick, ok=False, ms=2) if tick // len(JOURNEYS) % every == 0 else usual(tick)


def answers(*history: tuple[float, Make]) -> list[Sample]:
    """So many seconds of each."""
    samples: list[Sample] = []
    for seconds, make in history:
        samples += [make(tick) for tick in range(len(samples), len(samples) + round(seconds * RATE_HZ))]
    return samples


def held(samples: Sequence[Sample], measure: Measure, duration_s: float) -> Condition:
    """Judge at their end."""
    question = Question(asked_s=duration_s, duration_s=duration_s, gap_max_s=5)
    return judge(samples, question, measure, Span(0, len(samples) / RATE_HZ, RATE_HZ))


def by_part(samples: Sequence[Sample], measure: Callable[[str], Measure]) -> dict[str, Condition]:
    """Each part by itself."""
    own = {part: [one for one in samples if one.journey in names] for part, names in PARTS.items()}
    span = Span(0, len(samples) / RATE_HZ, RATE_HZ / len(JOURNEYS))
    question = Question(asked_s=MINUTES_5, duration_s=MINUTES_5, gap_max_s=5)
    return {part: judge(some, question, measure(part), span) for part, some in own.items()}


def told_alike(judged: Lasting) -> Lasting:
    """What a test compares says the same as the finding."""
    assert (judged.met_s >= judged.duration_s) is (judged.finding.state is State.HOLDS), judged
    return judged


def of_downtime(*history: tuple[float, Make]) -> Lasting:
    """IR-2."""
    samples = answers(*history)
    return told_alike(
        judged_downtime(by_part(samples, downtime), held(samples, partial_downtime(JOURNEYS), MINUTES_5), GAPS)
    )


def lower(shown: str) -> Measure:
    """SC-1's limit."""
    return error_rate(shown, 2, reached_counts=True)


def upper(shown: str) -> Measure:
    """IR-5's limit."""
    return error_rate(shown, 20)


def of_errors(*history: tuple[float, Make]) -> Lasting:
    """IR-5, above 2 % of SC-1."""
    samples = answers(*history)
    return told_alike(judged_errors(by_part(samples, upper), by_part(samples, lower), GAPS))


def of_speed(*history: tuple[float, Make]) -> tuple[Lasting, Lasting]:
    """IR-4 and CR-5."""
    samples = answers(*history)
    far = held(samples, slowdown(BEFORE, 50), MINUTES_10)
    band = held(samples, slowdown(BEFORE, 20, reached_counts=True), MINUTES_5)
    return told_alike(judged_far_slower(far, GAPS)), told_alike(judged_slower(band, far, GAPS))


@pytest.mark.parametrize(
    ("history", "state"),
    [
        ([(300, usual)], State.CLEAR),
        ([(300, dead(*JOURNEYS))], State.HOLDS),
        ([(300, dead("front page"))], State.HOLDS),
        ([(300, dead("history", "expenses"))], State.HOLDS),
        ([(300, dead("expenses"))], State.CONSIDER),
        ([(200, usual), (100, dead(*JOURNEYS))], State.WATCH),
        ([(200, usual), (100, dead("expenses"))], State.WATCH),
        ([(100, usual), (100, dead(*JOURNEYS)), (100, usual)], State.WATCH),
        ([(300, failing(4))], State.CLEAR),
        ([(200, dead(*JOURNEYS))], State.UNKNOWN),
    ],
    ids=[
        "healthy",
        "all dead",
        "no page",
        "nothing behind the page",
        "one journey dead",
        "dead, not for long",
        "one journey, not for long",
        "over again",
        "errors here and there",
        "five minutes are not over",
    ],
)
def test_down_is_when_nobody_can_be_served(history: list[tuple[float, Make]], state: State) -> None:
    """A user needs every part; a journey that is dead lies between the criteria."""
    assert of_downtime(*history).finding.state is state


@pytest.mark.parametrize(
    ("history", "parts"),
    [
        ([(300, dead("front page"))], ("front end",)),
        ([(300, dead("history", "expenses"))], ("back end",)),
        ([(300, dead(*JOURNEYS))], ("front end", "back end")),
        ([(300, usual)], ()),
    ],
)
def test_the_parts_that_fail_are_told(history: list[tuple[float, Make]], parts: tuple[str, ...]) -> None:
    """They decide what is recommended; the others are named beside them."""
    for found in (of_downtime(*history).finding, of_errors(*history).finding):
        assert found.parts == parts
        assert all(found.words.count(part) == 1 for part in PARTS)


def test_health_alone_asks_for_no_rollback() -> None:
    """It says nothing of what users read: where they are served it is a gap, where nothing else of the back end is known it counts."""
    good, bad = by_part(answers((300, usual)), downtime), by_part(answers((300, dead(*JOURNEYS))), downtime)
    partial = held(answers((300, usual)), partial_downtime(JOURNEYS), MINUTES_5)
    unknown = replace(good["back end"], state=ConditionState.UNKNOWN)

    dead_too = judged_downtime({"back end": bad["back end"], "health": bad["front end"]}, partial, GAPS).finding
    assert dead_too.parts == ("back end", "health")
    served = judged_downtime({**good, "health": bad["front end"]}, partial, GAPS).finding
    not_asked = judged_downtime({"back end": unknown, "health": bad["front end"]}, partial, GAPS).finding
    failing_health = {
        **by_part(answers((300, usual)), upper),
        "health": by_part(answers((300, dead(*JOURNEYS))), upper)["front end"],
    }
    errors = judged_errors(failing_health, {}, GAPS).finding

    assert (served.state, not_asked.state, errors.state) == (State.CONSIDER, State.HOLDS, State.CONSIDER)


@pytest.mark.parametrize(
    ("history", "state"),
    [
        ([(300, usual)], State.CLEAR),
        ([(300, failing(4))], State.HOLDS),
        ([(300, failing(5))], State.CONSIDER),
        ([(300, failing(12))], State.CONSIDER),
        ([(300, failing(50))], State.CONSIDER),
        ([(300, failing(60))], State.CLEAR),
        ([(200, usual), (100, failing(3))], State.WATCH),
        ([(100, usual), (100, failing(2)), (100, usual)], State.WATCH),
    ],
    ids=["healthy", "25 %", "exactly 20 %", "8 %", "exactly 2 %", "below 2 %", "not for long", "over again"],
)
def test_errors_above_the_limit_and_between_the_limits(history: list[tuple[float, Make]], state: State) -> None:
    """Exactly 20 % is not above 20 %, and exactly 2 % is not below 2 %: both lie between."""
    assert of_errors(*history).finding.state is state


@pytest.mark.parametrize(
    ("history", "far", "band"),
    [
        ([(600, usual)], State.CLEAR, State.CLEAR),
        ([(600, slower_by(60))], State.HOLDS, State.CLEAR),
        ([(600, slower_by(30))], State.CLEAR, State.HOLDS),
        ([(600, slower_by(10))], State.CLEAR, State.CLEAR),
        ([(200, usual), (400, slower_by(60))], State.WATCH, State.HOLDS),
        ([(500, usual), (100, slower_by(30))], State.CLEAR, State.WATCH),
        ([(100, slower_by(60)), (500, usual)], State.WATCH, State.CLEAR),
        ([(600, dead("history", "expenses"))], State.UNKNOWN, State.UNKNOWN),
    ],
    ids=["healthy", "+60 %", "+30 %", "+10 %", "+60 % not for long", "+30 % not for long", "over again", "most fail"],
)
def test_slower_than_the_band_within_it_and_below(history: list[tuple[float, Make]], far: State, band: State) -> None:
    """Above 50 % for less than its time is in the band; above it for all of it, the band has nothing to add."""
    found = of_speed(*history)

    assert tuple(judged.finding.state for judged in found) == (far, band), found


SCATTERED = Distribution.of([100 * math.exp(0.3 * NormalDist().inv_cdf((index + 0.5) / 1000)) for index in range(1000)])
"""Answers scatter as those of a real service do: p95 is 164 ms."""


def once_a_second(
    seed: int, *, bad: Sequence[range] = (), slow: Sequence[range] = (), times: float = 3.0
) -> list[Sample]:
    """Ten minutes at one request a second, with bursts."""
    lot = random.Random(seed)
    samples = []
    for at in range(600):
        ms = 100 * math.exp(lot.gauss(0, 0.3)) * (times if any(at in burst for burst in slow) else 1)
        ok = not any(at in burst for burst in bad)
        samples.append(replace(answer(at, ms=ms if ok else 2, ok=ok), due_s=float(at)))
    return samples


def states(samples: Sequence[Sample]) -> tuple[State, State, State]:
    """IR-4, CR-5 and IR-5, at their end."""

    def found(measure: Measure, duration_s: float) -> Condition:
        question = Question(asked_s=duration_s, duration_s=duration_s, gap_max_s=5)
        return judge(samples, question, measure, Span(0, len(samples), 1))

    far = found(slowdown(SCATTERED, 50), MINUTES_10)
    band = found(slowdown(SCATTERED, 20, reached_counts=True), MINUTES_5)
    errors, between = {"all": found(upper("all"), MINUTES_5)}, {"all": found(lower("all"), MINUTES_5)}
    slow, slower = judged_far_slower(far, GAPS), judged_slower(band, far, GAPS)
    failing = judged_errors(errors, between, GAPS)
    return slow.finding.state, slower.finding.state, failing.finding.state


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ends_at", [340, 400, 500, 600])
def test_a_burst_is_no_slow_or_failing_service_at_one_request_a_second_either(seed: int, ends_at: int) -> None:
    """A fifth of the time has 60 answers, which contradict neither a p95 nor 2 %: half a minute would stand for five otherwise."""
    burst = [range(ends_at - 30, ends_at)]
    hiccup = [range(ends_at - 8, ends_at)]

    far, band, _ = states(once_a_second(seed, slow=burst))
    *_, errors = states(once_a_second(seed, bad=hiccup))

    assert {far, band, errors} <= {State.WATCH, State.CLEAR, State.UNKNOWN}
    assert State.UNKNOWN not in {band, errors}


@pytest.mark.parametrize("seed", range(5))
def test_what_lasts_is_seen_at_one_request_a_second(seed: int) -> None:
    """All of the time: twice as slow, half as slow again, and one answer in twelve that fails."""
    always = [range(600)]
    far, _, _ = states(once_a_second(seed, slow=always, times=2))
    _, band, _ = states(once_a_second(seed, slow=always, times=1.4))
    *_, errors = states(once_a_second(seed, bad=[range(at, at + 1) for at in range(0, 600, 12)]))

    assert (far, band, errors) == (State.HOLDS, State.HOLDS, State.CONSIDER)


def test_a_prober_that_is_late_itself_accuses_nobody() -> None:
    """+60 % that are gone without the prober's own lag are not known."""
    samples = [replace(usual(tick), latency_ms=170.0, lag_ms=70.0) for tick in range(6000)]
    found = judged_far_slower(held(samples, slowdown(BEFORE, 50), MINUTES_10), GAPS)

    assert found.finding.state is State.UNKNOWN
    assert "this machine is too busy to judge" in found.finding.words


def test_what_is_far_faster_needs_no_large_baseline() -> None:
    """The samples could not show +20 %, and they do exclude it: the whole interval lies far below."""
    coarse = Distribution.of([100.0 * 1.04**index for index in range(170)])
    quick = [answer(tick, ms=10.0 * 1.04 ** (tick % 170)) for tick in range(200)]
    found = judged_far_slower(held(quick, slowdown(coarse, 20), 20.0), GAPS)

    assert found.finding.state is State.CLEAR, found


def test_a_baseline_that_is_too_small_tells_nothing_from_nothing() -> None:
    """Twenty answers bound no p95 from above: +60 % beside them may be no change at all."""
    few = Distribution.of([100.0 + index for index in range(20)])
    found = judged_far_slower(held(answers((600, slower_by(60))), slowdown(few, 50), MINUTES_10), GAPS)

    assert found.finding.state is State.UNKNOWN
    assert "take a larger baseline" in found.finding.words


# ---------------------------------------------------------------- each measure by itself


def of(journey: str, good: int, bad: int, why: str = "HTTP 503") -> list[Sample]:
    """So many answers of one journey."""
    some = [Sample(due_s=0.0, latency_ms=105, journey=journey, ok=True) for _ in range(good)]
    return some + [Sample(due_s=0.0, latency_ms=2, journey=journey, ok=False, why=why) for _ in range(bad)]


def test_three_answers_show_that_a_journey_is_dead_and_one_that_it_works() -> None:
    """Two say nothing, in either measure; a user is served when each side has a good answer."""
    down, partial = downtime("back end"), partial_downtime(("history",))

    for bad, dead_now in ((2, False), (3, True)):
        samples = of("history", 0, bad)
        assert (down.above(samples), partial.above(samples)) == (dead_now, dead_now)
        assert not partial.contradicts(samples)
        assert not down.contradicts(samples)
    assert down.contradicts(of("history", 1, 9))
    assert partial.contradicts(of("history", 1, 9))
    assert not down.above(of("history", 1, 3))
    assert not down.contradicts([])
    assert not partial.contradicts([])


def test_downtime_says_how_many_were_good() -> None:
    """And what was wrong most often."""
    samples = of("profile", 0, 2) + of("history", 0, 3)
    down, partial = downtime("back end"), partial_downtime(("profile", *JOURNEYS))

    assert down.words(samples) == "back end: 0 of 5 answers good; most often history: HTTP 503"
    assert down.words([]) == "back end: 0 of 0 answers good"
    assert (down.row(samples).value, down.row(samples).n) == ("none", 5)
    assert down.row(samples + of("expenses", 1, 0)).value == "some"
    assert partial.words(samples) == "never answered: history (n=5)"
    assert (partial.row(samples).value, partial.row(samples).n) == (1, 5)


def test_an_error_rate_says_what_was_wrong_most_often() -> None:
    """A person has to know what it is about; no answers are no rate."""
    twenty = error_rate("back end", 20)
    samples = of("chat", 6, 1, why="HTTP 500") + of("history", 0, 2) + of("history", 1, 1, why="")

    assert twenty.words(samples) == "error rate of the back end 36.4 % (4 of 11 answers; most often history: HTTP 503)"
    assert twenty.words(of("chat", 3, 0)) == "error rate of the back end 0.0 % (0 of 3 answers)"
    assert twenty.words(of("chat", 0, 1, why="x" * 300)).count("x") <= 100
    assert twenty.words([]) == "error rate of the back end not known (0 of 0 answers)"
    figures = twenty.row(of("chat", 3, 1))
    assert (figures.value, figures.margin, figures.n, figures.unit) == (25, -5, 4, "%")
    assert (twenty.row([]).value, twenty.row([]).margin) == (None, None)


@pytest.mark.parametrize(("reached_counts", "at_limit"), [(True, True), (False, False)])
def test_exactly_at_the_limit(*, reached_counts: bool, at_limit: bool) -> None:
    """Counts in the band, which begins there, and not above it."""
    twice = [replace(usual(tick), latency_ms=200.0) for tick in range(600)]

    limit_pct = Change.of_times(BEFORE, [200.0] * 600).increase

    assert slowdown(BEFORE, limit_pct, reached_counts=reached_counts).above(twice) is at_limit
    assert error_rate("all", 20, reached_counts=reached_counts).above(of("chat", 12, 3)) is at_limit


def test_two_bad_answers_are_no_rate_yet() -> None:
    """Of the few of one part in five minutes: two lost connections ask nobody to think of a rollback."""
    assert not lower("all").above(of("chat", 58, 2))
    assert lower("all").above(of("chat", 57, 3))


@pytest.mark.parametrize(("now_ms", "above"), [(45.0, False), (108.5, False), (109.7, True)])
def test_what_nobody_notices_is_no_slowdown(*, now_ms: float, above: bool) -> None:
    """Five times as slow as 9 ms is 36 ms more; of an answer of 400 ms the share is what counts."""
    fast = slowdown(Distribution.of([9.0] * 1000), 50, unnoticed_ms=100)
    samples = [replace(usual(tick), latency_ms=now_ms) for tick in range(600)]

    assert fast.above(samples) is above
    assert fast.contradicts(samples) is (now_ms < 100)
    assert fast.words(samples).endswith(", limit +100 ms")
    assert fast.row(samples).asked == "> +100 ms"
    slow = Distribution.of([400.0] * 1000)
    share_pct = 100 * 100 / slow.percentile(95)
    for limit_pct, said in ((50, "+50 %"), (share_pct, f"{share_pct:+g} %"), (20, "+100 ms")):
        assert slowdown(slow, limit_pct, unnoticed_ms=100).words(samples).endswith(f", limit {said}")
    quick = slowdown(Distribution.of([0.5] * 1000), 50, unnoticed_ms=100)
    assert quick.row(samples).asked == "> +100 ms"
    assert (
        slowdown(Distribution.of([0.0] * 1000), 50, unnoticed_ms=100)
        .words(samples)
        .endswith("no change is a share of nothing")
    )


def test_only_the_lower_limit_is_judged_by_halves() -> None:
    """20 % of the answers of a slice can contradict, 2 % cannot. Of a half that much is enough, and no less."""
    half = lower("all").half

    assert upper("all").half is None
    assert half is not None
    assert [half(of("chat", n - bad, bad)) for bad, n in ((2, 100), (1, 100), (99, 4999))] == [True, False, False]


def test_a_slowdown_says_how_much_beside_what() -> None:
    """Half of the answers are enough to speak of speed, fewer are not."""
    measure = slowdown(Distribution.of([100.0] * 1000), 50)
    samples = [replace(usual(tick), latency_ms=160.0) for tick in range(600)]
    figures = measure.row(samples)

    assert measure.words(samples).startswith("p95 160 ms")
    assert measure.words(samples).endswith(", limit +50 %")
    assert (figures.value, figures.margin, figures.unit, figures.n) == (59.3, -9.3, "%", 600)
    assert figures.definition == "160 ms, baseline 100 ms of n=1000, nearest rank"
    half = samples + of("chat", 0, 600)
    assert measure.above(half)
    few = half + of("chat", 0, 1)
    assert measure.words(few) == "601 of 1201 answers failed quickly: how fast the others came says little"
    assert measure.row(few).value is None
    assert not measure.contradicts(few)


@pytest.mark.parametrize(
    ("partial", "state"),
    [
        (ConditionState.UNKNOWN, State.UNKNOWN),
        (ConditionState.OPEN, State.UNKNOWN),
        (ConditionState.NOT_YET, State.WATCH),
        (ConditionState.OVER, State.WATCH),
    ],
)
def test_a_part_that_is_not_clear_is_said_beside_a_service_that_is(partial: ConditionState, state: State) -> None:
    """Up, and with something that may be dead."""
    samples = answers((300, usual))
    beside = replace(held(samples, partial_downtime(JOURNEYS), MINUTES_5), state=partial)

    found = judged_downtime(by_part(samples, downtime), beside, GAPS).finding
    assert found.state is state
    assert found.words.startswith(f"{beside}; front end: 1000 of 1000 answers good, back end:")


def test_errors_say_the_lower_limit_only_where_it_matters() -> None:
    """A clear finding is one sentence."""
    assert "of the lower limit" not in of_errors((300, usual)).finding.words
    assert "; of the lower limit: error rate of the front end 8.4 %" in of_errors((300, failing(12))).finding.words
