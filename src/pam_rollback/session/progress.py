"""How a session goes, while it runs: a picture that renews itself on a terminal, elsewhere a line a phase and a minute.

Workers of pytest-xdist share one terminal and would overwrite each other's line: each writes to a file of its own in the run's folder, and
the controller, which runs no tests itself, shows them.

In one module: the picture, and the file by which a worker's line reaches it: both sides of one format.
"""

import os
import shutil
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TextIO

import pytest

from pam_rollback.base.clock import Clock, SystemClock
from pam_rollback.base.outside_text import for_terminal, redacted
from pam_rollback.report.verdict import Outcome
from pam_rollback.session import as_it_runs, detail
from pam_rollback.session import runbook as runbook_module
from pam_rollback.session.as_it_runs import Picture
from pam_rollback.session.detail import Detail
from pam_rollback.session.lasting_streams import stream_past_capture
from pam_rollback.session.runbook import Runbook

_EVERY_S = 60.0
_PICTURE_AFTER_S = 1.0
"""A session that is over sooner needs no picture, nor the time to load what draws it."""
_RENEWED_HZ = 4
_FOLDER = "progress"
_HOW_FAR, _HAPPENED = ".line", ".log"


class Progress(Protocol):
    """Who tells people what happens and what is being waited for."""

    def tell(self, line: str) -> None:
        """Say how far a wait is, unless that was said a moment ago."""

    def announce(self, line: str) -> None:
        """Say what has happened, at once."""

    def phase(self, name: str, text: str) -> None:
        """Say that a phase began or ended. Without a name: the line as it is."""

    def done(self) -> None:
        """The wait is over."""

    def expect(self, tests: int) -> None:
        """So many tests are selected."""

    def now(self, phase: str) -> None:
        """This is what goes on; nothing is said of it."""

    def bad(self, criteria: Sequence[str]) -> None:
        """These plan items are not good."""

    def count(self, outcome: Outcome) -> None:
        """A test is over."""


class OnScreen:
    """Tells it on the standard error stream: line by line, or above a picture where that is a terminal."""

    def __init__(self, config: pytest.Config, clock: Clock | None = None, *, phases: bool = True) -> None:
        """Without ``phases`` neither they nor waits are told, only what happens."""
        capture: Any = config.pluginmanager.get_plugin("capturemanager")
        self._capture = capture
        self._clock = clock or SystemClock()
        self._told_s = self._clock.monotonic_s()
        self._phases = phases
        self._verbose = detail.of(config) is Detail.ALL
        self._picture = Picture(since_s=self._told_s)
        self._drawn: Drawn | None = None
        # While pytest captures, the stream is a file.
        with capture.global_and_fixture_disabled():
            if sys.stderr.isatty() and phases and not self._verbose and not _is_watched(config):
                self._drawn = Drawn(self._picture, self._clock, sys.stderr)

    def tell(self, line: str) -> None:
        """Show the line, unless one was shown a moment ago. Capturing is off for the print only."""
        line = for_terminal(redacted(line))
        self._picture.waiting = line
        now_s = self._clock.monotonic_s()
        if self._drawn is not None or not self._phases or now_s - self._told_s < _EVERY_S:
            return
        self._told_s = now_s
        self._write(line)

    def announce(self, line: str) -> None:
        """Show the line now, and leave it there: what has happened, not how far it is."""
        line = for_terminal(redacted(line))
        if self._drawn is None:
            self._write(line)
        elif not self._drawn.above(line):
            self._write("\n".join(as_it_runs.wrapped(line, shutil.get_terminal_size().columns)))

    def phase(self, name: str, text: str) -> None:
        """Show it where phases are wanted."""
        self.now(name)
        if self._phases:
            self._told_s = self._clock.monotonic_s()
            self.announce(as_it_runs.line(name, text) if name else text)

    def done(self) -> None:
        """Nothing is waited for."""
        self._picture.waiting = ""

    def expect(self, tests: int) -> None:
        """For the picture."""
        self._picture.asked = tests

    def now(self, phase: str) -> None:
        """For the picture."""
        if phase and phase != self._picture.phase:
            self._picture.phase, self._picture.since_s = phase, self._clock.monotonic_s()

    def bad(self, criteria: Sequence[str]) -> None:
        """For the picture."""
        self._picture.red += criteria

    def count(self, outcome: Outcome) -> None:
        """For the picture."""
        self._picture.found[outcome] += 1

    def close(self) -> None:
        """Take the picture away; what is said from now on are lines."""
        drawn, self._drawn = self._drawn, None
        if drawn is not None:
            drawn.stop()

    def _write(self, text: str) -> None:
        with self._capture.global_and_fixture_disabled():
            # With -v pytest may be in the middle of a line of its own.
            sys.stderr.write(f"\n{text}\n" if self._verbose else f"{text}\n")
            sys.stderr.flush()


def _is_watched(config: pytest.Config) -> bool:
    """Somebody debugs, or sees what tests print: a picture would be in the way."""
    option = config.option
    return any(getattr(option, name, False) for name in ("usepdb", "trace", "setupshow")) or option.capture == "no"


class Drawn:
    """The picture on a terminal. Drawn by a thread of its own, past pytest's capturing; a terminal that is lost stops nobody."""

    def __init__(self, picture: Picture, clock: Clock, stream: TextIO) -> None:
        self._picture = picture
        self._clock = clock
        self._stream = stream_past_capture(stream)
        self._lock = threading.Lock()
        self._live: Any = None
        self._ended = False
        self._begins = threading.Timer(_PICTURE_AFTER_S, self._begin)
        self._begins.daemon = True
        self._begins.start()

    def above(self, line: str) -> bool:
        """Write a line that stays, above the picture; False while there is no picture."""
        with self._lock:
            if self._live is None:
                return False
            console = self._live.console
            told = "\n".join(as_it_runs.wrapped(line, console.width))
            console.print(told, style=as_it_runs.style(line), markup=False, highlight=False, emoji=False)
            return True

    def stop(self) -> None:
        """Take it away."""
        self._begins.cancel()
        with self._lock:
            self._ended = True
            if self._live is not None:
                self._live.stop()
                self._live = None
        self._stream.close()

    def _begin(self) -> None:
        # Here and not above: loading it costs more than a health check takes.
        from rich.console import Console  # noqa: PLC0415
        from rich.live import Live  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        def drawn() -> Text:
            lines = self._picture.lines(self._clock.monotonic_s())
            return Text("\n".join(lines), style="dim", no_wrap=True, overflow="ellipsis")

        with self._lock:
            if self._ended:
                return
            console = Console(file=self._stream, force_terminal=True, no_color=bool(os.environ.get("NO_COLOR")))
            self._live = Live(
                get_renderable=drawn,
                console=console,
                refresh_per_second=_RENEWED_HZ,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()


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

    def phase(self, name: str, text: str) -> None:
        """Add it as a line."""
        self.announce(as_it_runs.line(name, text))

    def done(self) -> None:
        """Nothing is waited for any more."""
        self._how_far.unlink(missing_ok=True)

    def expect(self, tests: int) -> None:
        """The controller knows."""

    def now(self, phase: str) -> None:
        """The controller knows."""

    def bad(self, criteria: Sequence[str]) -> None:
        """The controller knows."""

    def count(self, outcome: Outcome) -> None:
        """The controller knows."""


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


_PROGRESS = pytest.StashKey[Progress]()


def progress_of(config: pytest.Config, runbook: Runbook) -> Progress:
    """This process's: on the screen, or, in a worker of pytest-xdist, in its file."""
    known = config.stash.get(_PROGRESS, None)
    if known is None:
        phases = detail.of(config) is not Detail.ONLY_BAD
        known = InFile(runbook.folder / _FOLDER, runbook.worker) if runbook.worker else OnScreen(config, phases=phases)
        config.stash[_PROGRESS] = known
        # However the session ends, the terminal is as it was.
        config.add_cleanup(lambda: close(config))
    return known


_RELAY = pytest.StashKey[Relay]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """In the controller of pytest-xdist: begin to show what the workers wait for."""
    runbook = runbook_module.of(session.config)
    distributed = session.config.pluginmanager.get_plugin("dsession") is not None
    if runbook is not None and distributed and not session.config.option.collectonly:
        session.config.stash[_RELAY] = Relay(runbook.folder / _FOLDER, progress_of(session.config, runbook))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """The workers are done: so is showing what they wait for."""
    relay = session.config.stash.get(_RELAY, None)
    if relay is not None:
        relay.stop()


def pytest_enter_pdb(config: pytest.Config) -> None:
    """Nothing is drawn where somebody types."""
    close(config)


def close(config: pytest.Config) -> None:
    """Take the picture away; what is said from now on are lines."""
    known = config.stash.get(_PROGRESS, None)
    if isinstance(known, OnScreen):
        known.close()
