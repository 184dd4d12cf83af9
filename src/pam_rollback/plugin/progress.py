"""Live progress of long waits: one line that renews itself on a terminal, one line per 30 s elsewhere, also under pytest-xdist.

Workers of pytest-xdist share one terminal and would overwrite each other's line: each writes to a file of its own in the run's folder, and
the controller, which runs no tests itself, shows them.
"""

import shutil
import sys
import threading
from pathlib import Path
from typing import Any, Protocol

import pytest

from pam_rollback.core.clock import Clock, SystemClock
from pam_rollback.core.outside_text import for_terminal, redacted
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.runbook import Runbook

_ON_TERMINAL_EVERY_S = 1.0
_ELSEWHERE_EVERY_S = 30.0
_RENEW = "\r\x1b[K"
_FOLDER = "progress"
_HOW_FAR, _HAPPENED = ".line", ".log"


class Progress(Protocol):
    """Who tells people what is being waited for."""

    def tell(self, line: str) -> None:
        """Say how far it is, unless that was said a moment ago."""

    def announce(self, line: str) -> None:
        """Say what has happened, at once."""

    def done(self) -> None:
        """The wait is over."""


class OnScreen:
    """Tells it on the standard error stream."""

    def __init__(self, config: pytest.Config, clock: Clock | None = None, *, shared: bool = False) -> None:
        """``shared``: others write on this screen during a wait, so a line of theirs must not be taken away with ours."""
        self._shared = shared
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
        line = for_terminal(redacted(line))
        if self._on_terminal:
            self._write(("\n" if not self._began else _RENEW) + line[: self._columns])
        else:
            self._write(f"\n{line}\n")
        self._began = True

    def announce(self, line: str) -> None:
        """Show the line now, and leave it there: what has happened, not how far it is."""
        line = redacted(line)
        renews = self._began and self._on_terminal and not self._shared
        self._write(f"{_RENEW if renews else chr(10)}{for_terminal(line)}\n")
        self._began = False

    def done(self) -> None:
        """Leave the line that renewed itself, so that what comes next has one of its own."""
        if self._began and self._on_terminal:
            self._write("\n" if self._shared else _RENEW)
            self._began = not self._shared

    def _write(self, text: str) -> None:
        with self._capture.global_and_fixture_disabled():
            sys.stderr.write(text)
            sys.stderr.flush()


class InFile:
    """Leaves it in the run's folder, for the controller to show: how far it is in one file, what has happened in another."""

    def __init__(self, folder: Path, worker: str) -> None:
        self._how_far = folder / f"{worker}{_HOW_FAR}"
        self._happened = folder / f"{worker}{_HAPPENED}"
        folder.mkdir(exist_ok=True)

    def tell(self, line: str) -> None:
        """Write the line in place of the one before; whoever reads sees one of them whole."""
        draft = self._how_far.with_suffix(".draft")
        draft.write_text(line, encoding="utf-8")
        draft.replace(self._how_far)

    def announce(self, line: str) -> None:
        """Add the line."""
        with self._happened.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def done(self) -> None:
        """Nothing is waited for any more."""
        self._how_far.unlink(missing_ok=True)


class Relay:
    """Shows what the workers left in the folder, from a thread of the controller."""

    def __init__(self, folder: Path, screen: Progress, every_s: float = 0.5) -> None:
        self._folder = folder
        self._screen = screen
        self._every_s = every_s
        self._shown: dict[Path, int] = {}
        self._waited = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Show what is left, and end."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            self._look()
        self._look()
        self._screen.done()

    def _look(self) -> None:
        for file in sorted(self._folder.glob(f"*{_HAPPENED}")):
            text = file.read_text(encoding="utf-8")
            whole = text[: text.rfind("\n") + 1]
            for line in whole[self._shown.get(file, 0) :].splitlines():
                self._screen.announce(f"{line} [{file.stem}]")
            self._shown[file] = len(whole)
        lines = [f"{text} [{file.stem}]" for file in sorted(self._folder.glob(f"*{_HOW_FAR}")) if (text := _read(file))]
        if lines:
            self._screen.tell(" |".join(lines))
        elif self._waited:
            self._screen.done()
        self._waited = bool(lines)


def _read(file: Path) -> str:
    """The line; empty when the worker has just taken it away."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def progress_of(config: pytest.Config, runbook: Runbook, clock: Clock) -> Progress:
    """On the screen, or, in a worker of pytest-xdist, in its file."""
    return InFile(runbook.folder / _FOLDER, runbook.worker) if runbook.worker else OnScreen(config, clock)


_RELAY = pytest.StashKey[Relay]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """In the controller of pytest-xdist: begin to show what the workers wait for."""
    runbook = runbook_module.of(session.config)
    distributed = session.config.pluginmanager.get_plugin("dsession") is not None
    if runbook is not None and distributed and not session.config.option.collectonly:
        session.config.stash[_RELAY] = Relay(runbook.folder / _FOLDER, OnScreen(session.config, shared=True))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """The workers are done: so is showing what they wait for."""
    relay = session.config.stash.get(_RELAY, None)
    if relay is not None:
        relay.stop()
