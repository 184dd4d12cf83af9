"""What each way stands on, and which ways remain without somebody."""

import pytest

from pam_rollback.plan.stories import STORIES
from pam_rollback.preflight.rules import readiness as asked
from pam_rollback.preflight.rules.readiness import NEEDS, Answered, State
from pam_rollback.preflight.rules.ways import BACK as RENDER
from pam_rollback.preflight.rules.ways import FRONT as NETLIFY
from pam_rollback.preflight.rules.ways import HOST, PARTY_OF, PRODUCT, WAYS, Way, ways_of, without_each

EVERY = set(NEEDS.values())
FRONT = {"frontend-restore", "frontend-commit", "frontend-revert"}
BACK = {"backend-provider", "backend-commit", "backend-branch"}
FLAGS = {"feature-flag", "gradual"}


def ways(*no: str, unknown: str = "", abilities: set[str] = EVERY) -> dict[str, Way]:
    """With these questions answered no, one not answered, and all others yes."""
    answers = [
        Answered(question, State.NO if question in no else State.YES, "HTTP 503")
        for question in PARTY_OF
        if question != unknown
    ]
    return {way.name: way for way in ways_of(answers, environment="staging", abilities=abilities)}


def test_a_party_is_called_by_its_name() -> None:
    """Who knows the host's name shows that."""
    called = {NETLIFY: "Pier"}
    answers = [Answered(question, State.NO, "HTTP 503") for question in PARTY_OF]
    found = {way.name: way for way in ways_of(answers, environment="staging", abilities=EVERY, called=called)}

    assert found["frontend-restore"].stands_on == ("Pier",)
    assert found["frontend-restore"].words == "Pier: HTTP 503"
    assert found["backend-provider"].stands_on == (RENDER,)


def ready(found: dict[str, Way]) -> set[str]:
    """Those that could be taken."""
    return {way.name for way in found.values() if way.state == asked.READY}


def remaining(found: dict[str, Way], *by_name: str) -> dict[str, set[str]]:
    """Without each."""
    return {one.party: set(one.remaining) for one in without_each(found.values(), by_name=by_name)}


def test_every_file_of_drills_is_a_way() -> None:
    """And needs nothing that its story does not declare, other than whom it can do without."""
    assert set(WAYS) == set(STORIES)
    for name, story in STORIES.items():
        assert {NEEDS[question] for question in WAYS[name]} >= set(story.abilities) - {
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
def test_what_is_down_takes_its_ways_and_no_others(no: str, gone: set[str]) -> None:
    """And says who it is."""
    found = ways(no)

    assert ready(found) == set(WAYS) - gone
    assert all(found[name].words == f"{PARTY_OF[no]}: HTTP 503" for name in gone)


def test_what_nobody_answered_is_not_ready() -> None:
    """Nor is what the environment does not declare."""
    assert ways(unknown=asked.HEAD)["frontend-commit"].state == asked.NOT_CHECKED
    without_git = ways(abilities=EVERY - {"git"})
    assert without_git["frontend-commit"].words == "staging declares no git"
    assert ready(without_git) == {*FLAGS, "emergency", "frontend-restore", "backend-provider", "full-system"}


def test_everything_can_be_taken_back_without_a_flag_api() -> None:
    """Where there is none: the features are in the code that goes."""
    found = ways(abilities=EVERY - {"flag_admin"})

    assert "full-system" in ready(found)
    assert PRODUCT not in found["full-system"].stands_on


def test_the_ways_that_remain_without_each() -> None:
    """No way stands on the team's channel; without names, only those remain that need none."""
    left = remaining(ways(), NETLIFY, HOST)

    assert left[PRODUCT] == {*FRONT, *BACK}
    assert left[NETLIFY] == {*FLAGS, "emergency", *BACK}
    assert left[RENDER] == {*FLAGS, "emergency", *FRONT}
    assert left["Slack"] == set(WAYS)
    assert left["name resolution here"] == {*FLAGS, "emergency", "backend-provider"}


def test_only_ways_that_are_ready_remain() -> None:
    """What is not ready now is no way out when somebody else goes down, too."""
    left = remaining(ways(asked.FLAGS))

    assert left[NETLIFY] == {"emergency", *BACK}
