"""What a Prometheus has loaded beside what the plan asks for: what is missing or fails is named, and unknown is not green."""

from pathlib import Path
from typing import Any

import pytest

from pam_rollback.ops.alerts.loaded import fed, loaded
from pam_rollback.ops.alerts.rule_file import names_in, rule_file
from pam_rollback.plan.plan import load_plan
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment

ROOT = Path(__file__).parents[2]
PLAN = load_plan(ROOT / "plan.toml")


@pytest.fixture(scope="module")
def example() -> Environment:
    """An environment that names all series."""
    return load_environment(str(ROOT / "docs" / "examples" / "alerts" / "example.toml"), ROOT / "environments", {})


class Told:
    """A Prometheus that has these rules."""

    url = "http://it"

    def __init__(self, rules: list[dict[str, Any]]) -> None:
        self._rules = rules

    def told(self, _what: str) -> object:
        """As its API answers."""
        return {"groups": [{"name": "other", "rules": []}, {"name": "pam-rollback-example", "rules": self._rules}]}


def rules_of(environment: Environment, changed: str = "", /, **changes: str) -> list[dict[str, Any]]:
    """All as they should be, but for one."""
    healthy = [{"name": each, "health": "ok"} for each in names_in(rule_file(PLAN, environment))]
    return [{**rule, **changes} if rule["name"] == changed else rule for rule in healthy]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "PamErrors"}, "PamErrorRateHigh is not loaded; PamErrors is loaded, and not of today's rules"),
        ({"health": "err", "lastError": "many-to-many"}, "PamErrorRateHigh cannot be evaluated: many-to-many"),
        ({"health": "unknown"}, "PamErrorRateHigh was never evaluated"),
    ],
)
def test_what_is_missing_or_fails_is_named(example: Environment, changes: dict[str, str], words: str) -> None:
    """With what to do."""
    found = loaded(Told(rules_of(example, "PamErrorRateHigh", **changes)), PLAN, example)  # type: ignore[arg-type]

    assert found.number == 1 + (changes.get("name") is not None)
    assert words in str(found)
    assert "write them anew with make alerts, and reload it" in str(found)


def test_nothing_loaded_is_not_green(example: Environment) -> None:
    """No rule of the group, or no group."""
    found = loaded(Told([]), PLAN, example)  # type: ignore[arg-type]

    assert found.number == 1
    assert "it has no group pam-rollback-example" in str(found)
    assert found.n == 16


@pytest.mark.parametrize(
    ("samples", "unnamed", "everything"),
    [
        ({"errors": 4, "memory": 4}, (), True),
        ({"errors": 4, "memory": 0}, (), False),
        ({"errors": 4}, ("memory",), False),
        ({}, (), False),
    ],
)
def test_what_is_not_scraped_or_not_named_is_not_watched(
    samples: dict[str, int],
    unnamed: tuple[str, ...],
    everything: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """And nothing at all is not everything."""
    assert (fed("it", samples, unnamed, 60).number == 2) is everything
