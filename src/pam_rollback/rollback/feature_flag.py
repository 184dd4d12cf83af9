"""Strategy 1 of the plan: switch the PAM features off for every user. Objective: 30 seconds (RTO-1).

The plan's command sends JSON under a form's content type, looks at no answer and evaluates nobody. The correct form, done here:
authenticated JSON, the answer judged, the flags read back, and the outcome evaluated for many users.
"""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pam_rollback.core.errors import ActionFailed, MeasurementFailed, UndoFailed, UnreadableAnswer
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.plan.flags import Flag, FlagAdmin, FlagEvaluation, FlagName
from pam_rollback.rollback.asked_users import made_up
from pam_rollback.rollback.flag_writing import lower_flags, note_setting, put_flags_back, read_named, unfinished
from pam_rollback.rollback.journal import Journal, Undo
from pam_rollback.rollback.step_list import ActionRecord, ListedStep, StepList, Telling

_READ_BACK_WITHIN_S = 5.0
EFFECTIVE_WITHIN_S = 5.0
"""Processes that evaluate flags may know the old ones for a moment longer than the admin API: Unleash's look once a second."""
ASKED_AGAIN_S = 0.25


@dataclass(frozen=True, repr=False)
class Evaluation(Fact):
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
    def keeping(self) -> int:
        """How many users have one of the features. Raises MeasurementFailed where none says nothing of users who exist."""
        if not self.kept and self.made_up:
            raise MeasurementFailed(f"what users get is not known: {self}")
        return len({user for users in self.still_on.values() for user in users})

    @property
    def everyone_off(self) -> bool:
        """Users were asked, and none has any of the features. Raises MeasurementFailed as ``keeping`` does."""
        return self.keeping == 0 and self.users > 0

    @property
    def measured(self) -> Measured:
        """How many are left."""
        left = [f"{name}: {len(users)} of {self.users} users" for name, users in self.still_on.items() if users]
        none = f"all {self.users} users without the features{f'; {self.made_up}' if self.made_up else ''}"
        return Measured(
            what="users who keep a feature",
            asked="0",
            value=len({user for users in self.still_on.values() for user in users}),
            n=self.users,
            sentence="still on for " + "; ".join(left) if left else none,
        )


@dataclass(frozen=True, repr=False)
class FlagOutcome(Fact):
    """The flags of the plan as they were read back after the change."""

    flags: Mapping[FlagName, Flag]

    @property
    def on(self) -> list[FlagName]:
        """The flags that some user can get."""
        return [name for name, flag in self.flags.items() if not flag.off_for_all]

    @property
    def all_off(self) -> bool:
        """No user can get any of them. No flags at all is not off."""
        return bool(self.flags) and not self.on

    @property
    def measured(self) -> Measured:
        """How many are off, and the state of each."""
        n = len(self.flags)
        return Measured(
            what="flags that are off, read back",
            asked=str(n),
            value=n - len(self.on),
            n=n,
            sentence=words(self.flags),
        )


@dataclass(frozen=True)
class FlagRollback(ActionRecord):
    """The facts of one rollback by flags."""

    before: Mapping[FlagName, Flag]
    read_back: Mapping[FlagName, Flag]
    """Empty where they were not."""
    evaluation: Evaluation | None

    @property
    def outcome(self) -> FlagOutcome:
        """Return the flags as read back. Raises MeasurementFailed when they were not."""
        if not self.read_back:
            raise MeasurementFailed(f"the flags were not read back: {self._why('flag API')}")
        return FlagOutcome(self.read_back)

    @property
    def evaluated(self) -> Evaluation:
        """Return what users get. Raises MeasurementFailed when no user could be evaluated."""
        if self.evaluation is None:
            raise MeasurementFailed(f"what users get is not known: {self._why('flag evaluation')}")
        return self.evaluation

    def _why(self, lacking: str) -> str:
        failed = "; ".join(str(step) for step in self.steps if not step.done)
        return failed or f"this environment has no {lacking}"


@dataclass(frozen=True, repr=False)
class Switched(FlagOutcome):
    """The flags as they shall be; ``ours``: they were set so, and were not like that before."""

    ours: bool = True


Answers = Mapping[str, Mapping[FlagName, bool]]
"""What each user gets."""


@dataclass(frozen=True)
class Flags:
    """The flags under the hands of a rollback. Without ``evaluation`` no user can be asked. All of it raises ActionFailed."""

    admin: FlagAdmin
    evaluation: FlagEvaluation | None
    journal: Journal
    waiter: Waiter

    def read(self, names: Collection[FlagName]) -> FlagOutcome:
        """Return these flags as they are."""
        return FlagOutcome(read_named(self.admin, names))

    def as_wanted(self, before: FlagOutcome, target: Mapping[FlagName, Flag]) -> Switched | None:
        """Return the flags when there is nothing to change, and nothing that a killed run may have begun to set; else None."""
        is_so = before.flags == dict(target) and not unfinished(self.journal)
        return Switched(target, ours=False) if is_so else None

    def lower(self, target: Mapping[FlagName, Flag]) -> Switched:
        """Set the flags, never above where they are; what is owed for it is written down first."""
        return Switched(lower_flags(self.admin, self.journal, target))

    def read_back(self, switched: Switched) -> FlagOutcome:
        """Wait until the flags are as they shall be."""
        found = wait_for_flags(self.admin, switched.flags, self.waiter)
        if switched.ours:
            note_setting(self.journal, switched.flags, done=True)
        return FlagOutcome(found)

    def evaluate(self, target: Mapping[FlagName, Flag], users: Sequence[str]) -> Evaluation:
        """Ask what users get, again for as long as processes may know the old flags. Raises MeasurementFailed."""
        clock = self.waiter.clock
        give_up_s = clock.monotonic_s() + EFFECTIVE_WITHIN_S
        while True:
            found = evaluated(target, users, answers_of(self.evaluation, users))
            if not found.kept or clock.monotonic_s() >= give_up_s:
                return found
            self.waiter.pause(ASKED_AGAIN_S)


def answers_of(evaluation: FlagEvaluation | None, users: Sequence[str]) -> Answers:
    """Return what each user gets. Raises MeasurementFailed."""
    if evaluation is None:
        raise MeasurementFailed("this environment has no flag evaluation")
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(users, pool.map(evaluation.flags_of, users), strict=True))


def switch_off(
    action: StepList, flags: Flags, target: Mapping[FlagName, Flag], users: Sequence[str], *, evaluated: bool
) -> tuple[ListedStep[FlagOutcome], ListedStep[FlagOutcome], ListedStep[Evaluation] | None]:
    """List the steps that bring the flags to ``target``: read, lower, read back, and, where it can be asked, evaluate what users get.

    Returns the steps with the flags before and as read back, and with what users get. Users are helped when the last one fails.
    """
    before = action.step("read the flags", lambda: flags.read(target))
    switched = action.step(
        "switch the features off",
        lambda: flags.lower(target),
        unless=lambda: flags.as_wanted(before.result, target),
        needs=(before,),
        changes_users=True,
        plans=words(target),
    )
    back = action.step("read the flags back", lambda: flags.read_back(switched.result), needs=(switched,))
    users_get = None
    if evaluated:
        users_get = action.step(
            "evaluate the flags as users get them",
            lambda: flags.evaluate(target, users),
            needs=(back,),
            essential=False,
        )
    return before, back, users_get


def switched_off(
    flags: Flags, target: Mapping[FlagName, Flag], users: Sequence[str], telling: Telling, decided_s: float
) -> FlagRollback:
    """Carry these steps out alone, as a ramp is taken back. Raises StepsFailed, after that was told."""
    steps = StepList(flags.journal)
    before, back, users_get = switch_off(steps, flags, target, users, evaluated=flags.evaluation is not None)
    steps.carry_out(telling, decided_s)
    evaluation = users_get.found if users_get is not None else None
    return FlagRollback(*steps.facts, before.result.flags, back.result.flags, evaluation)


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
        wait_for_flags(admin, putting.wanted, waiter)
        note_setting(journal, putting.wanted, done=True)
    except ActionFailed as error:
        raise UndoFailed(
            f"the flags are not back as they were before the rollback: {error}; a person must set {words(before)}"
        ) from error
    if putting.left_alone:
        raise UndoFailed(
            f"somebody else changed {words(putting.left_alone)} since the run, and that is not raised over; before the run: "
            f"{words({name: before[name] for name in putting.left_alone})}; a person must say what it should be"
        )


def wait_for_flags(admin: FlagAdmin, wanted: Mapping[FlagName, Flag], waiter: Waiter) -> Mapping[FlagName, Flag]:
    """Read until the flags are as wanted; an answer that cannot be read is none, and is asked for again. Raises ActionFailed."""

    def seen() -> Mapping[FlagName, Flag] | str:
        try:
            return {name: flag for name, flag in admin.read_flags().items() if name in wanted}
        except UnreadableAnswer as error:
            return str(error)

    what, asked = f"flags are {words(wanted)}", dict(wanted)
    try:
        waiter.until(seen, holds=lambda flags: flags == asked, within_s=_READ_BACK_WITHIN_S, what=what)
    except NotReached as error:
        raise ActionFailed(f"accepted, but it did not take effect: {error}") from error
    return asked


def evaluated(target: Mapping[FlagName, Flag], users: Sequence[str], answers: Answers) -> Evaluation:
    """Judge what users get of the flags that are to be off. Raises MeasurementFailed when an answer is missing."""
    off = [name for name, flag in target.items() if flag.off_for_all]
    unknown = sorted({name for flags in answers.values() for name in off if name not in flags})
    if unknown:
        # A flag that the evaluation does not know is not a flag that is off.
        raise MeasurementFailed(f"the evaluation says nothing of {', '.join(unknown)}")
    still_on = {name: [user for user, flags in answers.items() if flags[name]] for name in off}
    return Evaluation(users=len(users), still_on=still_on, made_up=made_up(users))


def words(flags: Mapping[FlagName, Flag]) -> str:
    """The flags in one line."""
    return ", ".join(f"{name} {flag}" for name, flag in sorted(flags.items()))
