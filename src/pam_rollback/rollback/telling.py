"""The message at the end of an action: success is told when it is one, and what failed is told, too (docs/plan-audit.md, G12)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pam_rollback.base.clock import Clock
from pam_rollback.base.errors import ActionFailed
from pam_rollback.journal.journal import Journal
from pam_rollback.plan.flags import TeamNotice
from pam_rollback.rollback.steps import Narrator, Step, StepRecord, StepsFailed, run_steps, silent

TELL = "tell the team"
Instead = Callable[[], tuple[str, Sequence[Step]]]


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

        return self._run([Step(TELL, tell, essential=False)])


def notice_problem(records: Sequence[StepRecord]) -> str | None:
    """Empty when the team was told, else why not; None when nobody was to be told."""
    return next((record.problem for record in reversed(records) if record.name == TELL), None)
