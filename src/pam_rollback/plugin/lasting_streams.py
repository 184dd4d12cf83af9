"""Standard output and standard error that never fail: what a lost terminal does not take is dropped, and the session goes on.

A terminal may be closed (EIO), a pipe's reader gone (``| head -1``), the disk below a redirection full, or there may be no stream at all
(``>&-``). None of these is an order to stop, and none changes the exit code. Installed as soon as pytest loads the plugin, because a
descriptor that is closed would be given to the next file that is opened, and that file would then be printed into.

What a session says goes through here whoever says it, pytest's own refusals too: so commands are named here as they are typed here.
"""

import contextlib
import io
import os
import re
import select
import sys
from typing import Any, Final, TextIO

import pytest

from pam_rollback.core.outside_text import for_terminal
from pam_rollback.plugin import runbook as runbook_module

_NAMES: Final = {1: "standard output", 2: "standard error"}
_PATIENCE_S: Final = 2.0
_PICTURE: Final = "the live picture"
_LOST: dict[str, str] = {}
_SCREEN: list[int] = []
"""Standard error as it was before pytest began to capture it."""


def lost() -> dict[str, str]:
    """The streams that did not take everything, by their names, with the reason."""
    return dict(_LOST)


def say_now(text: str) -> None:
    """Write to standard error at once, from any thread, also while pytest captures. Never raises."""
    for screen in _SCREEN:
        with contextlib.suppress(OSError):
            os.write(screen, f"\n{text}\n".encode("utf-8", "replace"))


def stream_past_capture(stream: TextIO) -> TextIO:
    """Another stream to where this one goes now, whatever becomes of it later. Never fails to write."""
    return io.TextIOWrapper(
        io.BufferedWriter(_Dropping(os.dup(stream.fileno()), owned=True)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=True,
    )


class _Dropping(io.RawIOBase):
    """Writes to a descriptor; gives up on what it does not take, and tries again with what comes next."""

    def __init__(self, descriptor: int, *, owned: bool = False) -> None:
        """``owned``: nobody else writes to this descriptor, so it goes with this."""
        self._descriptor = descriptor
        self._owned = owned
        # Where it is lost the process's own stream is, too: the session ends as it does without a picture.
        self._name = _PICTURE if owned else _NAMES[descriptor]

    def close(self) -> None:
        """Let go of it."""
        if self._owned and not self.closed:
            os.close(self._descriptor)
        super().close()

    def fileno(self) -> int:
        """The descriptor, for who asks whether it is a terminal."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether a person may be looking."""
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        """It is there to be written to."""
        return True

    def write(self, data: Any, /) -> int:
        """Write what is taken; what is not counts as written. Never raises."""
        size = len(memoryview(data).cast("B"))
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            # Somebody made the pipe non-blocking, and its reader is slow.
            select.select([], [self._descriptor], [], _PATIENCE_S)
            with contextlib.suppress(OSError):
                return os.write(self._descriptor, data)
            _LOST.setdefault(self._name, "its reader takes nothing")
        except OSError as error:
            _LOST.setdefault(self._name, error.strerror or str(error))
        return size


def pytest_addoption() -> None:
    """The first moment at which pytest asks this plugin for anything: before it captures, and before any file of ours is opened."""
    _open_if_closed()
    if not _SCREEN:
        _SCREEN.append(os.dup(2))
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream: TextIO | None = getattr(sys, name)
        if stream is None or _is_the_process_own(stream, number):
            lasting = _lasting(number, stream)
            setattr(sys, name, lasting)
            if getattr(sys, f"__{name}__") is None:
                setattr(sys, f"__{name}__", lasting)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """What is still in a buffer goes now: nothing is left that could fail at the very end and change the exit code."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


def _open_if_closed() -> None:
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            nothing = os.open(os.devnull, os.O_RDWR)
            if nothing != number:
                os.dup2(nothing, number)
                os.close(nothing)
            os.set_inheritable(number, True)  # noqa: FBT003 - positional by its own signature
            if number in _NAMES:
                _LOST[_NAMES[number]] = "closed from the start"


def _is_the_process_own(stream: TextIO, number: int) -> bool:
    """Not where somebody has put another stream in its place, such as a test that captures."""
    try:
        return isinstance(stream, io.TextIOWrapper) and stream.fileno() == number
    except (OSError, ValueError):
        return False


def _lasting(number: int, stream: TextIO | None) -> TextIO:
    if stream is not None:
        with contextlib.suppress(OSError):
            stream.flush()
    old = stream if isinstance(stream, io.TextIOWrapper) else None
    if old is not None and isinstance(getattr(old.buffer, "raw", None), _Dropping):
        return old
    return io.TextIOWrapper(
        io.BufferedWriter(_Dropping(number)),
        encoding=old.encoding if old else "utf-8",
        # A terminal of few characters shows the others as escapes: an arrow in a message is no reason to fail either.
        errors="backslashreplace" if old is None or old.errors == "strict" else old.errors,
        line_buffering=old.line_buffering if old else True,
    )


_RENEWS: Final = re.compile(r"(?:\x1b\[[\d;]*m)*\r")


class HarmlessFile:
    """A stream that shows text from outside as it is and does not obey it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._in_a_line = False

    def write(self, text: str) -> int:
        """Write the text, made harmless. A carriage return at its beginning is pytest's own: it renews its line of progress."""
        began = _RENEWS.match(text) if "\n" not in text else None
        renews = began.group() if began else ""
        clean = for_terminal(text[len(renews) :], in_a_line=self._in_a_line and not renews)
        line = clean.rpartition("\n")[2]
        self._in_a_line = bool(line.strip()) or (self._in_a_line and "\n" not in clean and not renews)
        self._stream.write(renews + clean)
        return len(text)

    def command(self, line: str) -> None:
        """An order to the CI runner that is meant as one: a line of its own, whoever made it has made what it quotes harmless."""
        self._stream.write(f"\n{line}\n" if self._in_a_line else f"{line}\n")
        self._in_a_line = False

    def __getattr__(self, name: str) -> Any:
        """Everything else is the stream's own."""
        return getattr(self._stream, name)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Stand between pytest and its terminal, in sessions of the runbook."""
    if runbook_module.of(config) is None or config.pluginmanager.get_plugin("terminalreporter") is None:
        return
    writer: Any = config.get_terminal_writer()
    writer._file = HarmlessFile(writer._file)  # noqa: SLF001 - pytest offers no other way to all that it prints
