"""Helper processes of ours, and the files of one JSON object a line that they write while others read them.

A helper gets its configuration on stdin, and the end of stdin ends it: the kernel closes the pipe however the parent dies, also by SIGKILL.
It ends, too, when the machine has slept: the clock that it counts by stood still meanwhile, so a record that went on would hide that nobody
watched.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pam_rollback
from pam_rollback.core.answer import BYTES_MAX, NotJson, read_json
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.outside_text import cut

_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""No proxy, no Python switch and no secret of the session reaches a helper: what it may know comes on its stdin."""
_TAIL_CHARACTERS = 2000
_PATIENCE_S = 1.0
_NICENESS = -10


class Child:
    """A running module of this package. It ends when this process ends, however it ends."""

    def __init__(
        self,
        called: str,
        module: str,
        config_line: str,
        output: Path,
        *,
        arguments: Sequence[str],
        variables: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Start ``module``, which writes to ``output``, a file that must not exist yet; its stderr goes to a log beside it.

        ``called`` is what people call it. It runs in ``folder``, with these ``variables`` besides. MeasurementFailed if it cannot start.
        """
        self.called = called
        if output.exists():
            raise MeasurementFailed(
                f"{output} exists already: a record belongs to one {called}, choose another run folder"
            )
        self.log = output.with_suffix(output.suffix + ".log")
        source = str(Path(pam_rollback.__path__[0]).parent)  # where this process loads from, too
        environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        try:
            log = self.log.open("ab")
        except OSError as error:
            raise MeasurementFailed(f"the {called} cannot record in {output.parent}: {error.strerror}") from error
        with log:
            self.log.chmod(0o600)
            # -P: a file in the working directory must not stand in for a module.
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**environment, "PYTHONPATH": source, **(variables or {})},
                cwd=folder,
            )
        # Ahead of browsers and builds from its first import on, where that is allowed: what leaves late is a hole in what is known.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.pid, _NICENESS)
        try:
            assert self._process.stdin is not None  # stdin=PIPE
            self._process.stdin.write(config_line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._process.wait()
            self.check()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def check(self) -> None:
        """Raise MeasurementFailed, with the end of its log, when it does not run any more."""
        if not self.alive:
            raise MeasurementFailed(f"the {self.called} ended with {self._process.returncode}: {self.last_words()}")

    def last_words(self) -> str:
        """Give the end of its log."""
        return (
            self.log.read_text(encoding="utf-8", errors="replace")[-_TAIL_CHARACTERS:].strip()
            or f"it said nothing in {self.log}"
        )

    def wait(self, *, within_s: float) -> bool:
        """Wait until it ends of itself; gives whether it did."""
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, *, within_s: float) -> None:
        """End it: by closing its stdin, after ``within_s`` by SIGTERM, at last by SIGKILL. May be called again.

        Never raises for it.
        """
        if self._process.stdin is not None and not self._process.stdin.closed:
            # Broken: it is gone already, which is what was wanted.
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        for insist, patience_s in (
            (None, within_s),
            (self._process.terminate, _PATIENCE_S),
            (self._process.kill, None),
        ):
            if insist is not None:
                insist()
            try:
                self._process.wait(patience_s)
            except subprocess.TimeoutExpired:
                continue
            return


_OWNER_ONLY = 0o600
_LINE_BYTES_MAX = BYTES_MAX
"""A longer line was not written by us; without this bound one without an end would be read whole, however long."""


class LineWriter:
    """Appends one object per line to a new file that only its owner can read.

    FileExistsError when the file is there already.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, _OWNER_ONLY)

    def write(self, record: dict[str, Any], *, durable: bool = False) -> None:
        """Append the record at once; ``durable`` returns only when it would survive a crash of the machine."""
        line = (json.dumps(record, separators=(",", ":")) + "\n").encode()
        while line:
            line = line[os.write(self._file, line) :]
        if durable:
            os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class LineReader:
    """Reads such a file bit by bit. A last line that is only half written is left for the next time.

    However long the file is, no more than a line of it is held at a time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._lines = 0

    def records(self) -> Iterator[dict[str, Any]]:
        """Give the objects that came since the last call, one by one. What raised an error is met again the next time.

        Raises MeasurementFailed when there is no such file or a complete line is not a JSON object.
        """
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            raise MeasurementFailed(
                f"{self.path}: there is no such file; was the process that writes it started?"
            ) from None
        with file:
            file.seek(self._offset)
            while (line := file.readline(_LINE_BYTES_MAX + 1)).endswith(b"\n"):
                yield self._parsed(line, self._lines + 1)
                self._offset += len(line)
                self._lines += 1
        if len(line) > _LINE_BYTES_MAX:
            raise MeasurementFailed(
                f"{self.path}, line {self._lines + 1}: expected a line of at most {_LINE_BYTES_MAX} bytes, found no end of it: "
                "the record is damaged"
            )

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            record, why = read_json(line), ""
        except NotJson as error:
            record, why = None, f" ({error})"
        if not isinstance(record, dict):
            found = cut(line.decode("utf-8", "replace").rstrip("\n"), 60)
            raise MeasurementFailed(
                f"{self.path}, line {number}: expected a JSON object, found {found!r}{why}: the record is damaged"
            )
        return record


class Record:
    """What an observer writes, read while it grows or long after: only what is new at each call."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = LineReader(path)

    def _refresh(self) -> None:
        for record in self._reader.records():
            try:
                self._take(record)
            except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
                raise MeasurementFailed(
                    f"{self.path}: a line is not of the kind expected here ({error}): {cut(str(record), 120)}"
                ) from error

    def _take(self, record: dict[str, Any]) -> None:
        """Enter a line. KeyError, TypeError, ValueError, AttributeError or ArithmeticError for one of another kind."""
        raise NotImplementedError


_CONFIG_BYTES_MAX = 1 << 20
_STDIN = 0
SLEPT_MAX_S = 5.0
"""As a window tolerates a hole."""


def asleep_s() -> float:
    """How long this machine slept since it started, where its system counts that."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return 0.0 if boot is None else time.clock_gettime(boot) - time.monotonic()


def read_config_line() -> str:
    """Give the first line of stdin. Unbuffered, so that a thread may wait for the end of stdin afterwards."""
    line = bytearray()
    while b"\n" not in line:
        part = os.read(_STDIN, 65536)
        if not part or len(line) > _CONFIG_BYTES_MAX:
            sys.exit("expected the configuration as one line of JSON on stdin")
        line += part
    return line.partition(b"\n")[0].decode()


class Lifeline:
    """Says when this process has to end, and why. Create it inside the running event loop."""

    def __init__(self, *, max_run_s: float) -> None:
        self.reason = ""
        self.over = asyncio.Event()
        self._asleep_s = asleep_s()
        loop = asyncio.get_running_loop()
        # A terminal sends Ctrl-C and hang-ups to every process of the session; what they mean is the parent's decision.
        for ignored in (signal.SIGINT, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)
        loop.add_signal_handler(signal.SIGTERM, self.end, "SIGTERM")
        loop.call_later(max_run_s, self.end, f"longest run of {max_run_s:g} s reached")
        end_soon = partial(loop.call_soon_threadsafe, self.end, "stdin closed")
        threading.Thread(target=wait_for_end_of_stdin, args=(end_soon,), daemon=True).start()

    def end(self, reason: str) -> None:
        """Ask this process to end; the first reason stays."""
        self.reason = self.reason or reason
        self.over.set()

    async def over_before(self, moment_s: float) -> bool:
        """Sleep until the monotonic moment; true as soon as this process has to end."""
        slept_s = asleep_s() - self._asleep_s
        if slept_s > SLEPT_MAX_S and not self.over.is_set():
            self.end(f"this machine slept for {slept_s:.0f} s: what was then nobody knows")
            sys.stderr.write(f"{self.reason}\n")
        wait_s = moment_s - time.monotonic()
        if wait_s <= 0:
            # What is in flight gets its turn also when the ticks are behind.
            await asyncio.sleep(0)
            return self.over.is_set()
        try:
            async with asyncio.timeout(wait_s):
                await self.over.wait()
        except TimeoutError:
            return False
        return True


def wait_for_end_of_stdin(end: Callable[[], object]) -> None:
    """Call ``end`` when the parent is gone, or has closed it."""
    while os.read(_STDIN, 4096):
        pass
    end()
