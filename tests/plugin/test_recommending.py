"""What a decision knows of the strategies that it names: what to type, and which drills measured them."""

from pathlib import Path

import pytest

from pam_rollback.core.plan import load_plan
from pam_rollback.core.plan_items import Strategy
from pam_rollback.plugin.recommending import file_of, sought

ROOT = Path(__file__).resolve().parents[2]
PLAN = load_plan(ROOT / "plan.toml")


@pytest.mark.parametrize("strategy", PLAN.strategies.values(), ids=lambda strategy: strategy.name)
def test_each_strategy_has_a_story_to_type(strategy: Strategy) -> None:
    """At 3 a.m. nobody looks for the file: the one that a decision names is there."""
    assert (ROOT / "drills" / f"{file_of(strategy)}.py").is_file()


@pytest.mark.parametrize("name", sorted(sought(PLAN)))
def test_each_story_measures_its_recovery(name: str) -> None:
    """The test that a decision quotes is there, in each file, under the criterion that is looked for."""
    wanted = sought(PLAN)[name]
    for situation in wanted.situations:
        text = (ROOT / "drills" / f"test_{situation.removeprefix('after-').replace('-', '_')}.py").read_text("utf-8")

        assert f'criterion("{wanted.criterion}")\ndef test_users_recover_in_time(' in text, situation


def test_each_drill_counts_for_its_strategy_and_objective() -> None:
    """Every story of drills/ measures one strategy; the plan gives the emergency call no objective of its own, so its test has no RTO."""
    known = sought(PLAN)
    stories = {f"after-{path.stem.removeprefix('test_').replace('_', '-')}" for path in ROOT.glob("drills/test_*.py")}

    assert sorted(situation for wanted in known.values() for situation in wanted.situations) == sorted(stories)
    assert {name: wanted.criterion for name, wanted in known.items()} == {
        "feature-flag": "RTO-1",
        "gradual": "RTO-2",
        "emergency": "ST-6",
        "frontend": "RTO-3",
        "backend": "RTO-3",
        "full-system": "RTO-4",
    }
