"""New features and their flags: declared, and as users get them."""

import json
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plan.flags import Flag
from pam_rollback.redeploy.gate.features import Exposure, FlagsFound, Register, declared, read_register

VOICE = {"feature": "voice", "since": "1.42.0", "flag": "PAM_VOICE", "default": False}
ON, OFF = Flag(enabled=True, rollout_pct=100), Flag(enabled=False, rollout_pct=0)


def register(*features: dict[str, Any], release: str = "1.42.0") -> Register:
    """As a repository has it."""
    return read_register(json.dumps({"release": release, "features": list(features)}), "features.json")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "{",
        "[]",
        '{"release": "1"}',
        '{"release": "1", "features": [1]}',
        '{"release": "1", "features": [{"feature": "x"}]}',
    ],
)
def test_without_a_declaration_nothing_is_known(text: str | None) -> None:
    """Not: there is nothing new. And what to do is said."""
    with pytest.raises(MeasurementFailed, match=r"features\.json.*redeploy\.md"):
        read_register(text, "features.json")


def test_new_is_what_the_release_before_does_not_declare() -> None:
    """Where that one declares nothing, what says that it is of this release."""
    now = register(VOICE, {"feature": "map", "since": "1.40.0"})

    assert [feature.name for feature in now.new_since(register({"feature": "map", "since": "1.40.0"}))] == ["voice"]
    assert [feature.name for feature in now.new_since(None)] == ["voice"]


@pytest.mark.parametrize(
    ("feature", "words"),
    [
        ({**VOICE, "default": True}, "voice: PAM_VOICE is on by default"),
        ({**VOICE, "flag": ""}, "voice has no flag"),
        ({"feature": "voice", "since": "1.42.0"}, "voice has no flag"),
        ({"feature": "voice", "since": "1.42.0", "flag": "PAM_VOICE"}, "off by default is not said"),
    ],
)
def test_what_would_reach_everybody_is_named(feature: dict[str, Any], words: str) -> None:
    """One sentence each."""
    found = declared(register(feature), version="1.42.0", before=None)

    assert found.problems
    assert words in str(found)


def test_a_declaration_of_another_release_was_not_kept_up() -> None:
    """It would say that nothing is new."""
    found = declared(register(VOICE, release="1.41.3"), version="1.42.0", before=None)

    assert "of release 1.41.3, and the candidate is 1.42.0" in str(found)
    assert found.problems
    assert not declared(register(VOICE, release="1.41.3"), version="", before=None).problems


def test_a_feature_that_is_declared_twice_is_named() -> None:
    """One of the two may be behind a flag."""
    assert declared(register(VOICE, VOICE), version="1.42.0", before=None).problems


def exposure(flags: dict[str, Flag], served: dict[str, int] | None = None) -> Exposure:
    """Of two features, asked of 200 users where anybody can be asked."""
    users = None
    if served is not None:
        users = {f"u{number}": {name: number < count for name, count in served.items()} for number in range(200)}
    return FlagsFound(flags, users).exposure("staging", ("A", "B"))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (exposure({"A": ON, "B": OFF}), "A is on for 100 %"),
        (exposure({"A": OFF}), "staging knows no flag B"),
        (exposure({"A": OFF, "B": OFF}, {"A": 3, "B": 0}), "3 of 200 users get A"),
    ],
)
def test_who_would_get_something_is_told(found: Exposure, words: str) -> None:
    """A flag that is on, one that nobody knows, and a user who gets it although the flag is off."""
    assert found.reached
    assert words in str(found)
