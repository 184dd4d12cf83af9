"""What goes wrong while a session ends, and what it says when it cannot say it in the usual place: a lost terminal, a full disk.

Whoever failed, the verdict is told all the same, and that is a cause of it. A real rollback's verdict goes to the team in any case; then
into a file of the run, too. What is owed and no disk takes is said at once.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from pam_rollback.core.outside_text import for_terminal
from pam_rollback.plugin import lasting_streams, second_places
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.verdict import Cause, ExitCode, classify
from pam_rollback.report.wording import without_own_word

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
