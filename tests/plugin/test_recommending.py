"""What a decision says of a strategy: the file of drills/ to begin with."""

from pathlib import Path

from pam_rollback.core.plan import load_plan
from pam_rollback.plugin.recommending import first_way

ROOT = Path(__file__).parents[2]


def test_every_strategy_of_the_plan_begins_with_a_file_of_drills() -> None:
    """Whoever is told to roll the back end back is told by which command; of several ways the quickest comes first."""
    ways = {name: first_way(name) for name in (one.name for one in load_plan(ROOT / "plan.toml").strategies.values())}

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
    assert first_way("by-hand") == ""
