"""Child processes and files that do not outlive the sandbox that made them, and what tells a sandbox to end."""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pam_sandbox import janitor

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.01
_LAST_LINES = 12


@dataclass(frozen=True)
class Account:
    """An operating system user, by number."""

    uid: int
    gid: int


class Children:
    """Starts processes, each in a session of its own, and keeps the janitor informed.

    Three nets, because each has holes: on Linux the kernel signals a child when this process dies; the children of the product
    end on their own when their standard input closes; the janitor ends and removes what is left.
    """

    def __init__(self) -> None:
        self._janitor = subprocess.Popen(  # noqa: S603  (our own script)
            [sys.executable, "-I", janitor.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    def start(
        self,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        output: Path,
        errors: Path,
        death_signal: signal.Signals,
        account: Account | None = None,
        with_stdin: bool = False,
    ) -> subprocess.Popen[bytes]:
        """Start `command`; what it prints is appended to the two files.

        `death_signal` is what it gets when this process dies. Raises OSError as `subprocess.Popen` does. Call it from the main
        thread: the kernel's signal fires when the thread that forked ends.
        """
        with output.open("ab") as out, errors.open("ab") as err:
            process = subprocess.Popen(  # noqa: S603  (commands come from this package)
                [str(part) for part in command],
                stdin=subprocess.PIPE if with_stdin else subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=dict(environment),
                cwd="/",
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                preexec_fn=_die_with_parent(death_signal),  # noqa: PLW1509  (no thread holds a lock that prctl needs)
            )
        mark = janitor.start_mark(process.pid)
        if mark is not None:
            self._tell({"process": process.pid, "mark": mark, "signal": int(death_signal)})
        return process

    async def end(self, process: subprocess.Popen[bytes], number: signal.Signals, *, within_s: float) -> None:
        """Ask a process to end with signal `number`, kill it when it does not within `within_s`, and collect it."""
        if process.stdin is not None:
            close_quietly(process.stdin)
        for attempt in (number, signal.SIGKILL):
            if process.poll() is None:
                process.send_signal(attempt)
                await wait_for_exit(process, within_s=within_s)
        self._tell({"ended": process.pid})

    def owns_folder(self, folder: Path) -> None:
        """Have `folder` removed when the sandbox is gone."""
        self._tell({"folder": str(folder)})

    def owns_file(self, path: Path) -> None:
        """Have `path` removed when the sandbox is gone, if it is still the same file."""
        self._tell({"file": str(path), "inode": path.stat().st_ino})

    def close(self) -> None:
        """Let the janitor do the rest, and wait for it."""
        self._tell({"in_order": True})
        if self._janitor.stdin is not None:
            close_quietly(self._janitor.stdin)
        self._janitor.wait()

    def _tell(self, line: Mapping[str, object]) -> None:
        if self._janitor.stdin is None or self._janitor.stdin.closed:
            return
        # Somebody may have killed the janitor: the sandbox goes on with the two other nets, and still ends in order.
        with contextlib.suppress(BrokenPipeError):
            self._janitor.stdin.write(json.dumps(line).encode() + b"\n")
            self._janitor.stdin.flush()


async def wait_for_exit(process: subprocess.Popen[bytes], *, within_s: float) -> int | None:
    """The exit code of `process`, or None when it still runs after `within_s`."""
    end_s = time.monotonic() + within_s
    while process.poll() is None and time.monotonic() < end_s:  # noqa: ASYNC110 - the kernel sets no event
        await asyncio.sleep(_POLL_S)
    return process.returncode


def close_quietly(stream: IO[bytes]) -> None:
    """Close a pipe whose reader may be gone."""
    with contextlib.suppress(BrokenPipeError):
        stream.close()


def last_lines(path: Path) -> str:
    """The end of a log file, for an error message; says so when there is nothing."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        return f"(no log: {error})"
    return "\n".join(lines[-_LAST_LINES:]) or "(it printed nothing)"


def _die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None  # the janitor alone has to do
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it died before the kernel knew
            os._exit(1)

    return in_child


_ORPHANED_EVERY_S = 0.5


async def until_told_to_end() -> str:
    """Wait for a signal, for the end of a piped standard input, or for the death of the parent; gives which it was."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[str] = loop.create_future()

    def tell(why: str) -> None:
        if not told.done():
            told.set_result(why)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, tell, number.name)
    is_piped = sys.stdin is not None and _is_pipe(sys.stdin.fileno())  # a program can be started without any
    if is_piped:
        os.set_blocking(sys.stdin.fileno(), False)
        loop.add_reader(sys.stdin.fileno(), _read_stdin, tell)
    watch = asyncio.create_task(_watch_parent(os.getppid(), tell))
    try:
        return await told
    finally:
        watch.cancel()
        if is_piped:
            loop.remove_reader(sys.stdin.fileno())


def _is_pipe(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _read_stdin(tell: Callable[[str], None]) -> None:
    try:
        if not os.read(sys.stdin.fileno(), 4096):
            tell("end of stdin")
    except BlockingIOError:
        return


async def _watch_parent(parent: int, tell: Callable[[str], None]) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110 - nobody tells when a parent dies
        await asyncio.sleep(_ORPHANED_EVERY_S)
    tell("the parent is gone")
