"""The steps of one rollback as its drill writes them: listed first, then carried out, and told in the end.

``--dry-run`` stops after the first. Success is told when it is one, and what failed is told, too (docs/plan-audit.md, G12).
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, TypeVar

from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import ActionFailed
from pam_rollback.plan.flags import TeamNotice
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import Strategy
from pam_rollback.plan.stories import STORIES, Story
from pam_rollback.report.run_record import ActionStep
from pam_rollback.rollback.journal import ALREADY, Journal
from pam_rollback.rollback.steps import Narrator, Step, StepRecord, StepsFailed, run_steps, silent
from pam_rollback.target.environment import Environment

T = TypeVar("T")
TELL = "tell the team"
Instead = Callable[[], tuple[str, Sequence[Step]]]


@dataclass(frozen=True)
class Owed:
    """How to put a change back, as data that another process can carry out: ``kind`` names the routine, ``facts`` are what it needs."""

    kind: str
    facts: Callable[[], Mapping[str, Any]]
    """Asked when the change is about to be made. Raises ActionFailed when they are not known: then nothing is changed."""
    place: str = ""


class ListedStep(Generic[T]):
    """One step of a list: others name it in ``needs`` and ``after``, and its result is there once it is done."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._results: list[T] = []
        self.error: ActionFailed | None = None
        """Why it was not done, where something refused it."""

    @property
    def result(self) -> T:
        """Return what the step brought about. Raises ActionFailed when it was not done."""
        if not self._results:
            raise ActionFailed(f"the step {self.name!r} was not done")
        return self._results[-1]

    @property
    def found(self) -> T | None:
        """Return the same, or None when it was not done."""
        return self._results[-1] if self._results else None

    def keep(self, result: T) -> T:
        """Keep the result; return it."""
        self._results[:] = [result]
        return result


Steps = tuple[ListedStep[Any], ...]
Facts = tuple[float, float, str | None, tuple[StepRecord, ...]]
"""Of an ``ActionRecord``, in its order."""


@dataclass(frozen=True)
class Telling:
    """Where steps are written down, who is told of their end, and what. Without ``notice`` the environment has nobody to tell."""

    notice: TeamNotice | None
    message: str
    journal: Journal
    clock: Clock
    narrate: Narrator = silent

    def run(self, steps: Sequence[Step], instead: Instead | None = None) -> tuple[StepRecord, ...]:
        """Run the steps, then tell. Raises StepsFailed, after that was told, when one that helps users was not done.

        ``instead`` gives what is done after such a failure, and decides then, with what the team is told of it; or nothing.
        """
        message, done = self.message, tuple[StepRecord, ...]()
        try:
            try:
                done = self._run(steps)
            except StepsFailed as failure:
                said, others = instead() if instead is not None else ("", ())
                if not others:
                    raise
                message, done = f"{message} · {said}", failure.records
                done = (*done, *self._run(others))
        except StepsFailed as failure:
            records = (*done, *failure.records)
            last = self._tell(f"NOT DONE IN FULL: {failure} · what was tried: {self.message}")
            raise StepsFailed((*records, *last)) from failure
        return (*done, *self._tell(message))

    def _run(self, steps: Sequence[Step]) -> tuple[StepRecord, ...]:
        return run_steps(steps, self.journal, self.clock, self.narrate)

    def _tell(self, message: str) -> tuple[StepRecord, ...]:
        """Tell, where there is somebody to tell. A message never decides: whether it was accepted has a test of its own."""
        notice = self.notice
        if notice is None:
            return ()

        def tell() -> str:
            if problem := notice.post(message):
                raise ActionFailed(problem)
            return "accepted"

        return self._run([Step(TELL, tell, essential=False, tells=True)])


def notice_problem(records: Sequence[StepRecord]) -> str | None:
    """Empty when the team was told, else why not; None when nobody was to be told."""
    return next((record.problem for record in reversed(records) if record.name == TELL), None)


class StepList:
    """Lists steps. It looks before it owes, and owes before it changes, whatever the step is."""

    def __init__(self, journal: Journal | None = None, prefix: str = "") -> None:
        self.steps: list[Step] = []
        self.plans: dict[str, str] = {}
        """What a step would bring about, for ``--dry-run``."""
        self._journal = journal
        self._prefix = prefix
        self._facts: Facts | None = None
        self._instead: Instead | None = None

    def part(self, prefix: str) -> "StepList":
        """Return the same list for steps whose titles begin with ``prefix``."""
        part = StepList(self._journal, prefix)
        part.steps, part.plans = self.steps, self.plans
        return part

    def instead(self, why: Callable[[], str]) -> "StepList":
        """Return a list for what is done when this one failed and ``why`` says why it is; it decides then."""
        other = StepList(self._journal, self._prefix)
        self._instead = lambda: (said, other.steps) if (said := why()) else ("", ())
        return other

    def step(
        self,
        title: str,
        do: Callable[[], T],
        *,
        unless: Callable[[], T | None] | None = None,
        owes: Owed | None = None,
        needs: Steps = (),
        after: Steps = (),
        essential: bool = True,
        changes_users: bool = False,
        owes_itself: str = "",
        plans: str = "",
    ) -> ListedStep[T]:
        """List a step. ``unless`` returns what is as wanted already; else what is owed is written down, and ``do`` is called.

        ``needs`` are the steps that have to be done before it, ``after`` those that have to be over, whatever came of them; what waits for
        nothing runs side by side. The failure of a step that is not ``essential`` is recorded and fails nothing. ``changes_users``: what
        users write around this moment is looked for. ``owes_itself``: the kind of what ``do`` writes down as owed. ``plans`` says in a dry
        run what it would bring about.
        """
        listed: ListedStep[T] = ListedStep(self._prefix + title)

        def run() -> str:
            try:
                return carry_out()
            except ActionFailed as error:
                listed.error = error
                raise

        def carry_out() -> str:
            found = unless() if unless is not None else None
            if found is not None:
                return f"{listed.keep(found)}, {ALREADY}"
            if owes is not None:
                self.owe(owes)
            return str(listed.keep(do()))

        self.steps.append(
            Step(
                listed.name,
                run,
                essential,
                _names(needs),
                _names(after),
                changes=changes_users,
                owes=owes.kind if owes is not None and changes_users else owes_itself,
            )
        )
        self.plans[listed.name] = plans
        return listed

    def owe(self, owed: Owed) -> None:
        """Write down how to put the next change back, for a step that knows only on its way whether it changes anything."""
        if self._journal is None:
            raise ActionFailed(f"{owed.kind} has no journal to be written in, so nothing is changed")
        self._journal.owe(owed.kind, owed.facts(), place=owed.place)

    def carry_out(self, telling: Telling, decided_s: float) -> None:
        """Carry the listed steps out, and tell the team. Raises StepsFailed, after that was told, and ActionFailed where none is listed."""
        if not self.steps:
            raise ActionFailed("no step is listed, so nothing would be done: list them in the block of run.rollback")
        records = telling.run(self.steps, self._instead)
        now_s = telling.clock.monotonic_s()
        self._facts = (decided_s, now_s, notice_problem(records), records)

    @property
    def facts(self) -> Facts:
        """Return what was carried out, for an ``ActionRecord``. Raises ActionFailed before the end of the block that lists the steps."""
        if self._facts is None:
            raise ActionFailed("the steps are listed and not carried out yet")
        return self._facts


def _names(steps: Steps) -> tuple[str, ...]:
    return tuple(step.name for step in steps)


@dataclass(frozen=True)
class ActionRecord:
    """The facts of one rollback that was carried out. Times are monotonic seconds; ``decided_s`` is when acting was decided."""

    decided_s: float
    finished_s: float
    notice_problem: str | None
    """Empty when the team was told, else why not; None when nobody was to be told."""
    steps: tuple[StepRecord, ...]

    @property
    def began_s(self) -> float:
        """When the first step began."""
        return self.steps[0].started_s if self.steps else self.decided_s


def planned_steps(plan: Plan, stories: Iterable[str], environment: Environment) -> Iterable[ActionStep]:
    """Every step of the stories' actions, with what it would change: each drill's own fixture lists them, and nothing is sent."""
    for story in stories:
        known = STORIES[story]
        for step, detail in _listed(plan, known, environment).items():
            yield ActionStep(action=story, step=step, outcome="planned", started_s=0.0, duration_s=0.0, detail=detail)


class _Listed(BaseException):
    """The steps are listed: what the drill makes of them is left out."""


class _Unasked:
    """Stands for a host, or for what one would say: it answers everything, and nothing is sent."""

    def __getattr__(self, _name: str) -> "_Unasked":
        return self

    def __call__(self, *_args: object, **_named: object) -> "_Unasked":
        return self

    def __getitem__(self, _key: object) -> "_Unasked":
        return self


class _Listing(StepList):
    """A rollback that is listed only. What depends on the plan and on the environment is theirs."""

    def __init__(self, strategy: Strategy, environment: Environment) -> None:
        super().__init__()
        self.strategy = strategy
        self.environment = environment

    @contextmanager
    def rollback(self, _name: str) -> Iterator["_Listing"]:
        """List the steps in the block, and stop there."""
        yield self
        raise _Listed

    def __getattr__(self, _name: str) -> _Unasked:
        return _Unasked()


def _listed(plan: Plan, story: Story, environment: Environment) -> dict[str, str]:
    act = getattr(import_module(f"drills.test_{story.name.replace('-', '_')}"), "rollback")._get_wrapped_function()  # noqa: B009, SLF001 - the function below @pytest.fixture
    run = _Listing(plan.strategy(story.strategy), environment)
    with suppress(_Listed):
        act(**{name: run if name == "run" else _Unasked() for name in inspect.signature(act).parameters})
    if not run.steps:
        raise ActionFailed(f"{story.name} lists no step: list them in the block of run.rollback")
    told = [TELL] if "slack" in environment.abilities else []
    return {**run.plans, **dict.fromkeys(told, "")}
