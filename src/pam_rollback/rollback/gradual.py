"""Strategy 2 of the plan: take the new features back from more and more users. Objective: 5 minutes (RTO-2).

The plan's commands change one flag of three, leave the share of 10 % out, do not wait, and look at nothing in between. Done here: every
flag of the plan, each share read back and evaluated for many users, a look at how users fare before the next one, and straight to 0 when
they fare worse or a step does not take. A flag only ever goes down: one that stands at 25 % goes on from there.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plan.flags import Flag
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import P95Goal, SlowdownTrigger, Strategy
from pam_rollback.rollback.asked_users import made_up
from pam_rollback.rollback.flag_facts import (
    Answers,
    Descent,
    Evaluation,
    Fare,
    FlagOutcome,
    FlagShare,
    Stage,
    States,
    Trend,
    shares,
    words,
)
from pam_rollback.rollback.flags import Flags, answers_of, lowered
from pam_rollback.rollback.step_list import ActionRecord, Facts, StepList, Steps

_HOLD_MIN_S = 2.0
"""A shorter time has too few answers to say how users fare: of the sandbox's fifty probes a second not even half are asked as users ask."""


@dataclass(frozen=True)
class Way:
    """How it goes down: how long users are watched at each share, and what counts as slower, see Trend."""

    hold_s: float
    increase_pct_max: float
    fast_ms: float

    @classmethod
    def of(cls, plan: Plan, strategy: Strategy, *, pace: float) -> "Way":
        """The way down of a strategy of the plan; slower than IR-4 says and than SC-2 allows is worse. The pace divides the time."""
        return cls(
            hold_s=max(_HOLD_MIN_S, (strategy.rollout_hold_s or 0) / pace),
            increase_pct_max=plan.the(SlowdownTrigger).response_time_increase_pct_max,
            fast_ms=plan.the(P95Goal).p95_ms_max,
        )


@dataclass(frozen=True)
class GradualRollback(ActionRecord):
    """The facts of one gradual rollback."""

    before: States
    descent: Descent
    read_back: States
    made_up: str = ""
    """Why nobody of the users who were asked exists; empty when they do."""

    @property
    def outcome(self) -> FlagOutcome:
        """Return the flags as read back in the end."""
        return FlagOutcome(self.read_back)

    @property
    def evaluated(self) -> Evaluation:
        """Return what users get in the end. Raises MeasurementFailed when no user could be evaluated."""
        last = self.descent.stages[-1] if self.descent.stages else None
        if last is None or last.shares is None:
            raise MeasurementFailed(f"what users get is not known: {last.problem if last else 'nobody was asked'}")
        users = max((share.users for share in last.shares), default=0)
        return Evaluation(users, {share.flag: share.who for share in last.shares}, self.made_up)


@dataclass
class GoingDown:
    """The flags on their way down, and what is found at each share."""

    flags: Flags
    fare: Callable[[float], Fare]
    """Tells how users fared from a moment on. Raises MeasurementFailed when that is not known."""
    way: Way
    target: States
    users: Sequence[str]
    before: States = field(default_factory=dict)
    now: States = field(default_factory=dict)
    have: Answers = field(default_factory=dict)
    fared: Fare | None = None
    stages: list[Stage] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    straight_because: str = ""

    def facts(self, facts: Facts) -> GradualRollback:
        """Return what came of it."""
        descent = Descent(tuple(self.stages), self.straight_because, tuple(self.unknown))
        return GradualRollback(*facts, self.before, descent, self.now, made_up(self.users) if self.have else "")

    def read(self) -> str:
        """Read the flags, what users have of them, and how users fare. Raises ActionFailed for a flag that is not there."""
        self.before = self.now = self.flags.read(self.target).flags
        self.have = self._ask_users()
        with suppress(MeasurementFailed):
            # Nobody may have watched before a real rollback: then the first share is what the next one is compared with.
            self.fared = self.fare(self.flags.waiter.clock.monotonic_s() - self.way.hold_s)
        return words(self.before)

    def passes_over(self, share: int) -> str | None:
        """Return why a share is passed over: the flags are as low, or it goes straight to 0. None when it is not."""
        if self.straight_because:
            return f"passed over: {self.straight_because}"
        return words(self.now) if self._wanted(share) == self.now else None

    def lower(self, share: int) -> str:
        """Go down to the share. Whatever goes wrong with it, users are helped by going straight to 0."""
        try:
            return self._go_to(self._wanted(share), share)
        except Exception as problem:
            self.straight_because = f"{share} % was not reached: {str(problem) or repr(problem)}"
            self.unknown.append(self.straight_because)
            raise

    def unwatched(self, share: int) -> str | None:
        """Return why users are not watched at a share: it was passed over. None when they are."""
        here = bool(self.stages) and self.stages[-1].share_pct == share
        return None if here else "nothing changed for users here"

    def watch(self, share: int) -> str:
        """See whether users fare worse than before. Raises MeasurementFailed when that is not known."""
        since_s = self.flags.waiter.clock.monotonic_s()
        self.flags.waiter.pause(self.way.hold_s)
        before, self.fared = self.fared, None
        try:
            after = self.fared = self.fare(since_s)
        except MeasurementFailed as unknown:
            self.unknown.append(f"whether users fare worse at {share} % is not known: {unknown}")
            raise
        if before is None:
            return f"nothing to compare with yet: {after}"
        trend = Trend(before, after, self.way.increase_pct_max, self.way.fast_ms)
        self.stages[-1] = replace(self.stages[-1], trend=trend)
        if trend.worse:
            self.straight_because = f"users fare worse at {share} %: {trend}"
        return str(trend)

    def finish(self) -> str:
        """Go down to the target, and see what users have then. Raises ActionFailed."""
        if self.now == dict(self.target):
            self.stages.append(self._stage(0))
            return f"nothing to change: {words(self.target)} already"
        return self._go_to(self.target, 0)

    def _wanted(self, share: int) -> States:
        return lowered(self.now, dict.fromkeys(self.now, Flag(enabled=True, rollout_pct=share)))

    def _go_to(self, wanted: States, share: int) -> str:
        self.now = self.flags.read_back(self.flags.lower(wanted)).flags
        self.stages.append(self._stage(share))
        return str(self.stages[-1])

    def _stage(self, share: int) -> Stage:
        had = self.have

        def ask() -> tuple[Answers, tuple[FlagShare, ...] | None, str]:
            now = self._ask_users()
            if not (had and now):
                return now, None, self.unknown[-1]
            try:
                return now, shares(had, now, self.now), ""
            except MeasurementFailed as unknown:
                self.unknown.append(f"{share} %: {unknown}")
                return now, None, str(unknown)

        answers, judged, problem = self.flags.once_effective(
            ask, lambda told: told[1] is None or all(one.as_asked for one in told[1])
        )
        self.have = had if judged is None else answers
        return Stage(share, self.now, judged, None, problem)

    def _ask_users(self) -> Answers:
        """What each user gets; empty when that is not known, which is noted and keeps nobody from being helped."""
        try:
            return answers_of(self.flags.evaluation, self.users)
        except MeasurementFailed as unknown:
            self.unknown.append(f"what users get is not known: {unknown}")
            return {}


def take_back_by_shares(action: StepList, down: GoingDown, strategy: Strategy) -> None:
    """List the steps over all shares of the plan: down, then a look at how users fare, and in the end off for all.

    A share is passed over when the flags are as low already, when users fared worse at the one before, or when that was not reached.
    """
    read = action.step("read the flags and how users fare", down.read)
    over: Steps = ()
    for share in [round(share) for share in strategy.rollout_steps_pct if share]:
        lower = action.step(
            f"down to {share} %",
            partial(down.lower, share),
            unless=partial(down.passes_over, share),
            needs=(read,),
            after=over,
            essential=False,
            changes_users=True,
        )
        watch = action.step(
            f"watch users at {share} %",
            partial(down.watch, share),
            unless=partial(down.unwatched, share),
            needs=(lower,),
            essential=False,
        )
        over = (lower, watch)
    action.step(
        "down to 0 %", down.finish, needs=(read,), after=over, changes_users=True, plans=words(strategy.flag_changes)
    )
