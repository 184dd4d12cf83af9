"""From the plan's ``[ramp]`` and ``[ramp_terms]`` to the rules that a session goes by."""

from collections.abc import Collection, Mapping

from pam_rollback.plan.plan_items import RampStage
from pam_rollback.plan.plan_terms import RampTerms
from pam_rollback.ramp.state import RampRules, RampStep, rules_in_words


def rules_of(
    stages: Mapping[str, RampStage], terms: RampTerms, *, pace: float, approvals: Collection[str] = ()
) -> RampRules:
    """The rules at this pace, which divides all that is watched or waited for. ``approvals``: the stages that need a person's yes."""
    steps = tuple(
        RampStep(
            id=stage.id,
            share_pct=int(stage.rollout_pct),
            hold_s=(stage.hold_s_min or terms.watch_last_s) / pace,
            approval=stage.id in approvals,
        )
        for stage in stages.values()
    )
    apart_s = terms.apart_s_min / pace
    return RampRules(
        stages=steps,
        gap_s_max=terms.gap_s_max / pace,
        apart_s_min=apart_s,
        approval_s_max=terms.approval_s_max,
        gate_s_max=terms.gate_s_max,
        terms=rules_in_words(steps, apart_s=apart_s),
    )
