"""Live progress of long waits: one line that renews itself on a terminal, one line per 30 s elsewhere, also under pytest-xdist."""

import sys
from typing import Any

import pytest

from pam_rollback.core.clock import Clock, SystemClock

_ON_TERMINAL_EVERY_S = 1.0
_ELSEWHERE_EVERY_S = 30.0


class Progress:
    """Tells people what is being waited for. Written to the standard error stream, which workers of pytest-xdist inherit."""

    def __init__(self, config: pytest.Config, clock: Clock | None = None) -> None:
        self._capture: Any = config.pluginmanager.get_plugin("capturemanager")
        self._clock = clock or SystemClock()
        self._told_s = self._clock.monotonic_s()

    def tell(self, line: str) -> None:
        """Show the line, unless one was shown a moment ago. Capturing is off for the print only."""
        now_s = self._clock.monotonic_s()
        terminal = sys.__stderr__ is not None and sys.__stderr__.isatty()
        if now_s - self._told_s < (_ON_TERMINAL_EVERY_S if terminal else _ELSEWHERE_EVERY_S):
            return
        self._told_s = now_s
        with self._capture.global_and_fixture_disabled():
            sys.stderr.write(f"\n  … {line}\n")
            sys.stderr.flush()
