"""The tables of plan.toml that are no items: the document itself, and what baselines, load tests and gates have to keep to."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, Strict

from pam_rollback.core.configuration import Problem, Table, shown, suggestion
from pam_rollback.plan.plan_items import RampStage, Strategy


class About(Table):
    """The document that this data comes from; its review is due ``review_after_d`` days after a deployment."""

    title: str
    version: str
    reviewed_on: date | None = None
    """When somebody last read plan and runbook against the product; None until somebody did."""
    review_after_d: Annotated[int, Field(gt=0)]
    source: str

    def __str__(self) -> str:
        """By what a session judges."""
        return f"{self.title} {self.version} ({self.source})"


class BaselineTerms(Table):
    """What a baseline has to be like to be held against: of so many answers, and no older than that."""

    answers_min: Annotated[int, Field(ge=100)]
    age_max_d: Annotated[float, Field(gt=0)]


class LoadTerms(Table):
    """The load that a release has to bear, and for how long. The pace divides ``duration_s``; the rate is the environment's."""

    steps_pct: Annotated[tuple[Annotated[float, Field(gt=0, le=100)], ...], Field(min_length=1), Strict(False)]  # noqa: FBT003 - TOML has lists
    """The shares of the full load, one after the other; one share is a steady load."""
    duration_s: Annotated[float, Field(gt=0)]


class RedeploymentTerms(Table):
    """How long what the gate runs may take."""

    install_deadline_s: Annotated[float, Field(gt=0)]
    migration_deadline_s: Annotated[float, Field(gt=0)]


Gap = Literal["consider", "watch", "no"]
"""What is recommended of something that lies between the plan's criteria."""

_Ids = Annotated[tuple[str, ...], Strict(False)]  # noqa: FBT003 - TOML has lists


class Gaps(Table):
    """The recommendation for each gap. Never ``roll back now``: that is the plan's to say."""

    not_yet: Gap
    """Above the limit of a criterion with a time (IR-2, IR-4, IR-5, CR-5), but not for all of its time yet."""
    over: Gap
    """It was above within the time that was looked at, and is not any more."""
    partial_downtime: Gap
    """Some journey of users is never answered, others are, for IR-2's time."""
    errors_between: Gap
    """No more errors than IR-5, no fewer than SC-1 asks for (2 to 20 %), for IR-5's time."""
    memory_above_and_flat: Gap
    """More than IR-6's level, and not growing."""
    memory_on_its_way: Gap
    """Below IR-6's level, and at the present pace above it within SC-1's time."""
    memory_between: Gap
    """No less than SC-3 asks for, no more than IR-6's level (100 to 200 MB), and not on its way up."""
    schema_damaged: Gap
    """The database's own rules are damaged; no row of a user is known to be."""


class PartStrategies(Table):
    """With which strategies to begin, by the parts on which users' answers fail, whatever the criterion."""

    front_end: Annotated[_Ids, Field(min_length=1)]
    back_end: Annotated[_Ids, Field(min_length=1)]
    both: Annotated[_Ids, Field(min_length=1)]
    feature: Annotated[_Ids, Field(min_length=1)]


class DecisionRules(Table):
    """How criteria become a recommendation."""

    slowdown_hold_s: Annotated[float, Field(gt=0)]
    """For how long answers must be slower than CR-5's limit; the plan gives CR-5 no time."""
    slowdown_unnoticed_ms: Annotated[float, Field(ge=0)]
    """Answers that are slower by less are not slower (IR-4, CR-5), however large a share of a fast answer that is."""
    gaps: Gaps
    strategies: Mapping[str, Annotated[_Ids, Field(min_length=1)]]
    """For each criterion the strategies (ids), the one to begin with first."""
    several: Annotated[_Ids, Field(min_length=1)]
    """The same when several criteria of the list "roll back now" hold that do not follow from each other."""
    parts: PartStrategies
    features: _Ids
    """Criteria that one feature of the back end can meet, while the rest of it answers."""
    follows: Mapping[str, _Ids]
    """A criterion, and those that hold with it and are no problem of their own: who is down fails, and is slow, too."""


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
    at_once = [name for name, strategy in strategies.items() if strategy.flags and not strategy.rollout_steps_pct]
    if terms.rollback not in at_once:
        what = f"{shown(terms.rollback)} is no strategy that switches flags off at once, {suggestion(terms.rollback, at_once)}"
        yield Problem("[ramp_terms] rollback", what)
