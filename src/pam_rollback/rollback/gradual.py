"""Strategy 2 of the plan: take the new features back from more and more users. Objective: 5 minutes (RTO-2).

The plan's commands change one flag of three, leave the share of 10 % out, do not wait, and look at nothing in between. Done here: every
flag of the plan, each share read back and evaluated for many users, a look at how users fare before the next one, and straight to 0 when
they fare worse or a step does not take. A flag only ever goes down: one that stands at 25 % goes on from there.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from pam_rollback.base.clock import Clock
from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.base.wait import NotReached, Waiter
from pam_rollback.journal.journal import Journal
from pam_rollback.plan.flags import Flag, FlagAdmin, FlagEvaluation, FlagName, TeamNotice
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import P95Goal, SlowdownTrigger, Strategy
from pam_rollback.rollback.asked_users import made_up
from pam_rollback.rollback.feature_flag import (
    ASKED_AGAIN_S,
    EFFECTIVE_WITHIN_S,
    Evaluation,
    FlagOutcome,
    wait_for_flags,
    words,
)
from pam_rollback.rollback.flag_writing import lower_flags, note_setting
from pam_rollback.rollback.rollout import Descent, Fare, FlagShare, Stage, Trend, lowered, shares
from pam_rollback.rollback.steps import Narrator, Step, StepRecord, StepsFailed, in_order, run_steps, silent
from pam_rollback.rollback.telling import TELL, notice_problem, told

READ = "read the flags and how users fare"
LOWER = "down to {} %"
LAST = LOWER.format(0)
WATCH = "watch users at {} %"
_EVALUATION_WORKERS = 8
_HOLD_MIN_S = 2.0
"""A shorter time has too few answers to say how users fare: of the sandbox's fifty probes a second not even half are asked as users ask."""


def planned_steps(shares_pct: Sequence[int]) -> tuple[str, ...]:
    """What would be done, in order."""
    way = [name.format(share) for share in shares_pct for name in (LOWER, WATCH)[: 2 if share else 1]]
    return (READ, *way, TELL)


@dataclass(frozen=True)
class GradualTools:
    """What the action works with. Without ``evaluation`` or ``notice`` the environment has declared no such ability."""

    admin: FlagAdmin
    evaluation: FlagEvaluation | None
    notice: TeamNotice | None
    fare: Callable[[float], Fare]
    """How users fared from a moment on. Raises MeasurementFailed when that is not known."""
    journal: Journal
    waiter: Waiter
    clock: Clock
    narrate: Narrator = silent


@dataclass(frozen=True)
class Way:
    """How it goes down: the shares, how long users are watched at each, and what counts as slower, see Trend."""

    shares_pct: tuple[int, ...]
    hold_s: float
    increase_pct_max: float
    fast_ms: float

    @classmethod
    def of(cls, plan: Plan, strategy: Strategy, *, pace: float) -> "Way":
        """The way down of a strategy of the plan; slower than IR-4 says and than SC-2 allows is worse. The pace divides the time."""
        return cls(
            shares_pct=tuple(round(share) for share in strategy.rollout_steps_pct),
            hold_s=max(_HOLD_MIN_S, (strategy.rollout_hold_s or 0) / pace),
            increase_pct_max=plan.the(SlowdownTrigger).response_time_increase_pct_max,
            fast_ms=plan.the(P95Goal).p95_ms_max,
        )


@dataclass(frozen=True)
class GradualRollback:
    """The facts of one gradual rollback. Times are monotonic seconds."""

    decided_s: float
    finished_s: float
    before: Mapping[FlagName, Flag]
    descent: Descent
    read_back: Mapping[FlagName, Flag]
    notice_problem: str | None
    steps: tuple[StepRecord, ...]
    made_up: str = ""
    """Why nobody of the users who were asked exists; empty when they do."""

    @property
    def outcome(self) -> FlagOutcome:
        """The flags as read back in the end."""
        return FlagOutcome(self.read_back)

    @property
    def evaluated(self) -> Evaluation:
        """What users get in the end. Raises MeasurementFailed when nobody could be evaluated."""
        last = self.descent.stages[-1] if self.descent.stages else None
        if last is None or last.shares is None:
            raise MeasurementFailed(f"what users get is not known: {last.problem if last else 'nobody was asked'}")
        users = max((share.users for share in last.shares), default=0)
        return Evaluation(users, {share.flag: share.who for share in last.shares}, self.made_up)


@dataclass
class _Found:
    """What the steps find on their way."""

    before: Mapping[FlagName, Flag] = field(default_factory=dict)
    now: Mapping[FlagName, Flag] = field(default_factory=dict)
    users: Mapping[str, Mapping[FlagName, bool]] = field(default_factory=dict)
    fare: Fare | None = None
    stages: list[Stage] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    straight_because: str = ""


def roll_back_gradually(
    tools: GradualTools,
    target: Mapping[FlagName, Flag],
    way: Way,
    *,
    users: Sequence[str],
    message: str,
    decided_s: float,
) -> GradualRollback:
    """Lower the flags share by share to ``target``. Raises StepsFailed when they are not there in the end."""
    return _Descending(tools, target, way, users, message).to_the_end(decided_s)


@dataclass
class _Descending:
    tools: GradualTools
    target: Mapping[FlagName, Flag]
    way: Way
    users: Sequence[str]
    message: str
    found: _Found = field(default_factory=_Found)
    records: list[StepRecord] = field(default_factory=list)

    def to_the_end(self, decided_s: float) -> GradualRollback:
        self._run([Step(READ, self._read)])
        for share in self.way.shares_pct:
            if share == 0 or self.found.straight_because:
                break
            wanted = {name: lowered(flag, share) for name, flag in self.found.now.items()}
            if wanted != self.found.now:
                self._go_down(share, wanted)
        last = Step(LOWER.format(0), self._finish, changes=self.found.now != dict(self.target))
        self._run(in_order([last, *told(self.tools.notice, self.message)]))
        return GradualRollback(
            decided_s=decided_s,
            finished_s=self.tools.clock.monotonic_s(),
            before=self.found.before,
            descent=Descent(tuple(self.found.stages), self.found.straight_because, tuple(self.found.unknown)),
            read_back=self.found.now,
            notice_problem=notice_problem(self.records),
            steps=tuple(self.records),
            made_up=made_up(self.users) if self.found.users else "",
        )

    def _run(self, steps: Sequence[Step]) -> tuple[StepRecord, ...]:
        try:
            done = run_steps(steps, self.tools.journal, self.tools.clock, self.tools.narrate)
        except StepsFailed as failed:
            raise StepsFailed((*self.records, *failed.records)) from failed
        self.records += done
        return done

    def _read(self) -> str:
        flags = self.tools.admin.read_flags()
        missing = sorted(set(self.target) - set(flags))
        if missing:
            raise ActionFailed(f"the environment has no flag {', '.join(missing)}; it has {', '.join(sorted(flags))}")
        self.found.before = self.found.now = {name: flags[name] for name in self.target}
        self.found.users = self._ask_users()
        with suppress(MeasurementFailed):
            # Nobody may have watched before a real rollback: then the first share is what the next one is compared with.
            self.found.fare = self.tools.fare(self.tools.clock.monotonic_s() - self.way.hold_s)
        return words(self.found.before)

    def _go_down(self, share: int, wanted: Mapping[FlagName, Flag]) -> None:
        """One share. Whatever goes wrong with it, users are helped by going straight to 0."""
        lower = Step(LOWER.format(share), lambda: self._lower(share, wanted), essential=False, changes=True)
        watch = Step(WATCH.format(share), lambda: self._watch(share), essential=False, needs=(lower.name,))
        records = self._run([lower, watch])
        if not records[0].done:
            self.found.straight_because = f"{share} % was not reached: {records[0].problem}"
            self.found.unknown.append(self.found.straight_because)

    def _lower(self, share: int, wanted: Mapping[FlagName, Flag]) -> str:
        self._set(wanted)
        self.found.stages.append(self._stage(share))
        return str(self.found.stages[-1])

    def _watch(self, share: int) -> str:
        since_s = self.tools.clock.monotonic_s()
        self.tools.waiter.pause(self.way.hold_s)
        before, self.found.fare = self.found.fare, None
        try:
            after = self.found.fare = self.tools.fare(since_s)
        except MeasurementFailed as unknown:
            self.found.unknown.append(f"whether users fare worse at {share} % is not known: {unknown}")
            raise
        if before is None:
            return f"nothing to compare with yet: {after}"
        trend = Trend(before, after, self.way.increase_pct_max, self.way.fast_ms)
        last = self.found.stages[-1]
        self.found.stages[-1] = Stage(last.share_pct, last.read_back, last.shares, trend, last.problem)
        if trend.worse:
            self.found.straight_because = f"users fare worse at {share} %: {trend}"
        return str(trend)

    def _finish(self) -> str:
        if self.found.now == dict(self.target):
            self.found.stages.append(self._stage(0))
            return f"nothing to change: {words(self.target)} already"
        self._set(self.target)
        self.found.stages.append(self._stage(0))
        return str(self.found.stages[-1])

    def _set(self, wanted: Mapping[FlagName, Flag]) -> None:
        now = lower_flags(self.tools.admin, self.tools.journal, wanted)
        try:
            self.found.now = wait_for_flags(self.tools.admin.read_flags, now, self.tools.waiter)
        except NotReached as error:
            raise ActionFailed(f"accepted, but it did not take effect: {error}") from error
        note_setting(self.tools.journal, now, done=True)

    def _stage(self, share: int) -> Stage:
        before, judged = self.found.users, tuple[FlagShare, ...]()
        give_up_s = self.tools.clock.monotonic_s() + EFFECTIVE_WITHIN_S
        while True:
            now = self._ask_users()
            if not (before and now):
                return Stage(share, self.found.now, None, None, self.found.unknown[-1])
            try:
                judged = shares(before, now, self.found.now)
            except MeasurementFailed as unknown:
                self.found.unknown.append(f"{share} %: {unknown}")
                return Stage(share, self.found.now, None, None, str(unknown))
            if all(one.as_asked for one in judged) or self.tools.clock.monotonic_s() >= give_up_s:
                self.found.users = now
                return Stage(share, self.found.now, judged, None)
            self.tools.waiter.pause(ASKED_AGAIN_S)

    def _ask_users(self) -> Mapping[str, Mapping[FlagName, bool]]:
        """What each user gets; empty when that is not known, which is noted and keeps nobody from being helped."""
        if self.tools.evaluation is None:
            self.found.unknown.append("this environment has no flag evaluation")
            return {}
        try:
            with ThreadPoolExecutor(_EVALUATION_WORKERS) as pool:
                answers = list(pool.map(self.tools.evaluation.flags_of, self.users))
        except MeasurementFailed as unknown:
            self.found.unknown.append(f"what users get is not known: {unknown}")
            return {}
        return dict(zip(self.users, answers, strict=True))
