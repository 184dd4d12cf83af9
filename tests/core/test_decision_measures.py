"""Downtime, errors and slowness: what of the users' answers bears on which criterion, and what the plan leaves between them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pam_rollback.core.decision import Judged, State
from pam_rollback.core.decision_measures import (
    Parts,
    downtime,
    error_rate,
    judged_downtime,
    judged_errors,
    judged_far_slower,
    judged_slower,
    partial_downtime,
    slowdown,
)
from pam_rollback.core.distribution import Distribution
from pam_rollback.core.plan import load_plan
from pam_rollback.core.samples import Sample
from pam_rollback.core.sustained import Condition, Measure, Question, Span, judge

GAPS = load_plan(Path(__file__).resolve().parents[2] / "plan.toml").decision.gaps
JOURNEYS = ("front page", "history", "expenses")
PARTS = Parts(page=("front page",), behind=("history", "expenses"))
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
    """Fail once in so many answers."""
    return lambda tick: answer(tick, ok=False, ms=2) if tick % every == 0 else usual(tick)


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


def of_downtime(*history: tuple[float, Make]) -> Judged:
    """IR-2."""
    samples = answers(*history)
    down, partial = (held(samples, measure, MINUTES_5) for measure in (downtime(PARTS), partial_downtime(PARTS)))
    return judged_downtime("IR-2", down, partial, GAPS)


def of_errors(*history: tuple[float, Make]) -> Judged:
    """IR-5, above 2 % of SC-1."""
    samples = answers(*history)
    errors = held(samples, error_rate(20), MINUTES_5)
    between = held(samples, error_rate(2, reached_counts=True), MINUTES_5)
    return judged_errors("IR-5", errors, between, GAPS)


def of_speed(*history: tuple[float, Make]) -> tuple[Judged, Judged]:
    """IR-4 and CR-5."""
    samples = answers(*history)
    far = held(samples, slowdown(BEFORE, 50), MINUTES_10)
    band = held(samples, slowdown(BEFORE, 20, reached_counts=True), MINUTES_5)
    return judged_far_slower("IR-4", far, GAPS), judged_slower("CR-5", band, far, GAPS)


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
    """A user needs the page and something behind it; a part that is dead lies between the criteria."""
    assert of_downtime(*history).finding.state is state


def test_without_anything_behind_the_page_the_page_is_the_service() -> None:
    """Where nobody can sign in and the page alone is known, it decides."""
    alone = Parts(page=("front page",), behind=())
    samples = [replace(sample, journey="front page") for sample in answers((300, dead(*JOURNEYS)))]

    assert held(samples, downtime(alone), MINUTES_5).held


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


def test_a_prober_that_is_late_itself_accuses_nobody() -> None:
    """+60 % that are gone without the prober's own lag are not known."""
    samples = [replace(usual(tick), latency_ms=170.0, lag_ms=70.0) for tick in range(6000)]
    found = judged_far_slower("IR-4", held(samples, slowdown(BEFORE, 50), MINUTES_10), GAPS)

    assert found.finding.state is State.UNKNOWN
    assert "this machine is too busy to judge" in found.finding.words


def test_what_is_far_faster_needs_no_large_baseline() -> None:
    """The samples could not show +20 %, and they do exclude it: the whole interval lies far below."""
    coarse = Distribution.of([100.0 * 1.04**index for index in range(170)])
    quick = [answer(tick, ms=10.0 * 1.04 ** (tick % 170)) for tick in range(200)]
    found = judged_far_slower("IR-4", held(quick, slowdown(coarse, 20), 20.0), GAPS)

    assert found.finding.state is State.CLEAR, found


def test_a_baseline_that_is_too_small_tells_nothing_from_nothing() -> None:
    """Twenty answers bound no p95 from above: +60 % beside them may be no change at all."""
    few = Distribution.of([100.0 + index for index in range(20)])
    found = judged_far_slower("IR-4", held(answers((600, slower_by(60))), slowdown(few, 50), MINUTES_10), GAPS)

    assert found.finding.state is State.UNKNOWN
    assert "take a larger baseline" in found.finding.words
