"""What each way stands on, and which ways remain without somebody."""

import pytest

from pam_rollback.core.question import Answered, Question, State
from pam_rollback.decision.ways import NOT_CHECKED, READY, ways_of, without_each
from pam_rollback.plan.stories import STORIES
from pam_rollback.report.record_parts import WayFound
from pam_rollback.rollback import preflight_questions as asked
from pam_rollback.rollback.preflight_questions import BACK as RENDER
from pam_rollback.rollback.preflight_questions import FRONT as NETLIFY
from pam_rollback.rollback.preflight_questions import HOST, PRODUCT
from tests.decision.asked import EVERY, QUESTIONS

WAYS = {*STORIES}
FRONT = {"frontend-restore", "frontend-commit", "frontend-revert"}
BACK = {"backend-provider", "backend-commit", "backend-branch"}
FLAGS = {"feature-flag", "gradual"}


def found_of(answers: list[Answered], abilities: set[str] = EVERY, **called: str) -> dict[str, WayFound]:
    """By name."""
    names = {NETLIFY: called["front"]} if called else {}
    ways = ways_of(STORIES, QUESTIONS, answers, environment="staging", abilities=abilities, called=names)
    return {way.name: way for way in ways}


def ways(*no: Question, unknown: Question | None = None, abilities: set[str] = EVERY) -> dict[str, WayFound]:
    """With these questions answered no, one not answered, and all others yes."""
    answers = [
        Answered(question.text, State.NO if question in no else State.YES, "HTTP 503")
        for question in QUESTIONS
        if question != unknown
    ]
    return found_of(answers, abilities)


def test_a_way_that_nobody_asks_about_is_not_ready() -> None:
    """What it stands on is not known then: a story from outside, say, without its questions."""
    [way] = ways_of(["own"], QUESTIONS, [], environment="staging", abilities=EVERY)

    assert (way.state, way.words) == (NOT_CHECKED, "not known: what it stands on")


def ready(found: dict[str, WayFound]) -> set[str]:
    """Those that could be taken."""
    return {way.name for way in found.values() if way.state == READY}


def remaining(found: dict[str, WayFound], *by_name: str) -> dict[str, set[str]]:
    """Without each."""
    return {one.party: set(one.remaining) for one in without_each(found.values(), by_name=by_name)}


def test_every_file_of_drills_is_a_way() -> None:
    """And needs nothing that its story does not declare, other than whom it can do without."""
    assert {name for question in QUESTIONS for name in question.ways} == WAYS
    for name, story in STORIES.items():
        assert {question.ability for question in QUESTIONS if name in question.ways} >= set(story.abilities) - {
            "frontend_host",
            "backend_host",
            "git",
        }


@pytest.mark.parametrize(
    ("no", "gone"),
    [
        (asked.FLAGS, {*FLAGS, "full-system"}),
        (asked.EMERGENCY, {"emergency"}),
        (asked.PUBLISHED, {*FRONT, "full-system"}),
        (asked.FRONTEND_TARGET, {"frontend-restore", "full-system"}),
        (asked.SERVICE, {*BACK, "full-system"}),
        (asked.HEAD, {"frontend-commit", "frontend-revert", "backend-commit", "backend-branch"}),
        (asked.PUSH, {"frontend-revert", "backend-branch"}),
        (asked.REGISTRY, {"frontend-commit", "frontend-revert"}),
        (asked.BUILD_HERE, {"frontend-commit", "frontend-revert"}),
        (asked.GIT_HERE, {"frontend-commit", "frontend-revert", "backend-branch"}),
    ],
)
def test_what_is_down_takes_its_ways_and_no_others(no: Question, gone: set[str]) -> None:
    """And says who it is."""
    found = ways(no)

    assert ready(found) == WAYS - gone
    assert all(found[name].words == f"{no.party}: HTTP 503" for name in gone)


def test_what_nobody_answered_is_not_ready() -> None:
    """Nor is what the environment does not declare."""
    assert ways(unknown=asked.HEAD)["frontend-commit"].state == NOT_CHECKED
    without_git = ways(abilities=EVERY - {"git"})
    assert without_git["frontend-commit"].words == "staging declares no git"
    assert ready(without_git) == {*FLAGS, "emergency", "frontend-restore", "backend-provider", "full-system"}


def test_the_ways_that_remain_without_each() -> None:
    """No way stands on the team's channel; without names, only those remain that need none."""
    left = remaining(ways(), NETLIFY, HOST)

    assert left[PRODUCT] == {*FRONT, *BACK}
    assert left[NETLIFY] == {*FLAGS, "emergency", *BACK}
    assert left[RENDER] == {*FLAGS, "emergency", *FRONT}
    assert left["Slack"] == WAYS
    assert left["name resolution here"] == {*FLAGS, "emergency", "backend-provider"}


def test_everything_can_be_taken_back_without_a_flag_api() -> None:
    """Where there is none: the features are in the code that goes."""
    found = ways(abilities=EVERY - {"flag_admin"})

    assert "full-system" in ready(found)
    assert PRODUCT not in found["full-system"].stands_on
