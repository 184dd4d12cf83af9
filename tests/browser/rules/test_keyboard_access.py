"""What the keyboard reaches is told, stop by stop."""

from datetime import date

import pytest

from pam_rollback.browser.accessibility import KeyboardChat, TalkBarrier, focus_walk
from pam_rollback.target.known_before import KnownBefore
from tests.waivers import accepted


def test_a_page_without_a_stop_is_not_free_of_traps() -> None:
    """Nobody can use it by keyboard."""
    assert focus_walk("chat-light", [], []).traps.violations[0].rule == "keyboard"


def test_an_empty_answer_is_no_answer() -> None:
    """And an empty text is in every text: it must not count as heard."""
    empty = KeyboardChat(15, "", "", 2, ("anything",))

    assert (empty.completed, empty.heard) == (False, False)


HEARD = KeyboardChat(15, "", "Two campgrounds.", 1, ("Two campgrounds.",))
UNHEARD = KeyboardChat(15, "", "Two campgrounds.", 1)
UNREACHED = "80 presses of Tab do not reach the message field"
BARRED = KeyboardChat(80, UNREACHED, barred=UNREACHED)
UNANSWERED = KeyboardChat(15, "ask PAM: no answer within 5 s", "", 1)
BY_EAR = ("CR-4", "PAM's answer by ear: it is not announced")
BY_KEYBOARD = ("CR-4", "PAM's answer by keyboard alone: N presses of Tab do not reach the message field")


def judged(barrier: TalkBarrier, *recorded: tuple[str, str], until: date = date.max) -> TalkBarrier:
    """As a test has it, where a baseline has these and somebody answers for all that bars PAM's answer."""
    answer = accepted("CR-4", "PAM's answer *", until=until)
    before = KnownBefore(dict.fromkeys(recorded, 1), (answer,), today=date(2026, 11, 28))
    told = before.told(barrier.findings)
    return barrier.without(told)


@pytest.mark.parametrize(
    ("barrier", "recorded"), [(UNHEARD.by_ear, BY_EAR), (BARRED.by_ear, BY_KEYBOARD), (BARRED.by_keyboard, BY_KEYBOARD)]
)
def test_what_barred_the_answer_before_is_known(barrier: TalkBarrier, recorded: tuple[str, str]) -> None:
    """Where the baseline has it and somebody answers for it; where one of both is missing, or the day is over, it counts."""
    assert [(finding.item, finding.text) for finding in barrier.findings] == [recorded]
    assert not judged(barrier, recorded).problem
    assert judged(barrier).problem
    assert "the baseline does not have it" in str(judged(barrier, ("CR-4", "another")))
    assert "that day is over" in str(judged(barrier, recorded, until=date(2026, 1, 1)))


def test_an_answer_that_reaches_everybody_has_no_barrier() -> None:
    """Nothing is known of it, and nothing counts."""
    assert {HEARD.by_keyboard.problem, HEARD.by_ear.problem, UNHEARD.by_keyboard.problem} == {""}
    assert (HEARD.by_keyboard.findings, HEARD.by_ear.findings, UNHEARD.by_keyboard.findings) == ((), (), ())


def test_a_missing_answer_is_no_barrier_that_could_be_known() -> None:
    """PAM answers nobody then: no baseline has that, and no waiver is for it."""
    for barrier in (UNANSWERED.by_keyboard, UNANSWERED.by_ear):
        assert judged(barrier, BY_EAR, BY_KEYBOARD).problem
        assert "no answer within 5 s" in str(barrier)
