"""How a session goes, while it runs: lines, on a terminal above a bar; elsewhere a wait has a line a minute.

Where workers of pytest-xdist run the tests there is no bar: each writes its lines to the same standard error.
"""

import sys
import threading
from typing import Any, Final, Protocol

import pytest

from pam_rollback.core.clock import Clock, SystemClock
from pam_rollback.core.outside_text import for_terminal, redacted
from pam_rollback.plugin.lasting_streams import stream_past_capture
from pam_rollback.plugin.options import Detail, detail
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.report.terminal_page import WORDS
from pam_rollback.report.verdict import Outcome

BAD: Final = "! "
_EVERY_S: Final = 60.0
_LABEL: Final = 15
"""Columns of a phase's name."""


class Progress(Protocol):
    """Tells people what happens and what is being waited for."""

    def tell(self, line: str) -> None:
        """Say how far a wait is, unless that was said a moment ago."""

    def announce(self, line: str) -> None:
        """Say what has happened, at once."""

    def phase(self, name: str, text: str) -> None:
        """Say that a phase began or ended."""

    def done(self) -> None:
        """The wait is over."""


def line(phase: str, text: str) -> str:
    """Return a phase and what there is to say of it."""
    return f"{phase:<{_LABEL - 1}} {text}".rstrip()


class OnScreen:
    """Tells it on the standard error stream."""

    def __init__(
        self, config: pytest.Config, clock: Clock | None = None, *, phases: bool = True, worker: str = ""
    ) -> None:
        """Without ``phases`` neither they nor waits are told, only what happens."""
        option = config.option
        capture: Any = config.pluginmanager.get_plugin("capturemanager")
        self._capture = capture
        self._clock = clock or SystemClock()
        self._told_s = self._clock.monotonic_s()
        self._phases = phases
        self._verbose = detail(config) is Detail.ALL
        self._where = f" [{worker}]" if worker else ""
        self._phase = ""
        self._lock = threading.RLock()  # a signal may come while it is held
        self._bar: Any = None
        # A bar would be in the way of a debugger, and of what tests print.
        busy = any(getattr(option, name, False) for name in ("usepdb", "trace", "setupshow")) or option.capture == "no"
        plain = busy or worker or not phases or self._verbose or getattr(option, "dist", "no") != "no"
        with capture.global_and_fixture_disabled():  # while pytest captures, the stream is a file
            self._stream = None if plain or not sys.stderr.isatty() else stream_past_capture(sys.stderr)

    def tell(self, line: str) -> None:
        """Show the line in the bar, elsewhere unless one was shown a moment ago."""
        line = for_terminal(redacted(line))
        now_s = self._clock.monotonic_s()
        if self._draw(description=line.lstrip(" …")) or not self._phases or now_s - self._told_s < _EVERY_S:
            return
        self._told_s = now_s
        self._write(line)

    def announce(self, line: str) -> None:
        """Show the line now, and leave it there: what has happened, not how far it is."""
        line = for_terminal(redacted(line))
        with self._lock:
            if self._bar is not None:
                from rich.text import Text  # noqa: PLC0415 - loaded with the bar

                self._bar.console.print(Text(line, style(line)))
                return
        self._write(line)

    def phase(self, name: str, text: str) -> None:
        """Show it where phases are wanted."""
        self._phase = name
        self._draw(description=name)
        self.line(line(name, text))

    def line(self, line: str) -> None:
        """Show a line where phases are wanted."""
        if self._phases:
            self._told_s = self._clock.monotonic_s()
            self.announce(line)

    def done(self) -> None:
        """Nothing is waited for."""
        self.count()

    def count(self, **facts: object) -> None:
        """Say in the bar how many tests are over (``completed``) of how many (``total``), and of what kind (``description``)."""
        with self._lock:
            if self._bar is not None:
                self._bar.update(0, **({"description": self._phase} | facts))

    def close(self) -> None:
        """Take the bar away; what is said from now on are lines."""
        with self._lock:
            if self._bar is not None:
                self._bar.stop()
            if self._stream is not None:
                self._stream.close()
            self._bar = self._stream = None

    def _draw(self, description: str) -> bool:
        """Begin the bar where there can be one, and give whether there is. It begins with a phase or a wait: loading it takes a moment."""
        with self._lock:
            if self._stream is None:
                return False
            if self._bar is None:
                from rich import progress  # noqa: PLC0415 - loading it costs more than a health check takes
                from rich.console import Console  # noqa: PLC0415
                from rich.table import Column  # noqa: PLC0415

                columns = (
                    progress.TimeElapsedColumn(),
                    progress.BarColumn(20),
                    progress.MofNCompleteColumn(),
                    progress.TextColumn(
                        "{task.description}", "dim", markup=False, table_column=Column(no_wrap=True, ratio=1)
                    ),
                )
                self._bar = progress.Progress(
                    *columns,
                    console=Console(file=self._stream, force_terminal=True),
                    transient=True,
                    expand=True,
                    redirect_stdout=False,
                    redirect_stderr=False,
                )
                self._bar.add_task(description, total=None)
                self._bar.start()
            self._bar.update(0, description=description)
            return True

    def _write(self, text: str) -> None:
        with self._capture.global_and_fixture_disabled():
            # With -v pytest may be in the middle of a line of its own.
            sys.stderr.write(("\n" if self._verbose else "") + f"{text}{self._where}\n")
            sys.stderr.flush()


def style(line: str) -> str:
    """Return how a terminal shows a line: what is broken red, what is not known yellow, as in the end."""
    if not line.startswith(BAD):
        return ""
    word, colour = WORDS[Outcome.UNKNOWN]
    return f"bold {colour if line.startswith(f'{BAD}{word} ') else WORDS[Outcome.BROKEN_CRITERION][1]}"


_PROGRESS = pytest.StashKey[OnScreen]()


def progress_of(config: pytest.Config, runbook: Runbook) -> OnScreen:
    """Return this process's."""
    known = config.stash.get(_PROGRESS, None)
    if known is None:
        phases = detail(config) is not Detail.ONLY_BAD
        known = config.stash[_PROGRESS] = OnScreen(config, phases=phases, worker=runbook.worker)
        config.add_cleanup(known.close)  # however the session ends, the terminal is as it was
    return known


def close(config: pytest.Config) -> None:
    """Take the bar away; what is said from now on are lines."""
    known = config.stash.get(_PROGRESS, None)
    if known is not None:
        known.close()
