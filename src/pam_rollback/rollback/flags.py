"""The features under the hands of a rollback: read, lowered, read back, evaluated as users get them, and put back.

Strategy 1 of the plan, and what every other strategy does with flags. The plan's command sends JSON under a form's content type, looks at
no answer and evaluates nobody. Done here: the answer judged, the flags read back, and the outcome evaluated for many users.

Whoever writes a flag reads it right before: a rollback only lowers exposure, whatever was planned from an earlier look. An undo raises to
what was recorded, and only what the run itself had lowered. A ramp raises to its approved stage, and only from where it was when that was
decided. The host takes no condition ("only if it still is …"), so between the read and the write there is a moment left that cannot be
closed from here; it is one request long.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pam_rollback.core.errors import (
    ActionFailed,
    LockLost,
    MeasurementFailed,
    ProviderError,
    UndoFailed,
    UnreadableAnswer,
)
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.plan.flags import Flag, FlagAdmin, FlagEvaluation, FlagName
from pam_rollback.rollback.asked_users import made_up
from pam_rollback.rollback.flag_facts import (
    OFF,
    Answers,
    Evaluation,
    FlagOutcome,
    States,
    Switched,
    exposure_pct,
    refuse_silence,
    words,
)
from pam_rollback.rollback.journal import Journal, Undo
from pam_rollback.rollback.settling import is_unclear
from pam_rollback.rollback.step_list import ActionRecord, ListedStep, StepList, Telling
from pam_rollback.rollback.undoing import put_back as put_back_parts

UNDO_KIND = "set-flags"
SETTING, SET = "flags-setting", "flags-set"
"""The events of a write: before it is sent, and when it was read back."""
_READ_BACK_WITHIN_S = 5.0
_EFFECTIVE_WITHIN_S = 5.0
"""Processes that evaluate flags may know the old ones for a moment longer than the admin API: Unleash's look once a second."""
_ASKED_AGAIN_S = 0.25
T = TypeVar("T")


# -------------------------------------------------------------------- what may be written


def lowered(found: States, target: States) -> dict[FlagName, Flag]:
    """Give what the flags of ``target`` shall be: the target, or what they are where that is lower. ``found`` has all of them."""
    return {
        name: flag if exposure_pct(flag) <= exposure_pct(found[name]) else found[name] for name, flag in target.items()
    }


@dataclass(frozen=True)
class PuttingBack:
    """What an undo writes, and what it leaves because somebody else changed it meanwhile."""

    wanted: States
    left_alone: States = field(default_factory=dict)
    """As found: raising them would go over somebody's change."""


def put_back(found: States, recorded: States, left_at: Mapping[FlagName, Collection[int]] | None) -> PuttingBack:
    """Give what the flags shall be again: as recorded, never above it.

    ``left_at`` are the exposures at which the run may have left each flag; None where its journal does not say, as a damaged one.
    A flag that is found elsewhere was changed by somebody else, and is not raised over.
    """
    wanted, left_alone = dict[FlagName, Flag](), dict[FlagName, Flag]()
    for name, flag in recorded.items():
        is_now = exposure_pct(found[name])
        ours = left_at is None or is_now in left_at.get(name, (exposure_pct(flag),))
        if ours or exposure_pct(flag) <= is_now:
            wanted[name] = flag
        else:
            left_alone[name] = found[name]
    return PuttingBack(wanted, left_alone)


def why_not_raised(found: States, expected_pct: Mapping[FlagName, int], wanted: States, *, ceiling_pct: int) -> str:
    """Why the flags must not be set to ``wanted``; empty when they may.

    ``expected_pct`` is what they were when it was decided, ``ceiling_pct`` what was approved. What is at ``wanted`` already is no surprise:
    a session that was killed in between had set it.
    """
    above = [name for name, flag in wanted.items() if exposure_pct(flag) > ceiling_pct]
    moved = [
        f"{name} is {found[name]}, it was at {expected_pct[name]} %"
        for name, flag in wanted.items()
        if exposure_pct(found[name]) not in {expected_pct[name], exposure_pct(flag)}
    ]
    if above:
        return f"{', '.join(above)} would be above the {ceiling_pct} % that are approved"
    return f"somebody else changed it meanwhile: {'; '.join(moved)}" if moved else ""


# -------------------------------------------------------------------- what a run notes of its writes


def owe_flags(journal: Journal, before: States) -> None:
    """Note how the flags were, before they are changed."""
    journal.owe(UNDO_KIND, {"flags": _as_facts(before)}, place=", ".join(sorted(before)))


def note_setting(journal: Journal, flags: States, *, done: bool = False) -> None:
    """Note that the flags are being set, or (``done``) that they were seen to be: an undo knows by it what is the run's own doing."""
    if flags:
        journal.append(SET if done else SETTING, flags=_as_facts(flags))


def _writes(journal: Journal) -> list[tuple[dict[FlagName, Flag], bool]]:
    """Each write that the run noted, and whether it was seen to be done."""
    events = [entry for entry in journal.entries() if entry["event"] in {SETTING, SET}]
    return [(_of_facts(entry["flags"]), entry["event"] == SET) for entry in events]


def unfinished(journal: Journal) -> dict[FlagName, Flag]:
    """What a run that was killed may have begun to set: it was not seen to be done, so it is asked for again, whatever is read."""
    found: dict[FlagName, Flag] = {}
    for flags, done in _writes(journal):
        found = {name: flag for name, flag in found.items() if name not in flags} if done else {**found, **flags}
    return found


def _left_at(journal: Journal, recorded: States) -> Mapping[FlagName, Collection[int]] | None:
    """At which exposures the run may have left each flag: where it was, then each write, which may have been made until it was seen."""
    left = {name: [exposure_pct(flag)] for name, flag in recorded.items()}
    writes = _writes(journal)
    for flags, done in writes:
        for name in flags.keys() & left.keys():
            left[name] = [*([] if done else left[name]), exposure_pct(flags[name])]
    return left if writes else None


def _as_facts(flags: States) -> dict[FlagName, dict[str, Any]]:
    return {name: {"enabled": flag.enabled, "rollout_pct": flag.rollout_pct} for name, flag in flags.items()}


def _of_facts(facts: Mapping[FlagName, Mapping[str, Any]]) -> dict[FlagName, Flag]:
    return {name: Flag(state["enabled"], state["rollout_pct"]) for name, state in facts.items()}


# -------------------------------------------------------------------- reading and writing


def read_named(admin: FlagAdmin, names: Collection[FlagName]) -> dict[FlagName, Flag]:
    """Read these flags. Raises ActionFailed for one that is not there."""
    flags = admin.read_flags()
    missing = sorted(set(names) - set(flags))
    if missing:
        raise ActionFailed(f"the environment has no flag {', '.join(missing)}; it has {', '.join(sorted(flags))}")
    return {name: flags[name] for name in names}


def raise_flags(admin: FlagAdmin, wanted: States, *, expected_pct: Mapping[FlagName, int], ceiling_pct: int) -> None:
    """Let users in. Raises ActionFailed, with nothing written, when that is not what was decided on, see ``why_not_raised``."""
    found = read_named(admin, wanted)
    why = why_not_raised(found, expected_pct, wanted, ceiling_pct=ceiling_pct)
    if why:
        raise ActionFailed(f"nobody was let in: {why}; find out who is acting")
    if found != wanted:
        _set_or_seen(admin, wanted)


def _set_or_seen(admin: FlagAdmin, wanted: States) -> None:
    """Write; an answer that was lost is made up for by a look, and by no second request: meanwhile somebody may have lowered a flag."""
    try:
        admin.set_flags(wanted)
    except ProviderError as error:
        if _seen(admin, wanted, error) != dict(wanted):
            raise


def _seen(admin: FlagAdmin, names: States, error: ProviderError) -> dict[FlagName, Flag]:
    if not is_unclear(error):
        raise error
    try:
        return read_named(admin, names)
    except LockLost:
        raise
    except ActionFailed:
        raise error from None


def wait_for_flags(admin: FlagAdmin, wanted: States, waiter: Waiter) -> States:
    """Read until the flags are as wanted; an answer that cannot be read is none, and is asked for again. Raises ActionFailed."""

    def seen() -> States | str:
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


def answers_of(evaluation: FlagEvaluation | None, users: Sequence[str]) -> Answers:
    """Return what each user gets. Raises MeasurementFailed."""
    if evaluation is None:
        raise MeasurementFailed("this environment has no flag evaluation")
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(users, pool.map(evaluation.flags_of, users), strict=True))


# -------------------------------------------------------------------- under the hands of a rollback


@dataclass(frozen=True)
class FlagRollback(ActionRecord):
    """The facts of one rollback by flags."""

    before: States
    read_back: States
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


@dataclass(frozen=True)
class Flags:
    """The flags under the hands of a rollback. Without ``evaluation`` no user can be asked. All of it raises ActionFailed."""

    admin: FlagAdmin
    evaluation: FlagEvaluation | None
    journal: Journal
    waiter: Waiter

    def read(self, names: Collection[FlagName] | None = None) -> FlagOutcome:
        """Return these flags as they are, or all that there are."""
        return FlagOutcome(self.admin.read_flags() if names is None else read_named(self.admin, names))

    def as_wanted(self, before: FlagOutcome, target: States) -> Switched | None:
        """Return the flags when there is nothing to change, and nothing that a killed run may have begun to set; else None."""
        is_so = before.flags == dict(target) and not unfinished(self.journal)
        return Switched(target, ours=False) if is_so else None

    def lower(self, target: States) -> Switched:
        """Set the flags, never above where they are; what is owed for it is written down first."""
        found = read_named(self.admin, target)
        wanted, begun = lowered(found, target), unfinished(self.journal)
        changes = {name: flag for name, flag in wanted.items() if flag != found[name] or begun.get(name) == flag}
        if changes:
            owe_flags(self.journal, found)
            note_setting(self.journal, changes)
            try:
                self.admin.set_flags(changes)
            except ProviderError as error:
                wanted = self._lowered_after_all(target, error)
        return Switched(wanted)

    def _lowered_after_all(self, target: States, error: ProviderError) -> dict[FlagName, Flag]:
        """Look where the answer leaves open what was done, and ask once more for the rest (docs/decisions/strategies.md). Else raise it."""
        now = _seen(self.admin, target, error)
        wanted = lowered(now, target)
        missing = {name: flag for name, flag in wanted.items() if flag != now[name]}
        if missing:
            note_setting(self.journal, missing)
            self.admin.set_flags(missing)
        return wanted

    def read_back(self, switched: Switched) -> FlagOutcome:
        """Wait until the flags are as they shall be."""
        found = wait_for_flags(self.admin, switched.flags, self.waiter)
        if switched.ours:
            note_setting(self.journal, switched.flags, done=True)
        return FlagOutcome(found)

    def put_back(self, recorded: States) -> PuttingBack:
        """Set the flags as they were recorded and see that they are, but for those that somebody else changed; return both."""
        found = read_named(self.admin, recorded)
        putting = put_back(found, recorded, _left_at(self.journal, recorded))
        begun = unfinished(self.journal)
        note_setting(self.journal, putting.wanted)
        # What stands there already is not written again: for a variable of a host that would be a deploy.
        changes = {name: flag for name, flag in putting.wanted.items() if flag != found[name] or name in begun}
        if changes:
            _set_or_seen(self.admin, changes)
        self.read_back(Switched(putting.wanted))
        return putting

    def evaluate(self, target: States, users: Sequence[str]) -> Evaluation:
        """Ask what users get of what is to be off, again for as long as processes may know the old flags. Raises MeasurementFailed."""
        off = [name for name, flag in target.items() if flag.off_for_all]

        def ask() -> Evaluation:
            answers = answers_of(self.evaluation, users)
            refuse_silence(answers, off)
            still_on = {name: [user for user, flags in answers.items() if flags[name]] for name in off}
            return Evaluation(users=len(users), still_on=still_on, made_up=made_up(users))

        return self.once_effective(ask, lambda found: not found.kept)

    def once_effective(self, ask: Callable[[], T], good: Callable[[T], bool]) -> T:
        """Ask again while the answer is not good, for as long as processes may know the old flags; return the last answer."""
        clock = self.waiter.clock
        give_up_s = clock.monotonic_s() + _EFFECTIVE_WITHIN_S
        while not good(found := ask()) and clock.monotonic_s() < give_up_s:
            self.waiter.pause(_ASKED_AGAIN_S)
        return found


@dataclass
class AllFeatures:
    """Every feature, whatever its name: what the plan's disable-all-pam means. All of it raises ActionFailed."""

    flags: Callable[[], Flags]
    before: dict[FlagName, Flag] = field(default_factory=dict)
    read_back: States = field(default_factory=dict)

    def switch_off(self) -> str:
        """Switch off what is on; what is owed for it is written down first."""
        under = self.flags()
        found = under.read()
        on = {name: found.flags[name] for name in found.on}
        if not on:
            return f"all {len(found.flags)} were off already"
        self.before |= on
        under.lower(dict.fromkeys(on, OFF))
        return f"{', '.join(sorted(on))} off"

    def see_off(self) -> str:
        """Switch off what is on by now, and read all of them back."""
        self.switch_off()
        under = self.flags()
        found = under.read()
        self.read_back = found.flags
        note_setting(under.journal, self.read_back, done=True)
        if found.on or not self.read_back:
            raise ActionFailed(
                f"accepted, but {', '.join(sorted(found.on)) or 'no flag is there at all'} can still be had"
            )
        return f"all {len(self.read_back)} are off"


def switch_off(
    action: StepList, flags: Flags, target: States, users: Sequence[str], *, evaluated: bool
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
    flags: Flags, target: States, users: Sequence[str], telling: Telling, decided_s: float
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
    before, found = _of_facts(undo.facts["flags"]), list[PuttingBack]()
    put_back_parts(
        "the flags are not back as they were before the rollback",
        f"a person must set {words(before)}",
        lambda: found.append(Flags(admin, None, journal, waiter).put_back(before)),
    )
    if left_alone := found[0].left_alone:
        raise UndoFailed(
            f"somebody else changed {words(left_alone)} since the run, and that is not raised over; before the run: "
            f"{words({name: before[name] for name in left_alone})}; a person must say what it should be"
        )
