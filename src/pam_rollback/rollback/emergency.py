"""Strategy 6 of the plan: one call to the product's own emergency endpoint, with the reason and the name of who starts it.

The plan's command looks at no answer, and does nothing at all when the API is the thing that is down. Done here: the answer judged, the
flags read back, the outcome evaluated for many users; and when the product is down, the way past it, through the back end's provider.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pam_rollback.base.clock import Clock
from pam_rollback.base.errors import ActionFailed, MeasurementFailed, UnreadableAnswer
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.base.wait import NotReached, Waiter
from pam_rollback.journal.journal import Journal
from pam_rollback.plan.flags import Flag, FlagAdmin, FlagEvaluation, FlagName, TeamNotice
from pam_rollback.product.pam_api import EmergencyCall, OutOfBand, ProductDown
from pam_rollback.product.served_release import Served
from pam_rollback.rollback.feature_flag import (
    Evaluation,
    FlagOutcome,
    evaluate,
    wait_for_flags,
    words,
)
from pam_rollback.rollback.flag_writing import note_setting, owe_flags
from pam_rollback.rollback.steps import Narrator, Step, StepRecord, StepsFailed, run_steps, silent
from pam_rollback.rollback.telling import TELL, notice_problem, told

READ = "read the flags"
CALL = "make the emergency call"
READ_BACK = "read the flags back"
OUT_OF_BAND = "roll the back end back past the product"
EVALUATE = "evaluate the flags as users get them"
STEPS = (READ, CALL, READ_BACK, EVALUATE, TELL)
"""In order, when the product answers. When it is down, the way past it takes the place of the third and fourth."""

_OFF = Flag(enabled=False, rollout_pct=0)


@dataclass(frozen=True)
class EmergencyTools:
    """What the action works with; what is None the environment does not have."""

    endpoint: EmergencyCall
    admin: FlagAdmin | None
    evaluation: FlagEvaluation | None
    notice: TeamNotice | None
    out_of_band: OutOfBand | None
    journal: Journal
    waiter: Waiter
    clock: Clock
    narrate: Narrator = silent


@dataclass(frozen=True, repr=False)
class Took(Sentence):
    """Which way was taken in the end, and why not the first one."""

    past_the_product: bool
    problem: str = ""

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(what="the emergency call", asked="taken by the product", measured=str(self))

    def __str__(self) -> str:
        way = "past the product" if self.past_the_product else "taken by the product"
        return f"{way}: {self.problem}" if self.problem else way


@dataclass(frozen=True)
class EmergencyRollback:
    """The facts of one emergency rollback. Times are monotonic seconds."""

    decided_s: float
    finished_s: float
    before: Mapping[FlagName, Flag]
    took: Took
    read_back: Mapping[FlagName, Flag] | None
    evaluation: Evaluation | None
    served: Served | None
    """What the back end serves, where the way past the product was taken."""
    notice_problem: str | None
    steps: tuple[StepRecord, ...]

    @property
    def outcome(self) -> FlagOutcome:
        """The flags as read back. Raises MeasurementFailed when nobody could read them."""
        if self.read_back is None:
            raise MeasurementFailed(f"the flags were not read back: {self._why(READ_BACK)}")
        return FlagOutcome(self.read_back)

    @property
    def evaluated(self) -> Evaluation:
        """What users get. Raises MeasurementFailed when nobody could be evaluated."""
        if self.evaluation is None:
            raise MeasurementFailed(f"what users get is not known: {self._why(EVALUATE)}")
        return self.evaluation

    def _why(self, name: str) -> str:
        failed = [str(step) for step in self.steps if step.name == name and not step.done]
        return "; ".join(failed) or f"there was no step {name!r} ({self.took})"


@dataclass
class _Found:
    """What the steps find on their way."""

    before: Mapping[FlagName, Flag] = field(default_factory=dict)
    read_back: Mapping[FlagName, Flag] | None = None
    evaluation: Evaluation | None = None
    down: str = ""
    served: Served | None = None


def roll_back_in_an_emergency(
    tools: EmergencyTools, *, reason: str, initiated_by: str, users: Sequence[str], message: str, decided_s: float
) -> EmergencyRollback:
    """Make the call and see what came of it; when the product is down, go past it. Raises StepsFailed when neither helped."""
    found = _Found()
    first = [
        Step(READ, lambda: _read(tools, found), essential=False),
        # Essential ones too: but when the product is down, what comes after them decides.
        Step(CALL, lambda: _call(tools, found, reason, initiated_by), after=(READ,), changes=True),
        Step(READ_BACK, lambda: _read_back(tools, found), needs=(CALL,)),
        *_after(tools, found, users, needs=READ_BACK),
        *told(tools.notice, message, needs=(READ_BACK,)),
    ]
    try:
        records = run_steps(first, tools.journal, tools.clock, tools.narrate)
    except StepsFailed as failed:
        if not found.down:
            raise
        records = _go_past(tools, found, reason, message, failed)
    return EmergencyRollback(
        decided_s=decided_s,
        finished_s=tools.clock.monotonic_s(),
        before=found.before,
        took=Took(past_the_product=bool(found.down), problem=found.down),
        read_back=found.read_back,
        evaluation=found.evaluation,
        served=found.served,
        notice_problem=notice_problem(records),
        steps=records,
    )


def _go_past(
    tools: EmergencyTools, found: _Found, reason: str, message: str, failed: StepsFailed
) -> tuple[StepRecord, ...]:
    past = f"{message} · the product was down, its back end was rolled back at the provider ({found.down})"
    steps = [
        Step(OUT_OF_BAND, lambda: _out_of_band(tools, found, reason), changes=True),
        *told(tools.notice, past, needs=(OUT_OF_BAND,)),
    ]
    try:
        return (*failed.records, *run_steps(steps, tools.journal, tools.clock, tools.narrate))
    except StepsFailed as again:
        raise StepsFailed((*failed.records, *again.records)) from again


def _after(tools: EmergencyTools, found: _Found, users: Sequence[str], *, needs: str) -> list[Step]:
    evaluation = tools.evaluation
    if evaluation is None:
        return []

    def run() -> str:
        flags = dict.fromkeys(found.read_back or found.before, _OFF)
        if not flags:
            raise MeasurementFailed("which flags there are is not known")
        found.evaluation = evaluate(evaluation, flags, users)
        return str(found.evaluation)

    return [Step(EVALUATE, run, essential=False, needs=(needs,))]


def _read(tools: EmergencyTools, found: _Found) -> str:
    if tools.admin is None:
        tools.journal.warn("undo", "this environment has no flag API: how the flags were before is not known")
        return "nobody can read them here"
    try:
        found.before = tools.admin.read_flags()
    except ActionFailed as error:
        # An emergency does not wait for the way back.
        tools.journal.warn("undo", f"how the flags were before is not known ({error}); a person has to set them again")
        raise
    return words(found.before)


def _call(tools: EmergencyTools, found: _Found, reason: str, initiated_by: str) -> str:
    if found.before and all(flag == _OFF for flag in found.before.values()):
        return "nothing to change: all flags are off already"
    if found.before:
        owe_flags(tools.journal, found.before)
        note_setting(tools.journal, dict.fromkeys(found.before, _OFF))
    try:
        return tools.endpoint.call(reason, initiated_by)
    except ProductDown as down:
        found.down = str(down)
        raise
    except UnreadableAnswer as unclear:
        if tools.admin is None:
            raise  # nobody can look whether it was done
        return f"whether it was done is not known ({unclear}): the flags are read back"


def _read_back(tools: EmergencyTools, found: _Found) -> str:
    if tools.admin is None:
        return "accepted; nobody can read the flags here, users are evaluated"
    try:
        names = found.before or tools.admin.read_flags()
        found.read_back = wait_for_flags(tools.admin.read_flags, dict.fromkeys(names, _OFF), tools.waiter)
    except NotReached as error:
        raise ActionFailed(f"accepted, but it did not take effect: {error}") from error
    note_setting(tools.journal, found.read_back, done=True)
    return words(found.read_back)


def _out_of_band(tools: EmergencyTools, found: _Found, reason: str) -> str:
    if tools.out_of_band is None:
        raise ActionFailed(
            "the product is down, and no way past it is set up here: roll the back end back at its provider, "
            "see docs/runbook.md#backend-rollback"
        )
    found.served = tools.out_of_band.roll_back(reason)
    return str(found.served)
