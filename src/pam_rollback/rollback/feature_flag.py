"""Strategy 1 of the plan: switch the PAM features off for every user. Objective: 30 seconds (RTO-1).

The plan's command sends JSON under a form's content type, looks at no answer and evaluates nobody. The correct form, done here:
authenticated JSON, the answer judged, the flags read back, and the outcome evaluated for many users.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from pam_rollback.base.clock import Clock
from pam_rollback.base.errors import ActionFailed, MeasurementFailed, UndoFailed, UnreadableAnswer
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.base.wait import NotReached, Waiter
from pam_rollback.journal.journal import Journal, Undo
from pam_rollback.plan.flags import Flag, FlagAdmin, FlagEvaluation, FlagName, TeamNotice
from pam_rollback.rollback.asked_users import made_up
from pam_rollback.rollback.flag_writing import lower_flags, note_setting, put_flags_back, unfinished
from pam_rollback.rollback.steps import Narrator, Step, StepRecord, in_order, run_steps, silent
from pam_rollback.rollback.telling import TELL, notice_problem, told

READ = "read the flags"
SWITCH = "switch the features off"
READ_BACK = "read the flags back"
EVALUATE = "evaluate the flags as users get them"
STEPS = (READ, SWITCH, READ_BACK, EVALUATE, TELL)
"""In order. The last two do not stop the action when they fail: users are helped already."""

_READ_BACK_WITHIN_S = 5.0
_EVALUATION_WORKERS = 8
EFFECTIVE_WITHIN_S = 5.0
"""Processes that evaluate flags may know the old ones for a moment longer than the admin API: Unleash's look once a second."""
ASKED_AGAIN_S = 0.25


@dataclass(frozen=True, repr=False)
class Evaluation(Sentence):
    """What users get after the change: how many were asked, and who still has which feature."""

    users: int
    still_on: Mapping[FlagName, Sequence[str]]
    made_up: str = ""
    """Why nobody of those who were asked exists; empty when they do."""

    @property
    def kept(self) -> bool:
        """Somebody has one of the features."""
        return any(self.still_on.values())

    @property
    def everyone_off(self) -> bool:
        """Nobody who was asked has any of the features. Raises MeasurementFailed where that says nothing of users who exist."""
        if not self.kept and self.made_up:
            raise MeasurementFailed(f"what users get is not known: {self}")
        return self.users > 0 and not self.kept

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        left = {user for users in self.still_on.values() for user in users}
        return Figures(what="users who keep a feature", asked="0", measured=len(left), n=self.users)

    def __str__(self) -> str:
        """How many are left."""
        left = [f"{name}: {len(users)} of {self.users} users" for name, users in self.still_on.items() if users]
        if left:
            return "still on for " + "; ".join(left)
        return f"all {self.users} users without the features{f'; {self.made_up}' if self.made_up else ''}"


@dataclass(frozen=True, repr=False)
class FlagOutcome(Sentence):
    """The flags of the plan as they were read back after the change."""

    flags: Mapping[FlagName, Flag]

    @property
    def all_off(self) -> bool:
        """No user can get any of them. No flags at all is not off."""
        return bool(self.flags) and all(flag.off_for_all for flag in self.flags.values())

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        off = sum(flag.off_for_all for flag in self.flags.values())
        return Figures(
            what="flags that are off, read back", asked=str(len(self.flags)), measured=off, n=len(self.flags)
        )

    def __str__(self) -> str:
        """Each flag and its state."""
        return words(self.flags)


@dataclass(frozen=True)
class FlagRollback:
    """The facts of one feature-flag rollback. Times are monotonic seconds; ``decided_s`` is when acting was decided."""

    decided_s: float
    finished_s: float
    before: Mapping[FlagName, Flag]
    read_back: Mapping[FlagName, Flag]
    evaluation: Evaluation | None
    notice_problem: str | None
    steps: tuple[StepRecord, ...]

    @property
    def outcome(self) -> FlagOutcome:
        """The flags as read back."""
        return FlagOutcome(self.read_back)

    @property
    def evaluated(self) -> Evaluation:
        """What users get; raises MeasurementFailed when nobody could be evaluated."""
        if self.evaluation is None:
            failed = [str(step) for step in self.steps if step.name == EVALUATE and not step.done]
            raise MeasurementFailed(
                f"what users get is not known: {'; '.join(failed) or 'this environment has no flag evaluation'}"
            )
        return self.evaluation


@dataclass
class _Found:
    """What the steps find on their way."""

    before: Mapping[FlagName, Flag]
    read_back: Mapping[FlagName, Flag]
    wanted: Mapping[FlagName, Flag] = field(default_factory=dict)
    evaluation: Evaluation | None = None


@dataclass(frozen=True)
class FlagRollbackTools:
    """What the action works with. Without ``evaluation`` or ``notice`` the environment has declared no such ability."""

    admin: FlagAdmin
    evaluation: FlagEvaluation | None
    notice: TeamNotice | None
    journal: Journal
    waiter: Waiter
    clock: Clock
    narrate: Narrator = silent


def roll_back_flags(
    tools: FlagRollbackTools, target: Mapping[FlagName, Flag], *, users: Sequence[str], message: str, decided_s: float
) -> FlagRollback:
    """Set the flags to ``target``, read them back, evaluate what ``users`` get, and tell the team.

    Raises ActionFailed when the flags cannot be changed, or when reading them back shows something else.
    """
    found = _Found(before={}, read_back={})
    steps = [
        Step(READ, lambda: _remember(tools, target, found)),
        Step(SWITCH, lambda: _switch(tools, target, found), changes=True),
        Step(READ_BACK, lambda: _read_back(tools, target, found)),
    ]
    if tools.evaluation is not None:
        evaluation = tools.evaluation
        steps.append(Step(EVALUATE, lambda: _evaluate(tools, evaluation, target, users, found), essential=False))
    steps += told(tools.notice, message)
    records = run_steps(in_order(steps), tools.journal, tools.clock, tools.narrate)
    return FlagRollback(
        decided_s=decided_s,
        finished_s=tools.clock.monotonic_s(),
        before=found.before,
        read_back=found.read_back,
        evaluation=found.evaluation,
        notice_problem=notice_problem(records),
        steps=records,
    )


def undo_flags(undo: Undo, admin: FlagAdmin, journal: Journal, waiter: Waiter) -> None:
    """Put the flags back as the journal has them, and see that they are back. Raises UndoFailed.

    Also when somebody else has changed one since: it is not raised over their change.
    """
    before = {
        name: Flag(enabled=state["enabled"], rollout_pct=state["rollout_pct"])
        for name, state in undo.facts["flags"].items()
    }
    try:
        putting = put_flags_back(admin, journal, before)
        wait_for_flags(admin.read_flags, putting.wanted, waiter)
        note_setting(journal, putting.wanted, done=True)
    except (ActionFailed, NotReached) as error:
        raise UndoFailed(
            f"the flags are not back as they were before the rollback: {error}; a person must set {words(before)}"
        ) from error
    if putting.left_alone:
        raise UndoFailed(
            f"somebody else changed {words(putting.left_alone)} since the run, and that is not raised over; before the run: "
            f"{words({name: before[name] for name in putting.left_alone})}; a person must say what it should be"
        )


def _remember(tools: FlagRollbackTools, target: Mapping[FlagName, Flag], found: _Found) -> str:
    flags = tools.admin.read_flags()
    missing = sorted(set(target) - set(flags))
    if missing:
        raise ActionFailed(f"the environment has no flag {', '.join(missing)}; it has {', '.join(sorted(flags))}")
    found.before = {name: flags[name] for name in target}
    return words(found.before)


def _switch(tools: FlagRollbackTools, target: Mapping[FlagName, Flag], found: _Found) -> str:
    if found.before == dict(target) and not unfinished(tools.journal):
        return f"nothing to change: {words(target)} already"
    found.wanted = lower_flags(tools.admin, tools.journal, target)
    return words(found.wanted)


def _read_back(tools: FlagRollbackTools, target: Mapping[FlagName, Flag], found: _Found) -> str:
    try:
        found.read_back = wait_for_flags(tools.admin.read_flags, found.wanted or target, tools.waiter)
    except NotReached as error:
        raise ActionFailed(f"accepted, but it did not take effect: {error}") from error
    note_setting(tools.journal, found.wanted, done=True)
    return words(found.read_back)


def wait_for_flags(
    read: Callable[[], Mapping[FlagName, Flag]], wanted: Mapping[FlagName, Flag], waiter: Waiter
) -> Mapping[FlagName, Flag]:
    """Read until the flags are as wanted; an answer that cannot be read is none, and is asked for again. Raises NotReached."""

    def seen() -> Mapping[FlagName, Flag] | str:
        try:
            return {name: flag for name, flag in read().items() if name in wanted}
        except UnreadableAnswer as error:
            return str(error)

    waiter.until(
        seen,
        holds=lambda flags: flags == dict(wanted),
        within_s=_READ_BACK_WITHIN_S,
        what=f"flags are {words(wanted)}",
    )
    return dict(wanted)


def evaluate(evaluation: FlagEvaluation, target: Mapping[FlagName, Flag], users: Sequence[str]) -> Evaluation:
    """Ask what each user gets of the flags that are to be off. Raises MeasurementFailed when an answer is missing."""
    with ThreadPoolExecutor(_EVALUATION_WORKERS) as pool:
        seen = list(pool.map(evaluation.flags_of, users))
    off = [name for name, flag in target.items() if flag.off_for_all]
    unknown = sorted({name for flags in seen for name in off if name not in flags})
    if unknown:
        # A flag that the evaluation does not know is not a flag that is off.
        raise MeasurementFailed(f"the evaluation says nothing of {', '.join(unknown)}")
    still_on = {name: [user for user, flags in zip(users, seen, strict=True) if flags[name]] for name in off}
    return Evaluation(users=len(users), still_on=still_on, made_up=made_up(users))


def _evaluate(
    tools: FlagRollbackTools,
    evaluation: FlagEvaluation,
    target: Mapping[FlagName, Flag],
    users: Sequence[str],
    found: _Found,
) -> str:
    give_up_s = tools.clock.monotonic_s() + EFFECTIVE_WITHIN_S
    while True:
        found.evaluation = evaluate(evaluation, target, users)
        if not found.evaluation.kept or tools.clock.monotonic_s() >= give_up_s:
            return str(found.evaluation)
        tools.waiter.pause(ASKED_AGAIN_S)


def words(flags: Mapping[FlagName, Flag]) -> str:
    """The flags in one line."""
    return ", ".join(f"{name} {flag}" for name, flag in sorted(flags.items()))
