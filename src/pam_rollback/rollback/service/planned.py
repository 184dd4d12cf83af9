"""What a story would do, told without doing it: for ``--dry-run``."""

from collections.abc import Iterable

from pam_rollback.environment.environment import Environment
from pam_rollback.plan.plan import Plan
from pam_rollback.report.run_record import ActionStep
from pam_rollback.rollback.service.stories import STORIES, changing_step, steps_of
from pam_rollback.rollback.strategies.backend import with_workers


def planned_steps(plan: Plan, stories: Iterable[str], environment: Environment) -> Iterable[ActionStep]:
    """Every step of the stories' actions, with what it would change; those of workers where the environment names some."""
    has_workers = environment.render is not None and bool(environment.render.workers)
    for story in stories:
        known = STORIES[story]
        flags = plan.strategy(known.strategy).flag_changes
        change = ", ".join(f"{name} {flag}" for name, flag in sorted(flags.items()))
        steps, changing = steps_of(plan, known), changing_step(known)
        for step in with_workers(steps) if has_workers else steps:
            detail = change if step == changing else ""
            yield ActionStep(action=story, step=step, outcome="planned", started_s=0.0, duration_s=0.0, detail=detail)
