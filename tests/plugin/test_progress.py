"""Long waits say how far they are, and not more often than people can read."""

import io
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.plugin.progress import InFile, OnScreen, Relay
from tests.virtual_clock import VirtualClock


class Stream(io.StringIO):
    """A standard error stream that is a terminal, or not."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        """What it is."""
        return self._terminal


class Capture:
    """pytest's capture manager, as far as it is used here."""

    @contextmanager
    def global_and_fixture_disabled(self) -> Iterator[None]:
        """Nothing is captured inside."""
        yield


def told(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> str:
    """What is written while something is told every half second for a minute."""
    stream, clock = Stream(terminal=terminal), VirtualClock()
    monkeypatch.setattr(sys, "stderr", stream)
    config: Any = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=lambda _: Capture()))
    progress = OnScreen(config, clock)
    for second in range(120):
        clock.sleep(0.5)
        progress.tell(f"window {second}")
    progress.done()
    return stream.getvalue()


def test_elsewhere_one_line_per_30_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CI log stays readable."""
    assert told(monkeypatch, terminal=False).split() == ["window", "59", "window", "119"]


def test_on_a_terminal_one_line_renews_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every second, in place, and gone in the end."""
    text = told(monkeypatch, terminal=True)

    assert text.count("\n") == 1
    assert text.count("\r\x1b[K") == 60
    assert text.endswith("\r\x1b[K")


class Shown:
    """A screen that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.announced: list[str] = []
        self.ended = 0

    def tell(self, line: str) -> None:
        """How far it is."""
        self.told.append(line)

    def announce(self, line: str) -> None:
        """What has happened."""
        self.announced.append(line)

    def done(self) -> None:
        """The wait is over."""
        self.ended += 1


def test_the_controller_shows_what_its_workers_wait_for(tmp_path: Path) -> None:
    """Both at once, what has happened once each, and nothing any more when they are done."""
    folder, shown = tmp_path / "progress", Shown()
    first, second = InFile(folder, "gw0"), InFile(folder, "gw1")
    relay = Relay(folder, shown, every_s=0.01)
    first.tell("window 1 of 15 s")
    second.tell("window 7 of 15 s")
    first.announce("broken already: memory")
    end_s = time.monotonic() + 10
    while "window 1 of 15 s [gw0] |window 7 of 15 s [gw1]" not in shown.told:
        assert time.monotonic() < end_s, shown.told
        time.sleep(0.01)
    first.done()
    second.done()
    relay.stop()

    assert shown.announced == ["broken already: memory [gw0]"]
    assert shown.ended >= 1
    assert list(folder.glob("*.line")) == []
