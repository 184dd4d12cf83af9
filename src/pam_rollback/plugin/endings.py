"""How a session ends: by a signal that asks for it, by itself, or when something goes wrong while it ends.

The first SIGTERM, SIGHUP or Ctrl-C asks every wait of the run to end; a second Ctrl-C interrupts. pytest alone dies of SIGTERM without any
teardown, which would leave an incident planted and no report. A hang-up is no order of anybody: it tells that a terminal is gone. Under
``nohup``, and in a session that changes an environment for good, it is ignored (docs/decisions/consent-and-endings.md).

Whatever a test calls, the process does not end with 0 before the session has: whoever asks for its exit code would take that for a GO.
Whoever failed, the verdict is told all the same, and that is a cause of it. A real rollback's verdict goes to the team in any case; with a
lost terminal or a full disk into a file of the run, too. What is owed and no disk takes is said at once.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, NoReturn

import pytest

from pam_rollback.core.outside_text import for_terminal
from pam_rollback.plugin import lasting_streams, second_places
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.verdict import Cause, ExitCode, classify
from pam_rollback.report.wording import without_own_word

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


SCORECARD = "scorecard.txt"
_POST_WITHIN_S = 6.0


@dataclass
class Alarm:
    """Says at once what must not be lost: on the terminal, and in a real run in the channel, beside the steps."""

    runbook: Runbook
    _posting: list[threading.Thread] = field(default_factory=list)

    def __call__(self, what: str) -> None:
        """Say it. Waits for nobody."""
        text = self.runbook.secrets.redact(f"{self.runbook.environment.name}, run {self.runbook.id}: {what}")
        lasting_streams.say_now(for_terminal(text))
        if self.runbook.options.real:
            thread = threading.Thread(target=self._post, args=(text,), daemon=True, name="alarm")
            self._posting.append(thread)
            thread.start()

    def _post(self, text: str) -> None:
        """Into the incident channel, beside the steps."""
        environment = self.runbook.environment
        if "slack" in environment.abilities and environment.has_secret("slack_webhook"):
            from pam_rollback.notify.slack import SlackWebhook  # noqa: PLC0415 - for real runs

            with suppress(Exception):  # whatever is wrong with the channel, the terminal has it
                SlackWebhook(environment.secret("slack_webhook")).post(text)

    def end(self) -> None:
        """Wait for what is being sent, within limits."""
        for thread in self._posting:
            thread.join(_POST_WITHIN_S)


def keep(runbook: Runbook, name: str, write: Callable[[], object]) -> None:
    """Write something that the verdict does not depend on; whatever keeps it from being written is a condition of the verdict."""
    try:
        write()
    except Exception as error:  # noqa: BLE001 - a page that cannot be made takes nobody's verdict
        runbook.lost(f"{name} could not be written: {said_by(error)}")


def told_elsewhere(runbook: Runbook, record: RunRecord, scorecard: str) -> list[str]:
    """After the verdict was printed: the team hears it of what was done on real hosts, and whoever did not see it finds it.

    Gives who was not told, in words.
    """
    lost: Mapping[str, str] = lasting_streams.lost()
    if lost:
        _, problem = second_places.kept(
            runbook.folder / SCORECARD,
            lambda path: path.write_text(scorecard + "\n", encoding="utf-8", errors="replace"),
        )
        if problem:
            runbook.lost(f"{SCORECARD} is not in the run's folder: {problem}")
    if not (runbook.options.real or runbook.undamaged) or not runbook.journal.action_began:
        return []

    why = [f"{name} was lost ({reason})" for name, reason in lost.items()] + runbook.losses
    from pam_rollback.report import job_summary  # noqa: PLC0415 - for real runs

    told = dict.fromkeys([job_summary.in_short(record), *record.reasons, *why])
    try:
        return _team_told(runbook, record, runbook.secrets.redact("\n".join(told)))
    except (Exception, SystemExit) as problem:  # noqa: BLE001 - whatever it is, the verdict stands
        return [f"was not told of the verdict, tell them yourself: {problem!r}"]


def _team_told(runbook: Runbook, record: RunRecord, news: str) -> list[str]:
    """Tell those who heard of the rollback; where it did not help, wake the next level. Gives who was not told."""
    from pam_rollback.notify.escalation import NOT_VERIFIED, VERIFIED  # noqa: PLC0415 - for real runs
    from pam_rollback.notify.team import link_to_job, team_of  # noqa: PLC0415 - the same

    environment, redact = runbook.environment, runbook.secrets.redact
    team = team_of(runbook.plan, environment, runbook.journal, pace=runbook.pace, redact=redact, link=link_to_job())
    if team is None:
        return [f"nobody was told of the verdict: {environment.name} declares no channel"]
    team.say(VERIFIED if record.verdict == "GO" else NOT_VERIFIED, news)
    if record.exit_code == ExitCode.NO_GO and runbook.options.real:
        team.wake(news)
    return team.problems


def said_by(error: BaseException) -> str:
    """What went wrong, in words."""
    if isinstance(error, OSError | UnicodeError):
        return (error.strerror if isinstance(error, OSError) else None) or str(error)
    return f"{type(error).__name__}: {error}"


@contextmanager
def failures_kept(session: pytest.Session, runbook: Runbook) -> Iterator[list[Cause]]:
    """The block is what everybody does at the end. Gives what it failed of: whole once the block is over.

    A file that could not be written is no cause, but a loss that the verdict names. A second Ctrl-C is for whoever cannot wait.
    """
    causes: list[Cause] = []
    try:
        yield causes
    except OSError as error:
        problem = f"{error.strerror or error} ({error.filename or 'unnamed'})"
        runbook.lost(f"a file of the run could not be written: {problem}")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - nobody ends a session with a code of his own
        causes += _causes_of(error)
    else:
        return
    # Whoever failed kept the others from their turn; what is still set up is undone in theirs.
    try:
        session._setupstate.teardown_exact(None)  # noqa: SLF001 - as pytest's own runner does at the end
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the same
        causes += _causes_of(error)


def _causes_of(error: BaseException) -> Sequence[Cause]:
    if isinstance(error, BaseExceptionGroup):
        return [cause for one in error.exceptions for cause in _causes_of(one)]
    code = classify(error, in_test_body=False).exit_code
    return [Cause(code, f"the end of the session failed: {without_own_word(said_by(error))}")]
