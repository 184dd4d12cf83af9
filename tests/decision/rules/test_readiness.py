"""Whether a strategy is ready, over written-out answers to the questions of every topic."""

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.question import Answered, Question, State
from pam_rollback.decision.asked import NAMES
from pam_rollback.decision.ways import NOT_CHECKED, NOT_READY, READY, Readiness, readiness_of
from pam_rollback.rollback import preflight_questions as questions
from tests.decision.asked import ACCOUNT, BACKUP, CHANNEL, CLOCK, DATABASE, EVERY, QUESTIONS


def yes_to_all() -> dict[str, Answered]:
    """Every question, answered yes."""
    return {one.text: Answered(one.text, State.YES, f"{one.text}: fine") for one in QUESTIONS}


def readiness(**changed: Answered) -> dict[str, Readiness]:
    """All strategies, with some answers changed."""
    answers = {**yes_to_all(), **{answer.question: answer for answer in changed.values()}}
    return readiness_of(QUESTIONS, answers.values(), environment="staging", abilities=EVERY)


def test_all_yes_is_ready() -> None:
    """And only that."""
    assert all(one.state == READY for one in readiness().values())


@pytest.mark.parametrize(
    ("question", "strategies"),
    [
        (questions.FLAGS, {"feature-flag", "gradual", "full-system"}),
        (questions.FLAGS_CLOSED, {"feature-flag", "gradual", "full-system"}),
        (questions.EVALUATION, {"gradual"}),
        (questions.CACHE, {"full-system"}),
        (questions.EMERGENCY, {"emergency"}),
        (questions.EMERGENCY_CLOSED, {"emergency"}),
        (questions.PUBLISHED, {"frontend", "full-system"}),
        (questions.FRONTEND_TARGET, {"frontend", "full-system"}),
        (questions.UNLOCKED, {"frontend", "full-system"}),
        (questions.FRONTEND_CLOCK, {"frontend", "full-system"}),
        (questions.SERVICE, {"backend", "full-system"}),
        (questions.BACKEND_TARGET, {"backend", "full-system"}),
        (questions.AUTODEPLOY, {"backend", "full-system"}),
        (questions.BACKEND_CLOCK, {"backend", "full-system"}),
        (questions.HEAD, {"by-git"}),
        (questions.PUSH, {"by-git"}),
        (questions.GIT_HERE, {"by-git"}),
        (questions.BUILD_HERE, {"builds"}),
        (questions.REGISTRY, {"builds"}),
        (NAMES, {"names"}),
        (DATABASE, {"backend", "full-system", "verification"}),
        (ACCOUNT, {"verification"}),
        (CHANNEL, {"message"}),
        (BACKUP, {"backup"}),
        (CLOCK, {"feature-flag", "gradual", "full-system", "emergency", "verification"}),
    ],
)
def test_a_no_turns_its_strategies_and_no_others(question: Question, strategies: set[str]) -> None:
    """Not ready, with what was found; and what nobody knows leaves the same ones not checked."""
    no = readiness(changed=Answered(question.text, State.NO, "the token is not accepted"))
    unknown = readiness(changed=Answered(question.text, State.NOT_KNOWN, "asked too often"))

    assert {name for name, one in no.items() if one.state == NOT_READY} == strategies
    assert {name for name, one in no.items() if one.state == READY} == set(no) - strategies
    assert {name for name, one in unknown.items() if one.state == NOT_CHECKED} == strategies
    assert all(f"the token is not accepted (asked whether {question.text})" in no[name].words for name in strategies)


def test_every_question_has_its_strategies_above() -> None:
    """A question that no row is about would never be seen red."""
    rows = test_a_no_turns_its_strategies_and_no_others.pytestmark[0].args[1]  # type: ignore[attr-defined]

    assert {question for question, _ in rows} == {*QUESTIONS}


def test_what_is_not_declared_or_not_answered_is_not_ready() -> None:
    """Empty is never ready, and one cause is told once."""
    nothing = readiness_of(QUESTIONS, [], environment="staging", abilities=EVERY - {"frontend_host"})

    assert {one.state for one in nothing.values()} == {NOT_CHECKED}
    assert nothing["frontend"].words == "staging declares no frontend_host"
    with pytest.raises(MeasurementFailed, match="feature-flag is not checked: nobody answered"):
        _ = nothing["feature-flag"].answered_yes


def test_not_ready_comes_before_not_checked() -> None:
    """What is known to be wrong is told, whatever else is not known."""
    one = Readiness("x", (Answered("a", State.NOT_KNOWN, "busy"), Answered("b", State.NO, "locked")))

    assert (one.answered_yes, one.state, one.words) == (0, NOT_READY, "locked (asked whether b)")
