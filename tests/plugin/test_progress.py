"""Long waits say how far they are, and not more often than people can read."""

import io
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.plugin.progress import OnScreen
from tests.virtual_clock import VirtualClock


class Capture:
    """pytest's capture manager, as far as it is used here."""

    @contextmanager
    def global_and_fixture_disabled(self) -> Iterator[None]:
        """Nothing is captured inside."""
        yield


def a_config(*, verbose: int = 0) -> Any:
    """Pytest's configuration, as far as it is used here."""
    option = SimpleNamespace(verbose=verbose, usepdb=False, trace=False, capture="fd", setupshow=False)
    manager = SimpleNamespace(get_plugin=lambda _: Capture())
    return SimpleNamespace(pluginmanager=manager, option=option, stash=pytest.Stash())


def told(monkeypatch: pytest.MonkeyPatch, *, verbose: int = 0) -> str:
    """What is written while something is told every half second for two minutes."""
    stream, clock = io.StringIO(), VirtualClock()
    monkeypatch.setattr(sys, "stderr", stream)
    progress = OnScreen(a_config(verbose=verbose), clock)
    for second in range(240):
        clock.sleep(0.5)
        progress.tell(f"window {second}")
    progress.done()
    return stream.getvalue()


def test_elsewhere_one_line_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CI log stays readable; with -v the line has one of its own among pytest's."""
    assert told(monkeypatch) == "window 119\nwindow 239\n"
    assert told(monkeypatch, verbose=1) == "\nwindow 119\n\nwindow 239\n"


def test_a_terminal_shows_a_bar_with_lines_above_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn for real on a terminal of its own: what happens stays, how far it is renews itself, and in the end it is gone."""
    ours, theirs = os.openpty()
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stderr", open(theirs, "w", encoding="utf-8", closefd=False))  # noqa: SIM115
    progress = OnScreen(a_config())
    progress.phase("window", "begins")
    progress.tell("  … window 3 of 15 s")
    shown = ""
    end_s = time.monotonic() + 30
    while "window 3 of 15 s" not in shown:
        assert time.monotonic() < end_s, shown
        shown += os.read(ours, 65536).decode()
    progress.announce("users are well again [not markup]")
    progress.close()
    progress.announce("said when it is gone")
    os.close(theirs)
    with suppress(OSError):
        while more := os.read(ours, 65536).decode():
            shown += more
    os.close(ours)

    assert shown.count("users are well again [not markup]") == 1
    assert shown.rindex("\x1b[?25h") > shown.rindex("window 3"), "the cursor is back when the bar is gone"
    assert shown.rstrip().endswith("said when it is gone")
