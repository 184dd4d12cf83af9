"""What a story says of its strategy's steps is looked up late; each name is there."""

from pathlib import Path

import pytest

from pam_rollback.plan.plan import load_plan
from pam_rollback.plan.stories import STORIES, Story
from pam_rollback.rollback.planned import changing_step, steps_of

PLAN = load_plan(Path(__file__).resolve().parents[3] / "plan.toml")


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_every_story_has_its_steps(story: Story) -> None:
    """Some, in words; the one that brings the plan's flags about is one of them."""
    steps = steps_of(PLAN, story)

    assert len(steps) > 2
    assert all(" " in step for step in steps)
    assert changing_step(story) in {"", *steps}
    assert bool(story.changing_at) == bool(changing_step(story))


def test_which_ones_bring_the_flags_about() -> None:
    """The two ways that switch them at the flag API."""
    assert {name for name, story in STORIES.items() if changing_step(story)} == {"feature-flag", "gradual"}
    assert changing_step(STORIES["gradual"]) == "down to 0 %"
