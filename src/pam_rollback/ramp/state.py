"""The staged re-deployment as its journal tells it: what happened, in order, and where that leaves the ramp.

A stage's window counts **watched** seconds. A hole up to ``gap_s_max`` between two watches is not counted and does no harm; a longer one
begins the window anew. Once complete it stays complete. Moments are seconds since 1970: a ramp takes days, and several machines.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from pam_rollback.base.run_files import (
    RAMP_ENTERED,
    RAMP_FINISHED,
    RAMP_ROLLED_BACK,
    RAMP_STARTED,
    RAMP_WATCHED,
    Event,
)
from pam_rollback.plan.plan_items import RampStage
from pam_rollback.plan.plan_terms import RampTerms

STARTED, ENTERED, WATCHED, RAISING = RAMP_STARTED, RAMP_ENTERED, RAMP_WATCHED, "raising"
COMPLETE, ASKED = "window-complete", "approval-asked"
GATE, BREACH, LOWERING, TORN = "gate-checked", "breach", "lowering", "torn-line"
FINISHED, ROLLED_BACK = RAMP_FINISHED, RAMP_ROLLED_BACK
GOOD, BROKEN, UNKNOWN = "good", "broken", "unknown"
"""What a watch found. Unknown counts for nothing: neither as watched nor as broken."""
MEMORY = "SC-3"
"""What a waiver names where nobody watches memory."""
_ROUNDING_S = 1e-3
"""Moments since 1970 are not exact to the last digit: eight quarters of an hour are two hours."""


@dataclass(frozen=True)
class RampStep:
    """One stage: the share of users, how long it is watched, and whether a person has to let users in."""

    id: str
    share_pct: int
    hold_s: float
    approval: bool = False

    def __str__(self) -> str:
        return f"{self.id} ({self.share_pct} %)"


@dataclass(frozen=True, kw_only=True)
class RampRules:
    """The figures of the plan, at the session's pace. ``terms`` says them in words: a ramp is finished by the rules that it began with."""

    stages: tuple[RampStep, ...]
    gap_s_max: float
    """The longest time between two watches that does not begin a stage's window anew; a look is fresh for as long."""
    apart_s_min: float
    """No sooner than this after one stage began is the next one entered."""
    gate_s_max: float
    """How old a gate's GO may be."""
    terms: str

    def named(self, name: str) -> RampStep | None:
        """The stage of that id or share; None when there is none."""
        return next((step for step in self.stages if name in {step.id, str(step.share_pct)}), None)


@dataclass(frozen=True)
class GateRun:
    """The newest run of the re-deployment gate that is known."""

    run: str
    release: str
    verdict: str
    ended_s: float
    host: str = ""
    """Of the API that it was about; empty in what an older version noted."""
    commits: Sequence[str] = ()
    """That the API named meanwhile; empty where it named none, and in what an older version noted."""

    def __str__(self) -> str:
        return f"{self.run}: {self.verdict} for release {self.release or 'unknown'}, {moment(self.ended_s)}"


class Phase(StrEnum):
    """Where the ramp is by its journal."""

    NONE = "not begun"
    STANDING = "standing"
    RAISING = "raising"
    LOWERING = "rolling back"
    ROLLED_BACK = "rolled back"
    FINISHED = "finished"


@dataclass(frozen=True)
class RampState:
    """What the journal says. ``stage`` is the number of the stage that users are in, -1 before the first."""

    phase: Phase = Phase.NONE
    release: str = ""
    commit: str = ""
    """Of the release that the ramp began with; empty where the API names none."""
    terms: str = ""
    stage: int = -1
    target: int = -1
    entered_s: float = 0.0
    watched_until_s: float | None = None
    """Until when this stage was watched; None before the first good watch."""
    watched_s: float = 0.0
    """Seconds that were really watched in it."""
    seen_s: float | None = None
    """Until when users were last seen to fare well; None when the last look did not tell."""
    complete_s: float | None = None
    completed: tuple[str, ...] = ()
    """Stages whose windows were complete."""
    asked: frozenset[str] = frozenset()
    gate: GateRun | None = None
    breach: str = ""
    broke: Mapping[str, float] = field(default_factory=dict)
    """When each release that broke a ramp did, for the last time: it is never let in again on a gate's word alone."""
    last_s: float = 0.0
    problem: str = ""
    """Why the journal does not hold together."""

    @property
    def is_open(self) -> bool:
        """Users may have the features because of this ramp."""
        return self.phase in {Phase.STANDING, Phase.RAISING, Phase.LOWERING}

    @property
    def lets_nobody_in(self) -> bool:
        """The ramp has begun, and no stage of it was entered or is about to be."""
        return self.phase is Phase.STANDING and self.stage < 0


def fold(events: Iterable[Event], rules: RampRules) -> RampState:
    """Read the journal from its beginning."""
    state = RampState()
    for event in events:
        last_s = state.last_s
        follow = _FOLLOWS.get(event.kind)
        state = (
            follow(state, event, rules)
            if follow is not None
            else replace(state, problem=f"the journal has an event {event.kind!r}, which this version does not know")
        )
        state = replace(state, last_s=max(last_s, event.at_s))
    return state


def _started(state: RampState, event: Event, _rules: RampRules) -> RampState:
    facts = event.facts
    return RampState(
        phase=Phase.STANDING,
        release=facts["release"],
        commit=facts.get("commit", ""),
        terms=facts["terms"],
        entered_s=event.at_s,
        gate=state.gate,
        broke=state.broke,
    )


def _entered(state: RampState, event: Event, rules: RampRules) -> RampState:
    stage = _number(rules, event.facts["stage"])
    problem = state.problem
    if stage != state.stage + 1:
        problem = f"the journal enters {event.facts['stage']} after stage number {state.stage + 1}: one was left out"
    return replace(
        state,
        phase=Phase.STANDING,
        stage=stage,
        target=-1,
        entered_s=event.at_s,
        watched_until_s=None,
        watched_s=0.0,
        seen_s=None,
        complete_s=None,
        problem=problem,
    )


def _watched(state: RampState, event: Event, rules: RampRules) -> RampState:
    facts = event.facts
    if facts["state"] == BROKEN:
        # Before anybody is let in it is no breach of the ramp: there is nothing to roll back, and the next look begins afresh.
        anybody_in = state.is_open and (state.stage >= 0 or state.target >= 0)
        if not anybody_in or state.breach:
            return replace(state, seen_s=None)
        return replace(_broken(state, event, facts["words"]), seen_s=None)
    from_s, until_s = max(float(facts["from_s"]), state.entered_s), float(facts["until_s"])
    if facts["state"] != GOOD or facts["stage"] != stage_name(state, rules) or until_s <= from_s:
        return replace(state, seen_s=None)
    last_s = state.watched_until_s
    if last_s is None or from_s - last_s > rules.gap_s_max:
        watched_s = until_s - from_s
    else:
        watched_s = state.watched_s + max(0.0, until_s - max(from_s, last_s))
    now = replace(state, watched_until_s=until_s, watched_s=watched_s, seen_s=until_s)
    if now.complete_s is None and window_is_complete(now, rules):
        return replace(now, complete_s=event.at_s, completed=_with(now.completed, stage_name(now, rules)))
    return now


def _over(state: RampState, phase: Phase, *, stage: int) -> RampState:
    """People are asked anew by the next ramp."""
    return replace(state, phase=phase, stage=stage, target=-1, asked=frozenset(), seen_s=None)


def _broken(state: RampState, event: Event, why: str) -> RampState:
    return replace(state, breach=why, broke={**state.broke, state.release: event.at_s})


def _number(rules: RampRules, stage: str) -> int:
    found = rules.named(stage)
    return rules.stages.index(found) if found is not None else len(rules.stages)


def _with(known: tuple[str, ...], one: str) -> tuple[str, ...]:
    return known if one in known else (*known, one)


def stage_name(state: RampState, rules: RampRules) -> str:
    """The id of the stage that users are in; empty before the first."""
    return rules.stages[state.stage].id if 0 <= state.stage < len(rules.stages) else ""


def window_is_complete(state: RampState, rules: RampRules) -> bool:
    """Whether the stage that users are in has been watched for its whole time."""
    return 0 <= state.stage < len(rules.stages) and state.watched_s >= rules.stages[state.stage].hold_s - _ROUNDING_S


def moment(at_s: float) -> str:
    """A moment for people, in UTC."""
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S} UTC"


def rules_in_words(stages: Sequence[RampStep], *, apart_s: float) -> str:
    """The stages as a ramp remembers them."""
    each = ", ".join(
        f"{step.id} {step.share_pct} % for {step.hold_s:g} s{' by approval' if step.approval else ''}"
        for step in stages
    )
    return f"{each}, at least {apart_s:g} s apart"


_FOLLOWS: Mapping[str, Callable[[RampState, Event, RampRules], RampState]] = {
    STARTED: _started,
    RAISING: lambda state, event, rules: replace(
        state, phase=Phase.RAISING, target=_number(rules, event.facts["stage"])
    ),
    ENTERED: _entered,
    WATCHED: _watched,
    COMPLETE: lambda state, _event, _rules: state,  # for people: it follows from what was watched
    ASKED: lambda state, event, _rules: replace(state, asked=state.asked | {event.facts["stage"]}),
    GATE: lambda state, event, _rules: replace(state, gate=GateRun(**event.facts)),
    BREACH: lambda state, event, _rules: _broken(state, event, event.facts["why"]),
    LOWERING: lambda state, event, _rules: replace(
        state if state.breach else _broken(state, event, event.facts["why"]), phase=Phase.LOWERING
    ),
    ROLLED_BACK: lambda state, _event, _rules: _over(state, Phase.ROLLED_BACK, stage=-1),
    FINISHED: lambda state, _event, _rules: _over(state, Phase.FINISHED, stage=state.stage),
    TORN: lambda state, _event, _rules: state,  # for people: what was torn was never done, or is done again
}


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
        gate_s_max=terms.gate_s_max,
        terms=rules_in_words(steps, apart_s=apart_s),
    )
