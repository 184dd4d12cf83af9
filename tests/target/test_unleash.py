"""What Unleash's strategies come to in shares of users, and what users get of them."""

from typing import Any

import pytest

from pam_rollback.plan.flags import Flag
from pam_rollback.target.service_settings import Unleash
from pam_rollback.target.unleash import flags_in, users_flags, why_not_evaluated_by

OFF, ON = Flag(enabled=False, rollout_pct=0), Flag(enabled=True, rollout_pct=100)
SETTINGS = Unleash(url="https://unleash.example.org", project="pam", environment="production")


def rollout(share: object, **changes: object) -> dict[str, Any]:
    """A strategy as an export has it."""
    parameters = {"rollout": share, "stickiness": "default", "groupId": "A"}
    return {"id": "s", "name": "flexibleRollout", "featureName": "A", "parameters": parameters, **changes}


def exported(*strategies: dict[str, Any], enabled: object = True, environment: str = "production") -> dict[str, Any]:
    """A project with one flag."""
    return {
        "features": [{"name": "A"}],
        "featureEnvironments": [{"featureName": "A", "environment": environment, "enabled": enabled}],
        "featureStrategies": list(strategies),
    }


@pytest.mark.parametrize(
    ("strategies", "flag", "takes_a_share"),
    [
        ([rollout("25")], Flag(enabled=True, rollout_pct=25), True),
        ([rollout("0")], Flag(enabled=True, rollout_pct=0), True),
        ([rollout("25", parameters={"rollout": "25", "stickiness": "userId"})], Flag(True, 25), True),  # noqa: FBT003 - short
        ([rollout("", name="default", parameters={})], ON, True),
        ([], ON, True),
        ([rollout("25", parameters={"rollout": "25", "stickiness": "random"})], ON, False),
        ([rollout("25", constraints=[{"contextName": "userId"}])], ON, False),
        ([rollout("25", segments=[1])], ON, False),
        ([rollout("25"), rollout("50")], ON, False),
        ([rollout("25"), rollout("100", disabled=True)], Flag(enabled=True, rollout_pct=25), True),
        ([rollout("25", disabled=True)], ON, False),
        ([rollout("", name="remoteAddress", parameters={"IPs": "10.0.0.1"})], ON, False),
    ],
)
def test_strategies_are_a_share_of_users_or_count_as_everybody(
    strategies: list[dict[str, Any]],
    flag: Flag,
    takes_a_share: bool,  # noqa: FBT001 - of the table
) -> None:
    """One that sticks to the user is a share; whatever else is there, at most everybody has it, and nobody rewrites it."""
    found = flags_in(exported(*strategies), "production")["A"]

    assert (found.flag, found.takes_a_share) == (flag, takes_a_share)
    assert flags_in(exported(*strategies, enabled=False), "production")["A"].flag == OFF


def test_another_environment_says_nothing() -> None:
    """A flag of development is none of production."""
    assert flags_in(exported(rollout("25"), environment="development"), "production") == {}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {**exported(), "features": [{}]},
        exported(enabled="true"),
        exported(enabled=1),
        exported(rollout("half")),
        exported(rollout("101")),
        exported(rollout(None)),
        exported(rollout("²")),
    ],
    ids=["nothing", "list", "empty", "unnamed", "word", "number", "half", "101", "null", "superscript"],
)
def test_what_is_no_export_is_not_read(document: Any) -> None:
    """Never as off, and never as a share that nobody wrote."""
    with pytest.raises((KeyError, TypeError, AttributeError, ValueError)):
        _ = [found.flag for found in flags_in(document, "production").values()]


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("pam:production.abc", ""),
        ("*:production.abc", ""),
        ("[]:production.abc", ""),
        ("pam:development.abc", "it is of Unleash's environment 'development', expected 'production'"),
        ("*:*.abc", "it is of Unleash's environment '*', expected 'production'"),
        ("other:production.abc", "it is of Unleash's project 'other', expected 'pam'"),
        ("abc", "it is no frontend token: expected PROJECT:ENVIRONMENT.SECRET (value not shown)"),
        ("user:abc", "it is no frontend token: expected PROJECT:ENVIRONMENT.SECRET (value not shown)"),
        ("", "it is no frontend token: expected PROJECT:ENVIRONMENT.SECRET (value not shown)"),
    ],
)
def test_a_token_of_something_else_evaluates_nothing(token: str, why: str) -> None:
    """Its empty answer would look like off for everybody."""
    assert why_not_evaluated_by(token, SETTINGS) == why


def test_what_is_not_named_is_off_if_there_is_such_a_flag() -> None:
    """A flag that nobody knows is left out, and so is one whose value is none."""
    answer = {
        "toggles": [{"name": "A", "enabled": True}, {"name": "B", "enabled": "yes"}, {"name": "X", "enabled": True}]
    }

    assert users_flags(answer, ["A", "B", "C"]) == {"A": True, "C": False}


@pytest.mark.parametrize("answer", [None, [], {}, {"toggles": None}, {"toggles": [{}]}, {"toggles": ["A"]}])
def test_what_is_no_evaluation_is_not_read(answer: Any) -> None:
    """Never as off."""
    with pytest.raises((KeyError, TypeError)):
        users_flags(answer, ["A"])
