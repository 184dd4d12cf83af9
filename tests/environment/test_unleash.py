"""What Unleash's strategies come to in shares of users, and what has to be asked for to have others."""

from pathlib import Path
from typing import Any

import pytest

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.environment.service_settings import Unleash
from pam_rollback.plan.flags import Flag
from pam_rollback.product.unleash import (
    Share,
    UnleashFlag,
    Writing,
    flags_in,
    users_flags,
    why_not_evaluated_by,
    writing,
)
from pam_rollback.rollback.locks import targets_of

OFF, ON = Flag(enabled=False, rollout_pct=0), Flag(enabled=True, rollout_pct=100)
HALF = Share("s", 50)
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
    ("found", "wanted", "asked"),
    [
        (UnleashFlag("A", True, HALF), OFF, Writing(off=("A",), shares={}, on=())),  # noqa: FBT003 - of the table
        (UnleashFlag("A", True, others=True), OFF, Writing(off=("A",), shares={}, on=())),  # noqa: FBT003 - of the table
        (UnleashFlag("A", False, HALF), OFF, Writing(off=(), shares={}, on=())),  # noqa: FBT003 - of the table
        (UnleashFlag("A", True, HALF), Flag(True, 25), Writing(off=(), shares={"A": 25}, on=())),  # noqa: FBT003 - of the table
        (UnleashFlag("A", True, HALF), Flag(True, 50), Writing(off=(), shares={}, on=())),  # noqa: FBT003 - of the table
        (UnleashFlag("A", False, HALF), Flag(True, 50), Writing(off=(), shares={}, on=("A",))),  # noqa: FBT003 - of the table
        (UnleashFlag("A", False, HALF), Flag(True, 10), Writing(off=(), shares={"A": 10}, on=("A",))),  # noqa: FBT003 - of the table
        (UnleashFlag("A", False), ON, Writing(off=(), shares={"A": 100}, on=("A",))),  # noqa: FBT003 - of the table
        (UnleashFlag("A", False), Flag(True, 10), Writing(off=(), shares={"A": 10}, on=("A",))),  # noqa: FBT003 - of the table
        (UnleashFlag("A", False, others=True), ON, Writing(off=(), shares={}, on=("A",))),  # noqa: FBT003 - of the table
        (UnleashFlag("A", True, others=True), Flag(True, 50), Writing((), {}, (), refused=("A",))),  # noqa: FBT003 - of the table
        (UnleashFlag("A", False, all_switched_off=True), ON, Writing((), {}, ("A",), refused=("A",))),  # noqa: FBT003 - of the table
    ],
)
def test_no_more_is_asked_for_than_is_missing(found: UnleashFlag, wanted: Flag, asked: Writing) -> None:
    """A share is there before a flag is on; off leaves the strategies, so that on has them again."""
    assert writing({"A": found}, {"A": wanted}) == asked


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


FILE = """
name = "flagged"
kind = "staging"
abilities = ["flag_admin", "flag_evaluation"]
[urls]
frontend = "https://www.example.com"
api = "https://api.example.com"
backend = "https://backend.example.com"
[unleash]
url = "https://unleash.example.com"
[secrets]
unleash_admin_token_env = "ADMIN"
unleash_frontend_token_env = "FRONTEND"
"""


def declared(folder: Path, old: str = "", new: str = "", **variables: str) -> Environment:
    """An environment whose flags Unleash switches."""
    file = folder / "flagged.toml"
    file.write_text(FILE.replace(old, new) if old else FILE, encoding="utf-8")
    return load_environment(str(file), folder, variables or {"ADMIN": "a-token", "FRONTEND": "a:b.token"})


def test_its_tokens_are_needed_and_the_products_is_not(tmp_path: Path) -> None:
    """Who switches flags there needs no admin token of the product; none of the two is shown."""
    found = declared(tmp_path)

    assert set(found.secrets()) == {"a-token", "a:b.token"}
    assert "a-token" not in repr(found)
    with pytest.raises(ConfigurationError) as refused:
        declared(tmp_path, ADMIN="")
    assert "unleash_admin_token_env: ADMIN is not set" in str(refused.value)
    assert 'FRONTEND is not set; export it, or remove "flag_evaluation" from abilities' in str(refused.value)
    assert "admin_token_env: missing" not in str(refused.value)
    with pytest.raises(ConfigurationError, match=r"\[secrets\] admin_token_env: missing"):
        declared(tmp_path, '[unleash]\nurl = "https://unleash.example.com"', "")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("https://unleash", "http://unleash", r"\[unleash\] url: staging must be https"),
        ('url = "https://unleash.example.com"', "", r"\[unleash\] url: missing"),
        ("[secrets]", 'environment = "a/b"\n[secrets]', r"\[unleash\] environment"),
        ("[secrets]", 'enviroment = "a"\n[secrets]', r"did you mean 'environment'"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    """Before anything is asked."""
    with pytest.raises(ConfigurationError, match=words):
        declared(tmp_path, old, new)


def test_one_writer_for_one_project_and_environment(tmp_path: Path) -> None:
    """Two products that share the flags wait for each other; two environments of one project do not."""

    def flags(**tables: str) -> set[str]:
        found = declared(tmp_path, *(("[secrets]", f"{tables['more']}\n[secrets]") if tables else ()))
        return {one.name for one in targets_of(found, pushes=False) if "unleash" in one.words}

    assert len(flags()) == 1
    assert flags() == flags(more='environment = "production"')
    assert flags().isdisjoint(flags(more='environment = "development"'))
