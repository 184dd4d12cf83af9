"""A decision session in a process of its own, with a folder that is gone when nobody needs it as evidence."""

import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pam_rollback.base.errors import MeasurementFailed, StopRequested
from pam_rollback.base.outside_text import cut, one_line
from pam_rollback.outside.programs import Ended, run_program
from pam_rollback.report.run_record import RunRecord, UnreadableRecord, read

WITHIN_S = 1800.0
"""A session that takes longer hangs."""
_TIDIES_UP_S = 15.0
"""What it wrote as a test account it clears away."""
_SHOWN = 200
_KEPT_TO_ITSELF = ("PYTEST_", "PAM_STATE", "GITHUB_STEP_SUMMARY")
"""Variables by which a session tells others of itself: this one tells the watch."""


@dataclass(frozen=True)
class Command:
    """What is started, where, and with which variables."""

    words: Sequence[str]
    cwd: Path
    variables: Mapping[str, str]


class Session:
    """One that was started. It ends by itself, when it is stopped, or when its time is over, with all that it started."""

    def __init__(self, command: Command, folder: Path, *, within_s: float = WITHIN_S) -> None:
        self.folder = folder
        self._command = command
        self._within_s = within_s
        self._stopped = threading.Event()
        self._ended: Ended | None = None
        self._problem: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name=folder.name)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """It has ended."""
        return not self._thread.is_alive()

    @property
    def record(self) -> RunRecord:
        """What it found, when it is over. Raises MeasurementFailed in one line where it left no record."""
        if self._problem is not None:
            raise MeasurementFailed(f"the decision session could not be run: {one_line(str(self._problem))}")
        assert self._ended is not None  # it is over
        if self._ended.exit_code is None:
            raise MeasurementFailed(f"the decision session was not over within {self._within_s:g} s")
        try:
            return read(self.folder / "run.json")
        except (OSError, UnreadableRecord) as problem:
            said = f"{self._ended.out}\n{self._ended.err}".strip().splitlines() or [str(problem)]
            words = cut(one_line(said[-1]), _SHOWN)
            raise MeasurementFailed(
                f"the decision session ended with {self._ended.exit_code} and no record: {words}"
            ) from None

    def stop(self) -> None:
        """End it, and wait until it has tidied up."""
        self._stopped.set()
        self._thread.join(2 * _TIDIES_UP_S)

    def forget(self) -> None:
        """Remove what it left."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self) -> None:
        shown = {name: value for name, value in self._command.variables.items() if not name.startswith(_KEPT_TO_ITSELF)}
        try:
            self._ended = run_program(
                [*self._command.words, f"--run-dir={self.folder}"],
                folder=self._command.cwd,
                variables=shown,
                deadline_s=self._within_s,
                meanwhile=self._heed,
                patience_s=_TIDIES_UP_S,
            )
        except Exception as problem:  # noqa: BLE001 - a thread's defect would be seen by nobody
            self._problem = problem

    def _heed(self) -> None:
        if self._stopped.is_set():
            raise StopRequested("the watch is over")


def starter(command: Command, folder: Path) -> Callable[[int], Session]:
    """Starts one after the other, each with a folder of its own below that one."""
    return lambda number: Session(command, folder / f"decision-{number}")
