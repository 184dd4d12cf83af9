"""Each drill lists its steps, and says which one brings the plan's flags about."""

import pytest

from pam_rollback.environment.environment_file import load_environment
from pam_rollback.plan.plan import load_plan
from pam_rollback.plan.stories import STORIES
from pam_rollback.rollback.planned import planned_steps
from tests.sessions import ROOT

SANDBOX = load_environment("sandbox", ROOT / "environments", {})
CHANGING = {"feature-flag": {"switch the features off"}, "gradual": {"down to 0 %"}}


@pytest.mark.parametrize("story", STORIES)
def test_every_drill_lists_its_steps(story: str) -> None:
    """In words, each once."""
    planned = [*planned_steps(load_plan(ROOT / "plan.toml"), [story], SANDBOX)]

    assert len({one.step for one in planned}) == len(planned) > 2
    assert all(" " in one.step for one in planned)
    assert {one.step for one in planned if one.detail} == CHANGING.get(story, set())
