"""What the plan leaves open of a ramp (``[ramp_terms]``), and what makes no sense of ``[ramp]``."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from pam_rollback.base.configuration import Problem, Table, shown, suggestion
from pam_rollback.plan.plan_items import RampStage, Strategy

_EVERYBODY_PCT = 100


class RampTerms(Table):
    """How a ramp goes on: which strategy answers a breach, and the times that the plan leaves open."""

    rollback: str
    watch_last_s: Annotated[float, Field(gt=0)]
    """How long the last stage is watched before the ramp is finished."""
    gap_s_max: Annotated[float, Field(gt=0)]
    """The longest time between two watches that does not begin a stage's window anew."""
    apart_s_min: Annotated[float, Field(ge=0)]
    """No sooner than this after one stage began is the next one entered."""
    gate_s_max: Annotated[float, Field(gt=0)]
    """How old the gate's GO may be."""


def problems_of_ramp(
    stages: Mapping[str, RampStage], terms: RampTerms, strategies: Mapping[str, Strategy]
) -> list[Problem]:
    """Report a ramp that does not lead to everybody step by step, or whose breach is answered by something else than flags."""
    return list(_problems(list(stages.values()), terms, strategies))


def _problems(stages: list[RampStage], terms: RampTerms, strategies: Mapping[str, Strategy]) -> Iterator[Problem]:
    shares = [stage.rollout_pct for stage in stages]
    if shares != sorted(set(shares)) or shares[-1:] != [_EVERYBODY_PCT] or shares[0] <= 0:
        found = ", ".join(f"{share:g}" for share in shares) or "none"
        yield Problem("[ramp] rollout_pct", f"expected shares that rise from above 0 to 100 %, found {found}")
    for stage in stages:
        if stage.rollout_pct != int(stage.rollout_pct):
            yield Problem(f"[ramp.{stage.id}] rollout_pct", f"expected a whole number, found {stage.rollout_pct:g}")
    for stage in stages[:-1]:
        if not stage.hold_s_min:
            yield Problem(f"[ramp.{stage.id}] hold_s_min", "missing: how long are these users watched before the next?")
    of_flags = [name for name, strategy in strategies.items() if strategy.flags]
    if terms.rollback not in of_flags:
        what = f"{shown(terms.rollback)} is no strategy of flags, {suggestion(terms.rollback, of_flags)}"
        yield Problem("[ramp_terms] rollback", what)
