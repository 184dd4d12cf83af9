"""What a story would do, told without doing it: for ``--dry-run``."""

from collections.abc import Iterable

from pam_rollback.core.plan import Plan
from pam_rollback.plugin.stories import STORIES, steps_of
from pam_rollback.reporting.run_record import ActionStep


def planned_steps(plan: Plan, stories: Iterable[str]) -> Iterable[ActionStep]:
    """Every step of the stories' actions, with what it would change."""
    for story in stories:
        known = STORIES[story]
        flags = plan.strategy(known.strategy).flag_changes
        change = ", ".join(f"{name} {flag}" for name, flag in sorted(flags.items()))
        for step in steps_of(plan, known):
            detail = change if step == known.changing else ""
            yield ActionStep(action=story, step=step, outcome="planned", started_s=0.0, duration_s=0.0, detail=detail)
