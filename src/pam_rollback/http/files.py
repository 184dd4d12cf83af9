"""Files of the suite: where they are, how one is written whole, how a log of events grows, and what is said when one cannot be used.

A log of events is append-only, a JSON object a line, each on the disk before anything else happens; it outlives sessions. Whoever reads it
decides what a line that cannot be read means.
"""

import contextlib
import errno
import fcntl
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, Final, ParamSpec

from pam_rollback.core import run_files
from pam_rollback.core.answer import read_json
from pam_rollback.core.outside_text import cut
from pam_rollback.core.run_files import Event

Given = ParamSpec("Given")

PLAN: Final = "plan.toml"
HOME: Final = Path(__file__).resolve().parents[3]
REPORTS: Final = HOME / "reports"
"""The folder with the report's configuration and its locked generator; runs are below ``out``."""


def project_of(folder: Path) -> Path | None:
    """The project in which the folder lies, by its plan; None when it lies in none."""
    return next((one for one in (folder, *folder.parents) if (one / PLAN).is_file()), None)


def write_whole(path: Path, text: str) -> None:
    """Write all of it or nothing, also where the machine dies: a reader never sees half a file. Raises OSError."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("w", encoding="utf-8", errors="replace") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


_OWNER_ONLY = 0o600
_FOLDER_OWNER_ONLY = 0o700


def make_private(folder: Path) -> None:
    """Make the folder and all that is missing above it, open to its owner only. Raises OSError."""
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=_FOLDER_OWNER_ONLY, exist_ok=True)


def append_line(path: Path, line: bytes) -> None:
    """Append the line, which ends with a newline, and its folder where that is missing. Raises OSError, and leaves no part of it then.

    A full disk takes the beginning of a line without a word: what was written is counted. After a line that somebody was kept from
    finishing, this one stands on a line of its own.
    """
    make_private(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, _OWNER_ONLY)
    try:
        # Several processes may write; a file system without locks is written to all the same.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        try:
            rest = line
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
    if not size:
        # The file's name, too, has to survive.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


_OWN = ("at", "at_s", "event", run_files.FORMAT, run_files.WRITTEN_BY)
_SHOWN = 120


@dataclass(frozen=True)
class Line:
    """One line of the file, from 1. ``event`` is None where it says none; ``too_new``: why this version cannot read it."""

    number: int
    text: bytes
    event: Event | None
    finished: bool
    """It ends with a newline: whoever wrote it was not kept from finishing it."""
    too_new: str = ""

    @property
    def found(self) -> str:
        """What stands there, for a message."""
        return repr(cut(self.text.decode("utf-8", "replace"), _SHOWN))


@dataclass(frozen=True)
class EventLog:
    """``format`` is the number of its format (``formats``); ``redact`` takes secrets out of what is written."""

    path: Path
    format: int
    redact: Callable[[str], str] = str

    def append(self, event: Event) -> None:
        """Write one event; returns when it is on the disk. Raises OSError."""
        append_line(self.path, self.line_of(event))

    def line_of(self, event: Event) -> bytes:
        """The event as it is written next: the first one says in which format the file is."""
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(event.at_s, UTC).isoformat(timespec="seconds"),
            "at_s": event.at_s,
            "event": event.kind,
        }
        if not self.path.exists() or not self.path.stat().st_size:
            entry |= run_files.stamp(self.format)
        return (self.redact(json.dumps({**entry, **event.facts}, ensure_ascii=False)) + "\n").encode()

    def lines(self) -> Iterator[Line]:
        """All of it in order; none where there is no file. Raises OSError."""
        texts = self.path.read_bytes().split(b"\n") if self.path.exists() else []
        for number, text in enumerate(texts, start=1):
            if text or number < len(texts):
                yield self._line(number, text, finished=number < len(texts))

    def _line(self, number: int, text: bytes, *, finished: bool) -> Line:
        try:
            entry = read_json(text)
            if problem := run_files.too_new(entry, self.format):
                return Line(number, text, None, finished, problem)
            facts = {name: value for name, value in entry.items() if name not in _OWN}
            return Line(number, text, Event(float(entry["at_s"]), str(entry["event"]), facts), finished)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            return Line(number, text, None, finished)


# ---------------------------------------------------------------- commands

FAILED: Final = 1
_PLACE_SHOWN: Final = 160


def cannot_be_used(error: OSError) -> str:
    """What the system said, with the place that it is about, shortened."""
    place = str(error.filename or "")
    why = error.strerror or str(error)
    if len(place) > _PLACE_SHOWN:
        place = f"{place[: _PLACE_SHOWN // 2]}…{place[-_PLACE_SHOWN // 2 :]}"
    return f"{place}: {why[:1].lower()}{why[1:]}" if place else why


def told(main: Callable[Given, int]) -> Callable[Given, int]:
    """Let a command end with 1 and a line where a file cannot be used, and in silence where nobody reads any more."""

    @wraps(main)
    def ended(*arguments: Given.args, **named: Given.kwargs) -> int:
        if sys.stdout is None or sys.stderr is None:
            # Closed by the shell: what is written for people goes nowhere, and what was asked for is done all the same.
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends
            sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
        try:
            code = main(*arguments, **named)
            sys.stdout.flush()
        except BrokenPipeError:
            # What is left in the buffer has nobody to go to, and Python would complain of it at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        except OSError as error:
            sys.stderr.write(f"{cannot_be_used(error)}\n")
            return FAILED
        return code

    return ended


def project_folder() -> Path:
    """The folder in which the command runs, which has to be a project's. Raises FileNotFoundError, which ``told`` tells."""
    here = Path.cwd()
    if not (here / PLAN).is_file():
        raise FileNotFoundError(errno.ENOENT, f"no {PLAN} is here: run it in the suite's own folder", str(here))
    return here
