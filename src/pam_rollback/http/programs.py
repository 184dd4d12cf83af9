"""Runs a program to its end: without a terminal, with the variables given and no others, and with a limit that ends all that it started."""

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_LOOK_EVERY_S = 0.5
_LOOK_FOR_KILLED_EVERY_S = 0.01
_PATIENCE_S = 2.0
"""Between the request to end and the kill."""
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PROCESSES = Path("/proc")
"""What runs, where the system shows it so; where it does not (macOS, or not mounted), nothing says who is dead."""


@dataclass(frozen=True)
class Ended:
    """How a program ended. ``exit_code`` is None when it was ended by us, because the limit was reached."""

    exit_code: int | None
    out: str
    err: str
    took_s: float

    @property
    def succeeded(self) -> bool:
        """It ended by itself, with 0."""
        return self.exit_code == 0


def run_program(
    command: Sequence[str],
    *,
    folder: Path,
    variables: Mapping[str, str],
    deadline_s: float,
    given: str = "",
    log: Path | None = None,
    meanwhile: Callable[[], None] | None = None,
    patience_s: float = _PATIENCE_S,
    errors: str = "replace",
) -> Ended:
    """Run ``command`` in ``folder``; with ``log`` both its outputs go there as they come. Raises FileNotFoundError without such a program.

    It leads a process group of its own, which is gone when this returns, however it returns. ``meanwhile`` is called twice a second: it may
    tell how far it is, and raise to have the program ended. ``patience_s``: how long a program that is ended may tidy up. ``errors``: what
    becomes of bytes that are no text, as ``bytes.decode`` has it.
    """
    started_s = time.monotonic()
    # Files, not pipes: a grandchild that keeps a pipe open would keep us waiting after the end.
    with tempfile.TemporaryFile() as given_file, _output(log) as out, tempfile.TemporaryFile() as err:
        given_file.write(given.encode("utf-8", "replace"))
        given_file.seek(0)
        with _held_back() as let_through:
            process = subprocess.Popen(  # noqa: S603 - a list, never a shell
                list(command),
                cwd=folder,
                env=dict(variables),
                stdin=given_file,
                stdout=out,
                stderr=subprocess.STDOUT if log else err,
                start_new_session=True,
            )
            try:
                let_through()
                _wait(process, started_s + deadline_s, meanwhile)
                exit_code = process.poll()
                took_s = time.monotonic() - started_s
            finally:
                _end_group(process, patience_s)
        return Ended(exit_code, "" if log else _text(out, errors), _text(err), took_s)


@contextlib.contextmanager
def _held_back() -> Iterator[Callable[[], None]]:
    """Keep the handlers of Ctrl-C and its like waiting until they are let through.

    One that raises between the start of a program and the moment in which we know its process would leave it running.
    """
    waiting: list[signal.Signals] = []
    mine = threading.current_thread() is threading.main_thread()  # handlers run there, and are set there only
    usual = {number: handler for number in _INTERRUPTS if mine and callable(handler := signal.getsignal(number))}

    def let_through() -> None:
        for number, handler in usual.items():
            signal.signal(number, handler)
        usual.clear()
        while waiting:
            signal.raise_signal(waiting.pop(0))

    for number in usual:
        signal.signal(number, lambda number, _: waiting.append(signal.Signals(number)))
    try:
        yield let_through
    finally:
        let_through()


def _wait(process: subprocess.Popen[bytes], end_s: float, meanwhile: Callable[[], None] | None) -> None:
    """Until it has ended, or its time is over."""
    while process.poll() is None and (left_s := end_s - time.monotonic()) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(left_s if meanwhile is None else min(left_s, _LOOK_EVERY_S))
        if meanwhile is not None:
            meanwhile()


def last_lines(path: Path, count: int) -> str:
    """Give the end of a log, for a message; says so when there is nothing."""
    lines = [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return "\n".join(lines[-count:]) or "(it printed nothing)"


def _output(log: Path | None) -> IO[bytes]:
    if log is None:
        return tempfile.TemporaryFile()
    return log.open("ab")


def _text(file: IO[bytes], errors: str = "replace") -> str:
    file.seek(0)
    return file.read().decode(errors=errors)


def _end_group(process: subprocess.Popen[bytes], patience_s: float) -> None:
    """Ask everything in the group to end, give the program time to tidy up, and kill what is left; also what it left running."""
    if _signal(process.pid, signal.SIGTERM):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
        _signal(process.pid, signal.SIGKILL)
        process.wait()
        # On a busy machine the killed still hold their ports for a moment. Nobody waits for ever.
        end_s = time.monotonic() + _PATIENCE_S
        while _lives(process.pid) and time.monotonic() < end_s:
            time.sleep(_LOOK_FOR_KILLED_EVERY_S)
    process.wait()


def _lives(group: int) -> bool:
    """Whether anything of the group still holds what it held: the dead that nobody has fetched yet, as in many a container, do not."""
    if not _signal(group, 0):
        return False
    processes = [*_PROCESSES.glob("[0-9]*")]
    return not processes or any(_holds(process, group) for process in processes)


def _holds(process: Path, group: int) -> bool:
    try:
        told = (process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return False  # it has ended meanwhile
    state, its_group, threads = told[0], int(told[2]), int(told[17])
    return its_group == group and (state not in "ZX" or threads > 1)


def _signal(group: int, number: int) -> bool:
    """Whether there was anybody in the group."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # PermissionError: macOS, for a group of the dead
        return False
    return True
