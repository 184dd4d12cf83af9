"""What a story would do, told without doing it: for ``--dry-run``."""

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any

from pam_rollback.environment.environment import Environment
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.stories import STORIES, Story
from pam_rollback.report.run_record import ActionStep
from pam_rollback.rollback.backend import with_workers


def planned_steps(plan: Plan, stories: Iterable[str], environment: Environment) -> Iterable[ActionStep]:
    """Every step of the stories' actions, with what it would change; those of workers where the environment names some."""
    has_workers = bool(environment.workers)
    for story in stories:
        known = STORIES[story]
        flags = plan.strategy(known.strategy).flag_changes
        change = ", ".join(f"{name} {flag}" for name, flag in sorted(flags.items()))
        steps, changing = steps_of(plan, known), changing_step(known)
        for step in with_workers(steps) if has_workers else steps:
            detail = change if step == changing else ""
            yield ActionStep(action=story, step=step, outcome="planned", started_s=0.0, duration_s=0.0, detail=detail)


def steps_of(plan: Plan, story: Story) -> Sequence[str]:
    """What the story would do, in order."""
    if not isinstance(story.steps_at, str):
        return story.steps_at
    steps: Sequence[str] | Callable[[Sequence[int]], Sequence[str]] = _of_strategy(story.steps_at)
    if not callable(steps):
        return steps
    return steps([round(share) for share in plan.strategy(story.strategy).rollout_steps_pct])


def changing_step(story: Story) -> str:
    """The step that brings the plan's flags about; empty where none does."""
    return str(_of_strategy(story.changing_at)) if story.changing_at else ""


def _of_strategy(where: str) -> Any:
    module, _, name = where.partition(":")
    return getattr(import_module(f"pam_rollback.rollback.{module}"), name)
