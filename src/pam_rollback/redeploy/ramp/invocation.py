"""One invocation of the staged re-deployment: reads the journal, looks at users, does the next due thing, and says when to come back.

A look comes first wherever somebody has the features or is about to get them: a breach is rolled back whatever else is due, also while a
person is waited for, and where nothing can be measured nobody is let in. At most one stage is entered by one invocation; its window is
watched to its end, or as long as the session lives. The journal knows before and after each change:
what is to be done is written before it is done, and that it was done after it was seen to be. So whoever is killed in between leaves a note
by which the next session neither leaves anything out nor does it twice.

In one module: journal, look and change come in an order that keeps users safe, and that is read from top to bottom.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pam_rollback.core import run_files
from pam_rollback.core.errors import ActionFailed, MeasurementFailed, Refused
from pam_rollback.core.run_files import Event
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.http.files import EventLog, Line, append_line
from pam_rollback.plan.flags import Flag, FlagAdmin, FlagName
from pam_rollback.redeploy.ramp.due import Do, Due, World, approval_refusal, due, other_answers
from pam_rollback.redeploy.ramp.facts import (
    Answers,
    Look,
    MeasuredExposure,
    Progressed,
    UsersFared,
    lost,
    measured,
    wanted_at,
    wrong,
)
from pam_rollback.redeploy.ramp.state import (
    BROKEN,
    GOOD,
    UNKNOWN,
    Phase,
    RampEvent,
    RampRules,
    RampState,
    RampStep,
    fold,
    stage_name,
)
from pam_rollback.rollback.flag_facts import FlagShare, words
from pam_rollback.rollback.flags import raise_flags, read_named, wait_for_flags


@dataclass(frozen=True)
class RampJournal:
    """The file, and a clock of seconds since 1970. One session at a time writes: the environment's lock sees to it."""

    path: Path
    now_s: Callable[[], float]
    redact: Callable[[str], str] = str
    """Takes secrets out of what is written: what a product answers is quoted in it."""

    def begin(self) -> str:
        """Make the folder; take away a last line that a kill cut short, and note what it said. Gives that line, or nothing."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        whole = self.path.read_bytes() if self.path.exists() else b""
        end = whole.rfind(b"\n") + 1
        if end == len(whole):
            return ""
        torn = whole[end:].decode(errors="replace")
        os.truncate(self.path, end)
        self.append(RampEvent.TORN, line=torn)
        return torn

    def append(self, kind: str, **facts: Any) -> None:
        """Write one event; returns when it is on the disk."""
        self.write(self._log.line_of(Event(self.now_s(), kind, facts)))

    def write(self, line: bytes) -> None:
        """The line and, when it is the first, the file's name: on the disk."""
        append_line(self.path, line)

    def events(self) -> list[Event]:
        """All of it in order. Raises Refused at a line that cannot be read: a ramp is never guessed from half a journal."""
        # What follows the last newline was never finished.
        return [self._event(line) for line in self._log.lines() if line.finished]

    @property
    def _log(self) -> EventLog:
        return EventLog(self.path, run_files.RAMP_FORMAT, self.redact)

    def _event(self, line: Line) -> Event:
        if line.event is not None:
            return line.event
        where = f"{self.path}, line {line.number}"
        if line.too_new:
            raise Refused(f"{where}: {line.too_new}")
        raise Refused(
            f"{where}: expected an event of a ramp, found {line.found}; restore the file, or move it "
            "away: then the ramp is not known, and says how to go on"
        )


_EFFECTIVE_WITHIN_S = 2.0
"""The product's processes may know the flags for a moment longer than the admin API."""
_EVERY_S = 0.25
_UNKNOWN_AT_MOST = 2
"""A machine that was busy for a moment is asked again once; meanwhile nobody is let in."""


@dataclass(frozen=True)
class Yes:
    """``--approve STAGE="who: why"``."""

    stage: str
    who: str
    why: str


@dataclass(frozen=True)
class RampTools:
    """What an invocation works with."""

    journal: RampJournal
    admin: FlagAdmin
    flags: Sequence[FlagName]
    world: Callable[[], World]
    """Release and gate as they are now; flags and users are filled in here."""
    users: Callable[[int], Answers]
    """What a sample of users gets; another sample for each number. Raises MeasurementFailed."""
    look: Callable[[str], Look]
    """Watch users for a while; is told which stage they are in."""
    roll_back: Callable[[str], str]
    """By the plan's strategy, because of that; gives what came of it. Raises ActionFailed. May be repeated."""
    tell: Callable[[str], None]
    """Say it to the team; whether they hear it decides nothing."""
    say: Callable[[str], None]
    """For whoever looks at the terminal."""
    waiter: Waiter


@dataclass(frozen=True)
class RampRun:
    """What one invocation found and did."""

    fared: UsersFared
    let_in: MeasuredExposure
    progressed: Progressed
    state: RampState


def go_on(tools: RampTools, rules: RampRules, *, by: str, approvals: Sequence[Yes] = ()) -> RampRun:
    """Do what is due. Raises Refused, MeasurementFailed when it cannot look, and ActionFailed when a change was not made."""
    return _Invocation(tools, rules, by, approvals).run()


@dataclass
class _Invocation:
    tools: RampTools
    rules: RampRules
    by: str
    approvals: Sequence[Yes]
    did: list[str] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    shares: tuple[FlagShare, ...] = ()
    raised: bool = False
    before_start: str = ""
    approved: dict[str, Yes] = field(default_factory=dict)
    """By stage, what a person says yes to in this session."""
    refused: list[str] = field(default_factory=list)
    """Why other approvals are not taken."""

    def run(self) -> RampRun:
        torn = self.tools.journal.begin()
        if torn:
            self._did(f"a last line that was cut short is left out: {torn!r}")
        state = as_approved = self._state()
        if state.is_open and not state.is_breached:
            # Before anything else is asked: where the product does not even say what users get, that may be the breach.
            self._look(state)
        while True:
            state = self._state()
            if state.is_breached:
                return self._roll_back(state)
            world = self._world(as_approved)
            now_due = due(state, self.rules, world)
            if now_due.begins:
                self._begin(world)
            elif self._has_to_look(now_due) and not (state.is_open and other_answers(state, world)):
                self._look(state)
            elif self.before_start or (world.wrong_users and now_due.do is Do.REFUSE and not self.refused):
                # Not ours to change, and no refusal of a guard: users have what they should not have, or the other way round.
                return self._ended(now_due, state)
            elif self.refused or now_due.do is Do.REFUSE:
                raise Refused("; ".join([*self.refused, *([now_due.why] if now_due.do is Do.REFUSE else [])]))
            elif not self._goes_on(state, world, now_due):
                return self._ended(now_due, state)

    def _has_to_look(self, now_due: Due) -> bool:
        """Nobody looked yet at users who are about to be let in; or the last look did not tell, whatever is due."""
        return self.looks[-1].state == UNKNOWN if self.looks else now_due.do in {Do.RAISE, Do.WATCH}

    def _goes_on(self, state: RampState, world: World, now_due: Due) -> bool:
        """Do it; False when this invocation is over."""
        match now_due.do:
            case Do.RAISE if now_due.stage is not None and not self.raised:
                self._raise(now_due.stage, state, world)
                return True
            case Do.WATCH if self._is_worth_watching(state, now_due, world):
                self._look(state)
                return True
            case Do.WAIT if now_due.stage is not None:
                self._ask(now_due.stage, state, world)
            case Do.FINISHED if state.phase is not Phase.FINISHED:
                self.tools.journal.append(RampEvent.FINISHED, by=self.by)
                self._did("the ramp is finished: everybody has the features")
                self.tools.tell(f"PAM ramp of release {state.release} is finished: everybody has the new features.")
        return False

    @staticmethod
    def _is_worth_watching(state: RampState, now_due: Due, world: World) -> bool:
        """The stage's own window runs, or the last look is not fresh; not: the night between two stages."""
        runs = state.stage >= 0 and state.complete_s is None
        return runs or (now_due.until_s is not None and now_due.until_s <= world.now_s)

    # ---------------------------------------------------------------- what is known

    def _state(self) -> RampState:
        return fold(self.tools.journal.events(), self.rules)

    def _world(self, as_approved: RampState) -> World:
        known = self.tools.world()
        if not known.release:
            raise MeasurementFailed("the API does not name its release: whether this ramp is about it is not known")
        try:
            flags = read_named(self.tools.admin, self.tools.flags)
        except ActionFailed as error:
            raise MeasurementFailed(f"what the flags stand at is not known, so nobody is let in: {error}") from error
        self._note_gate(known)
        self.shares = self._measured(flags)
        pct = {name: flag.rollout_pct if flag.enabled else 0 for name, flag in flags.items()}
        found = replace(known, shares_pct=pct, wrong_users=wrong(self.shares))
        self._take_approvals(as_approved, found)
        return replace(found, approved=self.approved)

    def _measured(self, flags: Mapping[FlagName, Flag]) -> tuple[FlagShare, ...]:
        """Of one sample; of another one when the first is odd: of hundreds of invocations, one would be odd by chance."""
        found = measured(self.tools.users(0), flags)
        return measured(self.tools.users(1), flags) if wrong(found) else found

    def _note_gate(self, world: World) -> None:
        gate, known = world.gate, self._state().gate
        if gate is not None and (known is None or gate.ended_s > known.ended_s):
            self.tools.journal.append(RampEvent.GATE, **vars(gate))

    # ---------------------------------------------------------------- people

    def _take_approvals(self, state: RampState, world: World) -> None:
        """Take those that count, once, and note why the others do not."""
        approvals, self.approvals = self.approvals, ()
        for given in approvals:
            why = approval_refusal(state, self.rules, given.stage, world)
            step = self.rules.named(given.stage)
            if why or step is None:
                self.refused.append(why)
                continue
            self.approved[step.id] = given
            self._did(f"{given.who} says yes to {step}: {given.why}")

    def _ask(self, step: RampStep, state: RampState, world: World) -> None:
        """Ask the team once in a ramp, not at each look of a scheduled job."""
        if step.id in state.asked:
            return
        self.tools.journal.append(RampEvent.ASKED, stage=step.id)
        self._did(f"a yes to {step} is asked for")
        self.tools.tell(
            f"PAM ramp of release {state.release or world.release} waits for a yes to {step}: "
            f'pytest -m ramp --approve {step.id}="who: why" …'
        )

    def _begin(self, world: World) -> None:
        """Note it before users are looked at: what they get of an earlier ramp says nothing of this one."""
        self.tools.journal.append(
            RampEvent.STARTED, release=world.release, commit=world.commit, terms=self.rules.terms, by=self.by
        )
        if not world.commit:
            self._did(
                "this ramp goes by the version alone: the API names no commit, so another build of it is not noticed"
            )

    # ---------------------------------------------------------------- what is done

    def _look(self, state: RampState) -> None:
        """Watch for a while and note it. Raises MeasurementFailed when nothing is known for the second time in a row."""
        stage = stage_name(state, self.rules)
        found = self.tools.look(stage)
        after = self.tools.world() if state.is_open and found.state == GOOD else None
        if after is not None and after.release and (other := other_answers(state, after)):
            # How users of something else fare is no watch of this ramp, however well they do.
            found = replace(found, state=UNKNOWN, words=other)
        self.looks.append(found)
        self.tools.journal.append(RampEvent.WATCHED, stage=stage, **vars(found))
        self.tools.say(f"  {found.state}: {found.words}")
        if found.state == GOOD:
            self._note_completion(state, stage)
        elif found.state == BROKEN:
            now = self._state()
            if now.breach:
                self.tools.journal.append(RampEvent.BREACH, why=now.breach)
            else:
                self.before_start = found.words
        elif [look.state for look in self.looks[-_UNKNOWN_AT_MOST:]] == [UNKNOWN] * _UNKNOWN_AT_MOST:
            raise MeasurementFailed(f"how users fare is not known, so nobody is let in: {found.words}")

    def _note_completion(self, before: RampState, stage: str) -> None:
        if before.complete_s is None and self._state().complete_s is not None:
            self.tools.journal.append(RampEvent.COMPLETE, stage=stage)
            self._did(f"the window of {self.rules.named(stage)} is complete and green")

    def _raise(self, step: RampStep, state: RampState, world: World) -> None:
        journal, flags = self.tools.journal, read_named(self.tools.admin, self.tools.flags)
        if state.phase is not Phase.RAISING or self.rules.stages[state.target] is not step:
            yes = self.approved.get(step.id)
            said = {"who": yes.who, "why": yes.why} if yes is not None else {}
            journal.append(RampEvent.RAISING, stage=step.id, by=self.by, before=words(flags), **said)
        wanted = wanted_at(self.tools.flags, step.share_pct)
        before = self.tools.users(0)
        raise_flags(self.tools.admin, wanted, expected_pct=world.shares_pct, ceiling_pct=step.share_pct)
        try:
            wait_for_flags(self.tools.admin, wanted, self.tools.waiter)
        except ActionFailed as error:
            raise ActionFailed(f"{step}: {error}") from error
        problem = self._let_in(before, wanted)
        journal.append(RampEvent.ENTERED, stage=step.id, by=self.by, users="; ".join(map(str, self.shares)))
        self.raised = True
        self._did(f"raised to {step}")
        if problem:
            journal.append(RampEvent.BREACH, why=f"{step} let the wrong users in: {problem}")
            return
        self.tools.tell(
            f"PAM ramp of release {world.release}: {step} of the users have the new features, and are watched."
        )

    def _let_in(self, before: Answers, wanted: Mapping[FlagName, Flag]) -> str:
        """Why the users who have the features now are not those who should; empty when they are. Asked until it has taken effect."""

        def judged() -> str:
            now = self.tools.users(0)
            self.shares = measured(now, wanted)
            return "; ".join(filter(None, [wrong(self.shares), lost(before, now)]))

        try:
            self.tools.waiter.until(
                judged, holds=lambda problem: not problem, within_s=_EFFECTIVE_WITHIN_S, what="users", every_s=_EVERY_S
            )
        except NotReached:
            problem, other = judged(), measured(self.tools.users(1), wanted)
            if lost(before, self.tools.users(0)) or wrong(other):
                return problem
            self.shares = other  # one sample in ten thousand is odd by chance
        return ""

    def _roll_back(self, state: RampState) -> RampRun:
        why = state.breach
        self.tools.say(f"  BREACH, rolling back: {why}")
        if state.phase is not Phase.LOWERING:
            self.tools.journal.append(RampEvent.LOWERING, why=why, by=self.by)
        result = self.tools.roll_back(why)
        self.tools.journal.append(RampEvent.ROLLED_BACK, result=result, by=self.by)
        self._did(f"rolled back: {result}")
        after = self._state()
        self.shares = ()
        with suppress(MeasurementFailed):  # then the share is not known, and whoever judges it says so
            self.shares = measured(self.tools.users(0), wanted_at(self.tools.flags, 0))
        off = World(
            now_s=self.tools.journal.now_s(), release=after.release, shares_pct=dict.fromkeys(self.tools.flags, 0)
        )
        return self._ended(due(after, self.rules, off), after, breach=why)

    def _did(self, what: str) -> None:
        self.did.append(what)
        self.tools.say(f"  {what}")

    def _ended(self, now_due: Due, state: RampState, *, breach: str = "") -> RampRun:
        over = state.phase is Phase.FINISHED
        return RampRun(
            fared=UsersFared(tuple(self.looks), breach, self.before_start, is_over=over),
            let_in=MeasuredExposure(self.shares, stage_name(state, self.rules)),
            progressed=Progressed(tuple(self.did), now_due),
            state=state,
        )
