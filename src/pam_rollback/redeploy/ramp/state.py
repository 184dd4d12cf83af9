"""The staged re-deployment as its journal tells it: what happened, in order, and where that leaves the ramp.

A stage's window counts **watched** seconds. A hole up to ``gap_s_max`` between two watches is not counted and does no harm; a longer one
begins the window anew. Once complete it stays complete. Moments are seconds since 1970: a ramp takes days, and several machines.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from pam_rollback.core.run_files import RAMP_FINISHED, RAMP_ROLLED_BACK, Event
from pam_rollback.plan.plan_items import RampStage
from pam_rollback.plan.plan_terms import RampTerms


class RampEvent(StrEnum):
    """What can happen to a ramp, as its journal names it."""

    STARTED = "started"
    GATE = "gate-checked"
    ASKED = "approval-asked"
    RAISING = "raising"
    ENTERED = "entered"
    WATCHED = "watched"
    COMPLETE = "window-complete"
    BREACH = "breach"
    LOWERING = "lowering"
    ROLLED_BACK = RAMP_ROLLED_BACK
    FINISHED = RAMP_FINISHED
    TORN = "torn-line"


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


@dataclass
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
    completed: set[str] = field(default_factory=set)
    """Stages whose windows were complete."""
    asked: set[str] = field(default_factory=set)
    """Stages for which a person's yes was asked for."""
    gate: GateRun | None = None
    breach: str = ""
    broke: dict[str, float] = field(default_factory=dict)
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

    @property
    def is_breached(self) -> bool:
        """Something is to be rolled back, or was begun to be."""
        return self.phase is Phase.LOWERING or (self.is_open and bool(self.breach))

    def follow(self, event: Event, rules: RampRules) -> None:
        """Take in what happened next."""
        facts = event.facts
        match event.kind:
            case RampEvent.RAISING:
                self.phase, self.target = Phase.RAISING, self._number(facts["stage"], rules)
            case RampEvent.ENTERED:
                self._enter(facts["stage"], event.at_s, rules)
            case RampEvent.WATCHED:
                self._watch(event, rules)
            case RampEvent.ASKED:
                self.asked.add(facts["stage"])
            case RampEvent.GATE:
                self.gate = GateRun(**facts)
            case RampEvent.BREACH:
                self._break(event, facts["why"])
            case RampEvent.LOWERING:
                self._lower(event)
            case RampEvent.ROLLED_BACK | RampEvent.FINISHED:
                self._end(event)
            case RampEvent.COMPLETE | RampEvent.TORN:
                pass  # for people: the one follows from what was watched, what the other cut short was never done, or is done again
            case _:
                self.problem = f"the journal has an event {event.kind!r}, which this version does not know"

    def _enter(self, name: str, at_s: float, rules: RampRules) -> None:
        stage = self._number(name, rules)
        if stage != self.stage + 1:
            self.problem = f"the journal enters {name} after stage number {self.stage + 1}: one was left out"
        self.phase, self.stage, self.target, self.entered_s = Phase.STANDING, stage, -1, at_s
        self.watched_until_s = self.seen_s = self.complete_s = None
        self.watched_s = 0.0

    def _watch(self, event: Event, rules: RampRules) -> None:
        facts, self.seen_s = event.facts, None
        if facts["state"] == BROKEN:
            # Before anybody is let in it is no breach of the ramp: there is nothing to roll back, and the next look begins afresh.
            if self.is_open and max(self.stage, self.target) >= 0 and not self.breach:
                self._break(event, facts["words"])
            return
        from_s, until_s = max(float(facts["from_s"]), self.entered_s), float(facts["until_s"])
        if facts["state"] != GOOD or facts["stage"] != stage_name(self, rules) or until_s <= from_s:
            return
        last_s = self.watched_until_s
        if last_s is None or from_s - last_s > rules.gap_s_max:
            self.watched_s = until_s - from_s
        else:
            self.watched_s += max(0.0, until_s - max(from_s, last_s))
        self.watched_until_s = self.seen_s = until_s
        if self.complete_s is None and window_is_complete(self, rules):
            self.complete_s = event.at_s
            self.completed.add(stage_name(self, rules))

    def _break(self, event: Event, why: str) -> None:
        self.breach, self.broke[self.release] = why, event.at_s

    def _lower(self, event: Event) -> None:
        if not self.breach:
            self._break(event, event.facts["why"])
        self.phase = Phase.LOWERING

    def _end(self, event: Event) -> None:
        """People are asked anew by the next ramp."""
        self.phase, self.target, self.asked, self.seen_s = Phase.FINISHED, -1, set(), None
        if event.kind == RampEvent.ROLLED_BACK:
            self.phase, self.stage = Phase.ROLLED_BACK, -1

    def _number(self, name: str, rules: RampRules) -> int:
        found = rules.named(name)
        if found is None:
            self.problem = f"the journal has a stage {name!r}, which the plan does not have"
            return len(rules.stages)
        return rules.stages.index(found)


def fold(events: Iterable[Event], rules: RampRules) -> RampState:
    """Read the journal from its beginning."""
    state = RampState()
    for event in events:
        if event.kind == RampEvent.STARTED:
            state = RampState(
                phase=Phase.STANDING,
                release=event.facts["release"],
                commit=event.facts.get("commit", ""),
                terms=event.facts["terms"],
                entered_s=event.at_s,
                gate=state.gate,
                broke=state.broke,
                last_s=state.last_s,
            )
        else:
            state.follow(event, rules)
        state.last_s = max(state.last_s, event.at_s)
    return state


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
