"""What a story would do, told without doing it: for ``--dry-run``."""

from collections.abc import Iterable

from pam_rollback.actions import feature_flag
from pam_rollback.core.plan import Plan
from pam_rollback.reporting.run_record import ActionStep

_STEPS = {"feature-flag": feature_flag.STEPS}
"""The steps of each story's action, in order. A new story in drills/ adds its line."""


def planned_steps(plan: Plan, stories: Iterable[str]) -> Iterable[ActionStep]:
    """Every step of the stories' actions, with what it would change."""
    for story in stories:
        flags = plan.strategy(story).flag_changes
        change = ", ".join(f"{name} {flag}" for name, flag in sorted(flags.items()))
        for step in _STEPS[story]:
            detail = change if step == feature_flag.SWITCH else ""
            yield ActionStep(action=story, step=step, outcome="planned", started_s=0.0, duration_s=0.0, detail=detail)
