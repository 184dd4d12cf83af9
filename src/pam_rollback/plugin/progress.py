"""Live progress of long waits: one line that renews itself on a terminal, one line per 30 s elsewhere, also under pytest-xdist."""

import shutil
import sys
from typing import Any

import pytest

from pam_rollback.core.clock import Clock, SystemClock

_ON_TERMINAL_EVERY_S = 1.0
_ELSEWHERE_EVERY_S = 30.0
_RENEW = "\r\x1b[K"


class Progress:
    """Tells people what is being waited for, on the standard error stream, which workers of pytest-xdist inherit."""

    def __init__(self, config: pytest.Config, clock: Clock | None = None) -> None:
        capture: Any = config.pluginmanager.get_plugin("capturemanager")
        self._capture = capture
        self._clock = clock or SystemClock()
        self._told_s = self._clock.monotonic_s()
        self._began = False
        # While pytest captures, the stream is a file.
        with capture.global_and_fixture_disabled():
            self._on_terminal = sys.stderr.isatty()
            self._columns = shutil.get_terminal_size().columns - 1

    def tell(self, line: str) -> None:
        """Show the line, unless one was shown a moment ago. Capturing is off for the print only."""
        now_s = self._clock.monotonic_s()
        if now_s - self._told_s < (_ON_TERMINAL_EVERY_S if self._on_terminal else _ELSEWHERE_EVERY_S):
            return
        self._told_s = now_s
        shown = line[: self._columns]
        self._write(("\n" if not self._began else _RENEW) + shown if self._on_terminal else f"\n{shown}\n")
        self._began = True

    def announce(self, line: str) -> None:
        """Show the line now, and leave it there: what has happened, not how far it is."""
        self._write(f"{_RENEW if self._began and self._on_terminal else chr(10)}{line}\n")
        self._began = False

    def done(self) -> None:
        """Leave the line that renewed itself, so that what comes next has one of its own."""
        if self._began and self._on_terminal:
            self._write(_RENEW)

    def _write(self, text: str) -> None:
        with self._capture.global_and_fixture_disabled():
            sys.stderr.write(text)
            sys.stderr.flush()
