"""A criterion with a time: what stands for how long, looking back from now, and never a word about what was not seen."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.decision.decision_measures import error_rate
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.sustained import Condition, ConditionState, Question, Span, judge, share_is_below

RATE_HZ = 10.0
START_S = 1000.0
FIVE_MINUTES = Question(asked_s=300, duration_s=300, gap_max_s=5)
OVER_20_PCT = error_rate("back end", 20)

Make = Callable[[int], Sample | None]


def good(tick: int) -> Sample:
    """Make a good answer."""
    return Sample(due_s=START_S + tick / RATE_HZ, latency_ms=20, journey="history", ok=True)


def error(tick: int) -> Sample:
    """Make one that failed at once."""
    return replace(good(tick), ok=False, why="HTTP 503", status=503)


def one_in(every: int) -> Make:
    """Fail once in so many answers."""
    return lambda tick: error(tick) if tick % every == 0 else good(tick)


def nothing(_: int) -> None:
    """No answer is recorded at all."""


def late(tick: int) -> Sample:
    """Make one that left too late to say anything of the service."""
    return replace(good(tick), lag_ms=400)


def after(*history: tuple[float, Make], question: Question = FIVE_MINUTES) -> Condition:
    """Judge after these times in seconds, each with what was answered then."""
    samples: list[Sample] = []
    at_s = 0.0
    for seconds, make in history:
        first, last = round(at_s * RATE_HZ), round((at_s + seconds) * RATE_HZ)
        samples += [sample for tick in range(first, last) if (sample := make(tick)) is not None]
        at_s += seconds
    return judge(samples, question, OVER_20_PCT, Span(START_S, START_S + at_s, RATE_HZ))


def test_it_holds_when_it_stood_for_all_of_the_time() -> None:
    """A third of the answers fails for five minutes; for a second less nothing is decided."""
    holds = after((300, one_in(3)))

    assert (holds.state, holds.held, holds.held_s) == (ConditionState.HOLDS, True, 300)
    assert (
        str(holds)
        == "error rate of the back end 33.3 % (1000 of 3000 answers; most often history: HTTP 503), limit 20 %, for 300 s"
    )
    assert after((299, one_in(3))).state is ConditionState.OPEN


def test_what_was_long_ago_does_not_count() -> None:
    """Only the five minutes before now do, whatever there was before."""
    assert after((600, good), (300, one_in(3))).state is ConditionState.HOLDS
    assert after((600, one_in(3)), (300, good)).state is ConditionState.CLEAR


def test_healthy_is_known_early() -> None:
    """A fifth of the time is enough to see that it was not so; before that nothing is known."""
    assert after((60, good)).state is ConditionState.CLEAR
    assert after((59, good)).state is ConditionState.OPEN


def test_a_few_errors_do_not_stand_in_the_way() -> None:
    """One in fifty is far below the limit, and known early to be."""
    assert after((60, one_in(50))).state is ConditionState.CLEAR


def test_it_has_begun_and_is_not_there_yet() -> None:
    """Healthy for four minutes, then two minutes of errors."""
    found = after((240, good), (120, one_in(3)))

    assert (found.state, found.held, found.held_s) == (ConditionState.NOT_YET, False, 120)
    assert "for 120 s so far, not yet for 300 s" in str(found)


def test_it_was_and_is_not_any_more() -> None:
    """Two minutes of errors, and a minute without: over, and said so."""
    found = after((180, good), (120, one_in(3)), (60, good))

    assert (found.state, found.held) == (ConditionState.OVER, False)
    assert str(found).endswith("not any more now")


def test_exactly_at_the_limit_is_not_above_it() -> None:
    """The plan writes ">": one in five for five minutes is no more than 20 %."""
    assert after((300, one_in(5))).state is ConditionState.CLEAR
    assert after((301, one_in(5))).held is False


@pytest.mark.parametrize(
    ("history", "why"),
    [
        ([(300, nothing)], "usable"),
        ([(100, one_in(3)), (100, nothing), (100, one_in(3))], "no usable sample for 100"),
        ([(300, late)], "never left or left more than 250 ms late"),
    ],
    ids=["silence", "a hole", "a late prober"],
)
def test_what_was_not_seen_is_not_known(history: list[tuple[float, Make]], why: str) -> None:
    """Neither clear nor met: asking for an answer raises."""
    found = after(*history)

    assert found.state is ConditionState.UNKNOWN
    assert why in str(found)
    with pytest.raises(MeasurementFailed, match=why):
        _ = found.held


@pytest.mark.parametrize(("fails_once_in", "state"), [(4, ConditionState.HOLDS), (5, ConditionState.UNKNOWN)])
def test_a_late_prober_hides_only_what_it_could_change(fails_once_in: int, state: ConditionState) -> None:
    """One probe in ten left late: had all of them been answered well, 25 % would have failed, or no more than 20 %."""
    make = one_in(fails_once_in)

    assert after((300, lambda tick: late(tick) if tick % 10 == 1 else make(tick))).state is state


def test_a_hole_does_not_hide_what_is_known_now() -> None:
    """The newest minute was healthy: the condition does not stand, whatever the hole hides."""
    assert after((150, good), (60, nothing), (90, good)).state is ConditionState.CLEAR


def test_open_is_no_answer() -> None:
    """Who asks too early is told so."""
    with pytest.raises(MeasurementFailed, match="after 120 of 300 s"):
        _ = after((120, one_in(3))).held


def test_the_pace_is_told() -> None:
    """What was observed stands beside what the plan asks for."""
    found = after((5, one_in(3)), question=replace(FIVE_MINUTES, duration_s=5.0))

    assert found.state is ConditionState.HOLDS
    assert str(found).endswith("for 5 s (the plan asks for 300 s)")
    assert found.row.asked == "> 20 % for 300 s"
    assert "observed 5 s" in found.row.definition


def test_a_time_that_is_none_is_refused() -> None:
    """Nothing holds for no time."""
    with pytest.raises(ValueError, match="a time above 0 s"):
        Question(asked_s=300, duration_s=0, gap_max_s=5)


@pytest.mark.parametrize(
    ("bad", "n", "below"), [(0, 13, False), (0, 14, True), (0, 0, False), (2, 30, True), (5, 30, False)]
)
def test_a_share_is_below_only_when_the_answers_show_it(bad: int, n: int, *, below: bool) -> None:
    """One-sided, 95 %: 0 of 14 leaves 19.3 % possible, 0 of 13 leaves 20.6 %."""
    assert share_is_below(bad, n, 20) is below
