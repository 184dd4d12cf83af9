"""What a decision says of a strategy: the file of drills/ to begin with."""

from pathlib import Path

from pam_rollback.plan.plan import load_plan
from pam_rollback.plan.stories import STORIES, first_way
from pam_rollback.report.earlier_runs import sought

ROOT = Path(__file__).parents[2]
PLAN = load_plan(ROOT / "plan.toml")


def test_every_strategy_of_the_plan_begins_with_a_file_of_drills() -> None:
    """Whoever is told to roll the back end back is told by which command; of several ways the quickest comes first."""
    ways = {one.name: first_way(one) for one in PLAN.strategies.values()}

    assert ways == {
        "feature-flag": "feature-flag",
        "gradual": "gradual",
        "frontend": "frontend-restore",
        "backend": "backend-provider",
        "full-system": "full-system",
        "emergency": "emergency",
    }
    files = {path.name for path in (ROOT / "drills").glob("test_*.py")}
    assert {f"test_{way.replace('-', '_')}.py" for way in ways.values()} <= files


def test_a_strategy_without_a_story_has_no_way() -> None:
    """Then the runbook's section is all there is."""
    assert first_way(PLAN.strategy("emergency").model_copy(update={"name": "by-hand"})) == ""


def test_each_way_of_the_plan_is_one_file_of_drills() -> None:
    """And the other way round."""
    files = {path.stem.removeprefix("test_").replace("_", "-") for path in ROOT.glob("drills/test_*.py")}

    assert files == {*PLAN.ways}
    assert {*STORIES} == {*PLAN.ways}


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
