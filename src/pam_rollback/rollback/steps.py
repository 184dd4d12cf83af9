"""Runs the steps of an action, those that do not wait for each other side by side; each timed and journaled.

A step that failed stops only the steps that need it: everything else that helps users is still done, and the failure decides the verdict.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass, field
from enum import Enum
from queue import Empty, SimpleQueue

from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import ActionFailed, MeasurementFailed, StopRequested
from pam_rollback.rollback.journal import Journal

_LOOKED_EVERY_S = 0.05


@dataclass(frozen=True)
class Step:
    """One thing to do. ``run`` gives a short sentence of what came out of it.

    A step that does not help users (telling the team) has ``essential=False``: its failure is recorded and does not fail the action.
    ``needs`` are the steps that have to be done before it, ``after`` those that have to be over, whatever came of them.
    """

    name: str
    run: Callable[[], str]
    essential: bool = True
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    changes: bool = False
    """It changes what users get: what they write around this moment is looked for."""
    owes: str = ""
    """The kind of note that says how to put back what it asks for, which a host may bring about after the step was killed."""
    tells: bool = False
    """It only tells of the others: who asks for the last step asks for one of those."""


class Outcome(Enum):
    """What came of a step."""

    DONE = "done"
    FAILED = "failed"
    NOT_DONE = "not done"


@dataclass(frozen=True)
class StepRecord:
    """What one step did. Times are monotonic seconds; ``problem`` is empty when it was done."""

    name: str
    started_s: float
    finished_s: float
    result: str
    problem: str = ""
    outcome: Outcome = Outcome.DONE
    essential: bool = True
    changes: bool = False

    @property
    def done(self) -> bool:
        """It was done; a failed step is never called done."""
        return self.outcome is Outcome.DONE

    def __str__(self) -> str:
        if self.outcome is Outcome.NOT_DONE:
            return f"{self.name}: not done, {self.problem}"
        took_ms = (self.finished_s - self.started_s) * 1000
        return f"{self.name}: {self.result if self.done else 'FAILED: ' + self.problem} ({took_ms:.0f} ms)"


class StepsFailed(ActionFailed):
    """Steps that help users were not done. ``records`` tell of all steps, also of those that were done after the failure."""

    def __init__(self, records: Sequence[StepRecord]) -> None:
        self.records = tuple(records)
        bad = [record for record in records if record.essential and not record.done]
        # What was not begun because of another step is no cause of its own: the cause comes first.
        bad.sort(key=lambda record: record.outcome is Outcome.NOT_DONE)
        super().__init__("; ".join(_sentence(record) for record in bad))


def _sentence(record: StepRecord) -> str:
    how = "failed" if record.outcome is Outcome.FAILED else "was not done"
    return f"step {record.name!r} {how}: {record.problem}"


Narrator = Callable[[str], AbstractContextManager[object]]
"""Told of each step while it runs, for example to show it in a report."""


def silent(_name: str) -> AbstractContextManager[object]:
    """Tells nobody."""
    return nullcontext()


def run_steps(
    steps: Iterable[Step], journal: Journal, clock: Clock, narrate: Narrator = silent
) -> tuple[StepRecord, ...]:
    """Run the steps as their needs allow; gives a record of each, in the order of the steps.

    Raises StepsFailed when an essential one was not done, after all others that can be done are; StopRequested when a step was stopped.
    """
    return _Run(list(steps), journal, clock, narrate).to_the_end()


@dataclass(frozen=True)
class _Ended:
    """What a thread tells of its step."""

    record: StepRecord
    stop: StopRequested | None = None


@dataclass
class _Run:
    """One run of the steps. Only the thread that called it decides; the steps' threads tell it how they ended."""

    steps: list[Step]
    journal: Journal
    clock: Clock
    narrate: Narrator
    records: dict[str, StepRecord] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    ended: "SimpleQueue[_Ended]" = field(default_factory=SimpleQueue)
    stop: StopRequested | None = None

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        unknown = {name for step in self.steps for name in (*step.needs, *step.after)} - set(names)
        if unknown or len(set(names)) < len(names):
            raise ValueError(f"steps {names}: each name once, and no step waits for one that is not there: {unknown}")

    def to_the_end(self) -> tuple[StepRecord, ...]:
        while len(self.records) < len(self.steps):
            known = len(self.records)
            ready = self._ready()
            if not ready and not self.running:
                if len(self.records) > known:
                    continue  # what was left out just now may be what an earlier step of the list waits for
                self._give_up()
                break
            if len(ready) == 1 and not self.running:
                self._note(self._perform(ready[0], self._begin(ready[0])))
                continue
            for step in ready:
                self._start(step)
            self._wait()
        records = tuple(self.records[step.name] for step in self.steps)
        if self.stop is not None:
            raise self.stop
        if any(record.essential and not record.done for record in records):
            raise StepsFailed(records)
        return records

    def _ready(self) -> list[Step]:
        """What can begin now. A step whose need was not done is recorded as not done on the way."""
        ready: list[Step] = []
        for step in self.steps:
            if step.name in self.records or step.name in self.running:
                continue
            missing = [name for name in step.needs if name in self.records and not self.records[name].done]
            if missing or self.stop is not None:
                self._skip(step, f"it needs {', '.join(map(repr, missing))}" if missing else str(self.stop))
            elif all(name in self.records for name in (*step.needs, *step.after)):
                ready.append(step)
        return ready

    def _give_up(self) -> None:
        """What waits for each other, or for what was not done, never begins."""
        for step in self.steps:
            if step.name not in self.records:
                self._skip(step, "the steps before it never ended")

    def _skip(self, step: Step, problem: str) -> None:
        now_s = self.clock.monotonic_s()
        self.journal.append("step-not-done", step=step.name, problem=problem)
        self.records[step.name] = StepRecord(
            step.name, now_s, now_s, "", problem, Outcome.NOT_DONE, step.essential, step.changes
        )

    def _begin(self, step: Step) -> float:
        changes = {"changes": True} if step.changes else {}
        owes = {"owes": step.owes} if step.owes or step.changes else {}
        tells = {"tells": True} if step.tells else {}
        self.journal.append("step-started", step=step.name, **changes, **owes, **tells)
        return self.clock.monotonic_s()

    def _start(self, step: Step) -> None:
        started_s = self._begin(step)
        self.running.add(step.name)
        # Not waited for at the end of the process: a step that hangs must not keep the session from ending.
        threading.Thread(
            target=lambda: self.ended.put(self._perform(step, started_s)), name=step.name, daemon=True
        ).start()

    def _perform(self, step: Step, started_s: float) -> _Ended:
        result, problem, stop = "", "", None
        try:
            with ExitStack() as told:
                # Who tells of a step is never the reason that it is not done.
                with suppress(Exception):
                    told.enter_context(self.narrate(step.name))
                result = step.run()
        except (ActionFailed, MeasurementFailed) as error:
            problem = str(error) or repr(error)
        except StopRequested as error:
            problem, stop = str(error) or repr(error), error
        except Exception as error:  # noqa: BLE001 - whatever it was: the others go on, and the step is not done
            problem = repr(error)
        except BaseException as error:
            problem = repr(error)
            if threading.current_thread() is threading.main_thread():
                # Not caught for good: the journal must say where the action stopped before anybody else does.
                self.journal.append("step-failed", step=step.name, result="", problem=problem)
                raise
            # Beside others it is a step that failed: who waits for its end must be told of one.
        outcome = Outcome.FAILED if problem else Outcome.DONE
        finished_s = self.clock.monotonic_s()
        return _Ended(
            StepRecord(step.name, started_s, finished_s, result, problem, outcome, step.essential, step.changes), stop
        )

    def _note(self, ended: _Ended) -> None:
        record = ended.record
        self.running.discard(record.name)
        self.records[record.name] = record
        self.stop = self.stop or ended.stop
        self.journal.append(
            "step-done" if record.done else "step-failed",
            step=record.name,
            result=record.result,
            problem=record.problem,
        )

    def _wait(self) -> None:
        """Until one step ends, or for a moment."""
        with suppress(Empty):
            # With a limit, so that a signal is noticed meanwhile.
            self._note(self.ended.get(timeout=_LOOKED_EVERY_S))
