"""The first SIGTERM, SIGHUP or Ctrl-C asks every wait of the run to end; a second Ctrl-C interrupts.

pytest alone dies of SIGTERM without any teardown, which would leave an incident planted and no report. A hang-up is no order of anybody:
it tells that a terminal is gone. Under ``nohup``, and in a session that changes an environment for good, it is ignored
(docs/decisions/consent-and-endings.md).

Whatever a test calls, the process does not end with 0 before the session has: whoever asks for its exit code would take that for a GO.
"""

import os
import signal
from types import FrameType
from typing import Any, NoReturn

import pytest

from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.runbook import Runbook

_EXIT_CODES = 256
"""So many there are: of a larger status only what is left after division is an exit code."""
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class _Stopper:
    def __init__(self, session: pytest.Session, runbook: Runbook) -> None:
        self._session = session
        self._runbook = runbook
        self._before: dict[int, Any] = {}
        self._process = os.getpid()
        self._exit = os._exit

    def arm(self) -> None:
        """Take the signals over; workers leave Ctrl-C to the controller, since a terminal sends it to all."""
        os._exit = self._leave
        for number in _SIGNALS:
            if number == signal.SIGHUP and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
                continue
            handler = signal.SIG_IGN if self._runbook.worker and number == signal.SIGINT else self._on_signal
            self._before[number] = signal.signal(number, handler)

    def disarm(self) -> None:
        """Give the signals back."""
        os._exit = self._exit
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _leave(self, status: int) -> NoReturn:
        """``os._exit``; with 0 in this very process it raises SystemExit, which fails the test that called it, and the session goes on."""
        if status % _EXIT_CODES or os.getpid() != self._process:
            self._exit(status)
        raise SystemExit(
            f"os._exit({status}) was called, which would have ended this session with 0 and without a verdict"
        )

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if number == signal.SIGINT:
            # The second Ctrl-C is for whoever cannot wait.
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self._runbook.stop.set(name)
        reason = f"stopped by {name}: ending waits, undoing, writing the report (Ctrl-C again interrupts at once)"
        self._session.shouldstop = reason
        distributed = self._session.config.pluginmanager.get_plugin("dsession")
        if distributed is not None:
            distributed.shouldstop = reason


def outlive_the_terminal(config: pytest.Config) -> None:
    """Ignore hang-ups from now on: this session has consent to change something, and finishes it without anybody who looks on.

    Programs that it starts inherit that, so that a browser or a build does not die under it.
    """
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def as_before() -> None:
        signal.signal(signal.SIGHUP, before)

    config.add_cleanup(as_before)


_KEY = pytest.StashKey[_Stopper]()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Arm for sessions of the runbook."""
    runbook = runbook_module.of(session.config)
    if runbook is None or session.config.option.collectonly:
        return
    stopper = _Stopper(session, runbook)
    stopper.arm()
    session.config.stash[_KEY] = stopper


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give the signals back, also to a pytest that runs inside another program."""
    stopper = config.stash.get(_KEY, None)
    if stopper is not None:
        stopper.disarm()
