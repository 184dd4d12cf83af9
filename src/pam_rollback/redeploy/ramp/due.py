"""The staged re-deployment: from the journal of what happened, and what is measured now, to the next thing that is due.

Pure: the journal goes in as events, the world as measured, and one of six things comes out. What decides, in this order:

1. A rollback that was begun is finished, and a **breach** is rolled back, whatever else is the matter: also while a person is waited for.
2. Where release, plan, flags or users are not what the journal says, the ramp **stops and says so**. Nothing is guessed.
3. A stage is left only when its window is complete and green, the last look at users is fresh, it is late enough, the gate is GO for this
   release and young enough, and a person says yes in this very session where that is asked for.
4. A release that broke a ramp, and a ramp that somebody else ended, begin anew by a person's yes to the first stage alone.

In one module: what is decided is the order of these rules; each refusal is a step of it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from pam_rollback.redeploy.ramp.state import GateRun, Phase, RampRules, RampState, RampStep, moment
from pam_rollback.target.served_release import same_commit

_CLOCK_BACK_S = 60.0
"""Clocks of several machines differ; a journal from the future by more is not understood."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What is measured now."""

    now_s: float
    release: str
    """The release that answers; empty when it does not say."""
    commit: str = ""
    """Its commit, likewise."""
    host: str = ""
    """Where the API is; empty where a gate need not have been about the same one."""
    shares_pct: Mapping[str, int]
    """By flag, as read; a flag that is off counts as 0."""
    wrong_users: str = ""
    """Why the share of users who have a feature is not what the flags say; empty when it is."""
    gate: GateRun | None = None
    approved: Collection[str] = ()
    """The stages to which a person says yes in this session, by their ids."""

    @property
    def share_pct(self) -> int | None:
        """The one share of all flags; None when they differ."""
        found = set(self.shares_pct.values())
        return found.pop() if len(found) == 1 else None

    @property
    def shares(self) -> str:
        """In words."""
        return ", ".join(f"{flag} {share} %" for flag, share in sorted(self.shares_pct.items()))


class Do(StrEnum):
    """Exactly one of these is due."""

    RAISE = "raise"
    WATCH = "keep watching"
    WAIT = "wait for an approval"
    ROLL_BACK = "roll back"
    FINISHED = "finished"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Due:
    """The next thing, for which stage, why, and when to come back. ``until_s`` is None where time changes nothing."""

    do: Do
    stage: RampStep | None = None
    until_s: float | None = None
    why: str = ""
    begins: bool = False
    """A ramp begins with it."""

    def __str__(self) -> str:
        when = f" at {moment(self.until_s)} or later" if self.until_s is not None else ""
        what = {
            Do.RAISE: f"raise to {self.stage}",
            Do.WATCH: f"keep watching, next step{when}" if when else "keep watching",
            Do.WAIT: f"waits for a yes to {self.stage}",
            Do.ROLL_BACK: "roll back",
            Do.FINISHED: "nothing: the ramp is finished",
            Do.REFUSE: "nothing before a person has looked",
        }[self.do]
        return what + (f": {self.why}" if self.why else "")


def due(state: RampState, rules: RampRules, world: World) -> Due:
    """What is due now. See the module for the order of the rules."""
    if state.is_breached:
        return Due(Do.ROLL_BACK, why=state.breach)
    begins = state.phase is Phase.NONE or _begins_anew(state, rules, world)
    refused = next(_refusals(state, rules, world, begins=begins), "")
    if refused:
        return Due(Do.REFUSE, why=refused)
    if begins:
        found = _admitted(RampState(gate=state.gate, broke=state.broke), rules, world)
        return replace(found, begins=found.do in {Do.WATCH, Do.RAISE})
    return _going_on(state, rules, world)


def _refusals(state: RampState, rules: RampRules, world: World, *, begins: bool) -> Iterator[str]:
    """Why nothing is done before a person has looked. The first reason counts: each makes it unsafe to say the next."""
    if state.last_s - world.now_s > _CLOCK_BACK_S:
        yield (
            f"the journal's last event is of {moment(state.last_s)}, and here it is {moment(world.now_s)}: one of the clocks is wrong; "
            "put it right"
        )
    if not world.release:
        yield "the API does not name its release: whether this ramp is about it is not known"
    if not world.shares_pct:
        yield "no flag was read: what users get is not known"
    led_there = state.is_open or state.phase is Phase.FINISHED
    if rules.stages[-1].share_pct in world.shares_pct.values() and not led_there:
        yield (
            f"flags stand at {world.shares} without a ramp that led there: everybody is let in only after the stages before; switch the "
            "features off (drills/test_feature_flag.py) and begin with the first users"
        )
    if not begins:
        yield from _unexplained(state, rules, world)
    elif world.wrong_users:
        yield f"users do not get what the flags say: {world.wrong_users}; nobody is let in like this"
    elif world.share_pct != 0:
        yield (
            f"there is no state of a ramp here, and flags stand at {world.shares}: the state was lost, or somebody else raised them; "
            f"a lost state never means that a stage is done; restore it (--state-dir), or {_anew(rules)}"
        )


def _anew(rules: RampRules) -> str:
    return (
        "look what happened; then switch the features off with drills/test_feature_flag.py, and begin with the first users by "
        f'--approve {rules.stages[0].id}="who: why"'
    )


def _begins_anew(state: RampState, rules: RampRules, world: World) -> bool:
    """Nobody has the features, and another release answers after a ramp that is over, or a person says yes to the first stage."""
    if world.share_pct != 0:
        return False
    about_this = not other_answers(state, world) and state.terms == rules.terms
    if state.lets_nobody_in and about_this and not state.problem:
        return False  # it has begun
    if rules.stages[0].id in world.approved:
        return True
    over = state.phase in {Phase.ROLLED_BACK, Phase.FINISHED} or state.lets_nobody_in
    another = world.release != state.release or state.lets_nobody_in
    return over and another and not state.problem and world.release not in state.broke


def _unexplained(state: RampState, rules: RampRules, world: World) -> Iterator[str]:
    """Where the world is not what the journal says."""
    if state.problem:
        yield f"{state.problem}; {_anew(rules)}"
    if state.phase is Phase.ROLLED_BACK or (state.phase is Phase.FINISHED and world.release in state.broke):
        yield _after_rollback(state, rules, world)
    if other := other_answers(state, world):
        yield f"{other}; {_anew(rules)}"
    if state.terms != rules.terms and state.phase is not Phase.FINISHED:
        yield (
            f"the plan was changed in the middle of the ramp: it began with {state.terms}, now it is {rules.terms}; {_anew(rules)}"
        )
    here = rules.stages[state.stage].share_pct if state.stage >= 0 else 0
    expected = {here} if state.phase is not Phase.RAISING else {here, rules.stages[state.target].share_pct}
    if not set(world.shares_pct.values()) <= expected:
        asked = " or ".join(f"{share} %" for share in sorted(expected))
        yield f"somebody changed the flags: the journal says {asked}, they stand at {world.shares}; {_anew(rules)}"
    if world.wrong_users:
        yield f"users do not get what the flags say: {world.wrong_users}; {_anew(rules)}"


def _after_rollback(state: RampState, rules: RampRules, world: World) -> str:
    if world.share_pct != 0:
        return f"this ramp was rolled back, and flags stand at {world.shares}: {_anew(rules)}"
    broke_s = state.broke.get(world.release, state.last_s)
    why = f": {state.breach}" if world.release == state.release and state.breach else ""
    return (
        f"the ramp of release {world.release} was rolled back at {moment(broke_s)}{why}; a corrected "
        "release begins a ramp of its own; for the same one pass the gate again and begin anew with "
        f'--approve {rules.stages[0].id}="who: why"'
    )


def other_answers(state: RampState, world: World) -> str:
    """Why what answers is not what this ramp is about; empty where it is, as far as both name a commit: a version can be given twice."""
    if world.release != state.release:
        return f"this ramp is about release {state.release}, and {world.release} answers"
    if state.commit and world.commit and not same_commit(state.commit, world.commit):
        return f"this ramp is about commit {state.commit} of release {state.release}, and commit {world.commit} of it answers"
    return ""


def _going_on(state: RampState, rules: RampRules, world: World) -> Due:
    if state.phase is Phase.FINISHED:
        return Due(Do.FINISHED)
    if state.phase is Phase.RAISING and rules.stages[state.target].share_pct in world.shares_pct.values():
        # Allowed when it was begun, and users are in: it is finished, and its whole window comes after.
        return Due(Do.RAISE, rules.stages[state.target], world.now_s, "it was begun and not finished")
    step = rules.stages[state.stage] if state.stage >= 0 else None
    held = _held(state, rules, step, world.now_s) if step is not None else None
    if held is not None:
        return held
    return Due(Do.FINISHED, step) if step is rules.stages[-1] else _admitted(state, rules, world)


def _held(state: RampState, rules: RampRules, step: RampStep, now_s: float) -> Due | None:
    """Why the stage is not left yet, whatever the gate and people say; None when its time is over."""
    if state.complete_s is None:
        anew = state.watched_until_s is None or now_s - state.watched_until_s > rules.gap_s_max
        left_s = step.hold_s - (0 if anew else state.watched_s)
        return Due(Do.WATCH, step, now_s + left_s, _watched_words(state, step))
    apart_s = state.entered_s + rules.apart_s_min
    if step is not rules.stages[-1] and now_s < apart_s:
        return Due(Do.WATCH, step, apart_s, f"the window of {step} is complete; the next stage is not entered sooner")
    return None


def _watched_words(state: RampState, step: RampStep) -> str:
    return f"{step} was watched for {state.watched_s:.0f} of {step.hold_s:.0f} s"


def _admitted(state: RampState, rules: RampRules, world: World) -> Due:
    """The next stage, if nothing speaks against it."""
    following = rules.stages[state.stage + 1]
    missing = [step.id for step in rules.stages[: state.stage + 1] if step.id not in state.completed]
    if missing:
        return Due(
            Do.REFUSE,
            following,
            why=f"{following} needs the stages before it, and {', '.join(missing)} was not completed",
        )
    refused = gate_refusal(newest(state.gate, world.gate), rules, world, after_s=state.broke.get(world.release))
    if refused:
        return Due(Do.REFUSE, following, why=f"{following} is not entered: {refused}")
    again = following is rules.stages[0] and world.release in state.broke
    if (following.approval or again) and following.id not in world.approved:
        return Due(Do.WAIT, following, why=f'--approve {following.id}="who: why"')
    if state.seen_s is None or world.now_s - state.seen_s > rules.gap_s_max:
        here = rules.stages[state.stage] if state.stage >= 0 else None
        return Due(Do.WATCH, here, world.now_s, f"users are looked at before {following} is entered")
    return Due(Do.RAISE, following, world.now_s)


def newest(*runs: GateRun | None) -> GateRun | None:
    """The one that ended last: a NO-GO that came after a GO counts."""
    return max((run for run in runs if run is not None), key=lambda run: run.ended_s, default=None)


def gate_refusal(gate: GateRun | None, rules: RampRules, world: World, *, after_s: float | None = None) -> str:
    """Why the gate does not let users in; empty when it does."""
    refused = next(_gate_refusals(gate, rules, world, after_s), "")
    return refused and f"{refused}; run pytest -m redeploy_gate"


def _gate_refusals(gate: GateRun | None, rules: RampRules, world: World, after_s: float | None) -> Iterator[str]:
    if gate is None:
        yield "no run of the re-deployment gate is known here"
        return
    if gate.release != world.release:
        yield f"the newest gate was about another release ({gate}), and {world.release} answers"
    if gate.host and world.host and gate.host != world.host:
        yield f"the newest gate was about {gate.host} ({gate}), and this ramp is about {world.host}"
    if gate.verdict != "GO":
        yield f"the newest gate was not GO ({gate})"
    yield from _other_commit(gate, world)
    if gate.ended_s > world.now_s:
        yield f"the newest gate ({gate}) is from the future, so its age is not known: see to the clocks"
    if world.now_s - gate.ended_s > rules.gate_s_max:
        yield f"the newest gate is older than {_span(rules.gate_s_max)} ({gate})"
    if after_s is not None and gate.ended_s <= after_s:
        yield f"the newest gate ({gate}) is from before the breach of {moment(after_s)}"


def _other_commit(gate: GateRun, world: World) -> Iterator[str]:
    """Where the API names no commit, then and now, none is compared."""
    named = " and ".join(gate.commits)
    if named and not world.commit:
        yield f"the newest gate was about commit {named}, and what answers names none ({gate})"
    if world.commit and not named:
        yield f"the newest gate does not say which commit it was about, and commit {world.commit} answers ({gate})"
    if world.commit and not all(same_commit(one, world.commit) for one in gate.commits):
        yield f"the newest gate was about another commit, {named} ({gate}), and {world.commit} answers"


def approval_refusal(state: RampState, rules: RampRules, name: str, world: World) -> str:
    """Why a person's yes to this stage is not taken now; empty when it is. ``state`` is as it was when the yes was said."""
    step = rules.named(name)
    if step is None:
        return f"--approve {name}: no such stage; expected one of {', '.join(step.id for step in rules.stages)}"
    first = state.phase in {Phase.ROLLED_BACK, Phase.FINISHED} or world.share_pct == 0
    following = 0 if first else state.stage + 1
    if following >= len(rules.stages) or step is not rules.stages[following]:
        awaited = "none" if following >= len(rules.stages) else str(rules.stages[following])
        return f"--approve {name}: the next stage is {awaited}, not {step}; a yes is given to the next stage only"
    if not first and state.stage >= 0 and state.complete_s is None:
        here = rules.stages[state.stage]
        return f"--approve {name}: too early, {_watched_words(state, here)}; look at the whole window first"
    return ""


def _span(seconds: float) -> str:
    return f"{seconds / 86400:g} days" if seconds >= 86400 else f"{seconds:g} s"  # noqa: PLR2004 - a day
