"""Which version a deploy has, and when a version tells which deploy answers: written-out histories, as Render tells them."""

from datetime import UTC, datetime, timedelta

import pytest

from pam_rollback.rollback.deploys import Deploy
from pam_rollback.rollback.release_proof import (
    Sighting,
    Versions,
    agreed,
    could_answer,
    known_by_version,
    named_deploy,
    seen_versions,
    version_in,
)

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def at(minute: float) -> datetime:
    """A moment of that day."""
    return NOON + timedelta(minutes=minute)


def deploy(name: str, made: float, state: str = "deactivated") -> Deploy:
    """A deploy, with users a minute after it was made; its commit is the name's letter, forty times."""
    return Deploy(f"dep-{name}", state, name[0] * 40, at(made), at(made + 1))


OLD, STABLE, BAD = deploy("o", 0), deploy("s", 10), deploy("b", 20)
AGAIN = deploy("s2", 30, "live")
ROLLED_BACK = (AGAIN, BAD, STABLE, OLD)
"""The stable release runs again."""


@pytest.mark.parametrize(
    ("file", "text", "version"),
    [
        ("package.json", '{"name": "pam", "version": "1.41.3"}', "1.41.3"),
        ("release.json", '{"release": "1.41.3"}', "1.41.3"),
        ("both.json", '{"release": "1.41.3", "version": "1.41.3"}', "1.41.3"),
        ("both.json", '{"release": "1.41.3", "version": "2"}', ""),
        ("package.json", '{"version": 2}', ""),
        ("package.json", '["1.41.3"]', ""),
        ("package.json", "{", ""),
        ("pyproject.toml", '[project]\nversion = "1.41.3"', "1.41.3"),
        ("pyproject.toml", '[tool.poetry]\nversion = "1.41.3"', "1.41.3"),
        ("pyproject.toml", 'tool = "none"', ""),
        ("config.py", 'APP_VERSION: str = "1.41.3"\nPYTHON = "3.12"', "1.41.3"),
        ("__init__.py", '__version__ = "1.41.3"', "1.41.3"),
        ("main.py", 'app = FastAPI(\n    version="1.41.3",\n)', "1.41.3"),
        ("config.py", 'API_VERSION = "1"\nAPP_VERSION = "1.41.3"', ""),
        ("VERSION", "v1.41.3\n", "1.41.3"),
        ("VERSION", "see package.json", ""),
        ("VERSION", "", ""),
    ],
)
def test_a_file_gives_its_version(file: str, text: str, version: str) -> None:
    """One, or none: of two nobody knows which one the product names."""
    assert version_in(file, text) == version


def test_what_answered_while_a_deploy_was_with_users_is_its_version() -> None:
    """Each sighting belongs to the deploy that had come last."""
    seen = seen_versions(ROLLED_BACK, [Sighting(at(15), "1.41.3"), Sighting(at(25), "1.42.0")])

    assert seen == {"s" * 40: "1.41.3", "b" * 40: "1.42.0"}


@pytest.mark.parametrize(
    "sighting",
    [
        pytest.param(Sighting(at(-5), "1.40.9"), id="before all of them"),
        pytest.param(Sighting(at(21.5), "1.41.3"), id="while traffic moved: it may be the one before"),
        pytest.param(Sighting(at(25), "1.41.3", settled=timedelta(hours=1)), id="seen some time within an hour"),
        pytest.param(Sighting(at(25), ""), id="nothing was named"),
    ],
)
def test_what_may_have_been_another_deploy_tells_nothing(sighting: Sighting) -> None:
    """Unknown is not guessed."""
    assert seen_versions(ROLLED_BACK, [sighting]) == {}


def test_a_deploy_that_never_came_to_users_was_not_seen() -> None:
    """What answered then was the one before it."""
    failed = deploy("f", 22, "update_failed")

    assert seen_versions([*ROLLED_BACK, failed], [Sighting(at(28), "1.42.0")]) == {"b" * 40: "1.42.0"}


def test_sources_that_contradict_each_other_tell_nothing() -> None:
    """The file says one thing and the product another: neither is taken for the truth."""
    assert agreed({"a": "1", "b": "2"}, {"a": "1", "b": "3"}, {"c": "4"}) == {"a": "1", "c": "4"}


def test_what_could_answer_is_the_one_before_and_all_that_came_later() -> None:
    """An earlier one would be listed again, as a new deploy."""
    later = deploy("n", 40, "update_in_progress")

    assert could_answer("s" * 40, ROLLED_BACK) == [BAD]
    assert could_answer("s" * 40, [*ROLLED_BACK, later, deploy("f", 41, "build_failed")]) == [BAD, later]
    assert could_answer("s" * 40, [STABLE, OLD]) == [OLD]


def test_what_is_not_listed_yet_comes_after_all_others() -> None:
    """An emergency branch's commit: what runs, and what is under way, could answer instead."""
    under_way = deploy("n", 15, "build_in_progress")

    assert could_answer("x" * 40, [BAD, under_way, STABLE]) == [BAD, under_way]


def test_a_deploy_of_an_unknown_moment_may_be_a_later_one() -> None:
    """So it could answer."""
    untold = Deploy("dep-u", "deactivated", "u" * 40)

    assert could_answer("s" * 40, [*ROLLED_BACK, untold]) == [BAD, untold]


FILES = Versions({"o" * 40: "1.41.3", "s" * 40: "1.41.3", "b" * 40: "1.42.0"})


def test_a_version_that_nothing_else_could_have_tells_the_deploy() -> None:
    """That an earlier deploy had it, too, does not matter: it cannot be what answers."""
    wanted = known_by_version("s" * 40, ROLLED_BACK, FILES)

    assert (wanted.commit, wanted.version, wanted.no_proof) == ("s" * 40, "1.41.3", "")


@pytest.mark.parametrize(
    ("versions", "no_proof"),
    [
        pytest.param(
            Versions({"s" * 40: "1.42.0", "b" * 40: "1.42.0"}),
            "dep-b (deactivated, commit bbbbbbbbbbbb) has the version 1.42.0, too",
            id="nobody counted it up",
        ),
        pytest.param(
            Versions({"s" * 40: "1.41.3"}, "git, fetch: no such host"),
            "the version of dep-b (deactivated, commit bbbbbbbbbbbb) is not known (git, fetch: no such host), and may be 1.41.3, too",
            id="the bad one's is not known",
        ),
        pytest.param(
            Versions({"b" * 40: "1.42.0"}, "sandbox names no [git] version_file"),
            "the version of commit ssssssssssss is not known (sandbox names no [git] version_file)",
            id="the target's is not known",
        ),
    ],
)
def test_a_version_that_tells_nothing_says_why(versions: Versions, no_proof: str) -> None:
    """For whoever has to find out by hand."""
    assert known_by_version("s" * 40, ROLLED_BACK, versions).no_proof == no_proof


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("dep-b", BAD),
        ("ssss", AGAIN),
        ("SSSSSSS", AGAIN),
        ("sss", None),
        ("1.42.0", BAD),
        ("1.40.0", None),
        ("main", None),
    ],
)
def test_a_deploy_is_named_as_people_name_it(name: str, found: Deploy | None) -> None:
    """By its id, the beginning of its commit, or its version where that is known."""
    versions = Versions({BAD.commit: "1.42.0"})

    assert named_deploy(name, ROLLED_BACK, versions) == found
