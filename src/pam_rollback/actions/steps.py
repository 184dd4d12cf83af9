"""Runs the steps of an action one after the other, each timed and journaled."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from pam_rollback.actions.journal import Journal
from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import ActionFailed, MeasurementFailed


@dataclass(frozen=True)
class Step:
    """One thing to do. ``run`` gives a short sentence of what came out of it.

    A step that does not help users (telling the team) has ``essential=False``: its failure is recorded and never stops the others.
    """

    name: str
    run: Callable[[], str]
    essential: bool = True


@dataclass(frozen=True)
class StepRecord:
    """What one step did. Times are monotonic seconds; ``problem`` is empty when it was done."""

    name: str
    started_s: float
    finished_s: float
    result: str
    problem: str = ""

    @property
    def done(self) -> bool:
        """It was done; a failed step is never called done."""
        return not self.problem

    def __str__(self) -> str:
        """For messages and the report."""
        took_ms = (self.finished_s - self.started_s) * 1000
        return f"{self.name}: {self.result if self.done else 'FAILED: ' + self.problem} ({took_ms:.0f} ms)"


Narrator = Callable[[str], AbstractContextManager[object]]
"""Told of each step while it runs, for example to show it in a report."""


def silent(_name: str) -> AbstractContextManager[object]:
    """Tells nobody."""
    return nullcontext()


def run_steps(
    steps: Iterable[Step], journal: Journal, clock: Clock, narrate: Narrator = silent
) -> tuple[StepRecord, ...]:
    """Run the steps in order; raises ActionFailed at the first essential one that fails, after journaling it."""
    records: list[StepRecord] = []
    for step in steps:
        journal.append("step-started", step=step.name)
        started_s = clock.monotonic_s()
        result, problem = "", ""
        try:
            with narrate(step.name):
                result = step.run()
        except (ActionFailed, MeasurementFailed) as error:
            problem = str(error)
        except Exception as error:
            # Not caught for good: the journal must say where the action stopped before anybody else does.
            journal.append("step-failed", step=step.name, problem=repr(error))
            raise
        record = StepRecord(step.name, started_s, clock.monotonic_s(), result, problem)
        records.append(record)
        journal.append("step-failed" if problem else "step-done", step=step.name, result=result, problem=problem)
        if problem and step.essential:
            raise ActionFailed(f"step {step.name!r} failed: {problem}")
    return tuple(records)
