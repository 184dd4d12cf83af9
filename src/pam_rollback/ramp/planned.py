"""What a ramp would do, told without doing it: for ``--dry-run``."""

from collections.abc import Collection, Iterable

from pam_rollback.plan.plan import Plan
from pam_rollback.report.run_record import ActionStep


def planned_ramp(plan: Plan, approvals: Collection[str]) -> Iterable[ActionStep]:
    """Every stage of a ramp; one invocation enters one of them at most."""
    answer = plan.strategies[plan.ramp_terms.rollback].name
    for stage in plan.ramp.values():
        hold_s = stage.hold_s_min or plan.ramp_terms.watch_last_s
        asked = "after a person's yes (--approve), " if stage.id in approvals else ""
        yield ActionStep(
            action="ramp",
            step=f"{stage.id}: raise to {stage.rollout_pct:g} %",
            outcome="planned",
            started_s=0.0,
            duration_s=0.0,
            detail=f"{asked}watched for {hold_s:g} s; a breach is answered by {answer}",
        )
