"""What a session says when it cannot say it in the usual place: a lost terminal, a full disk below the run's folder.

A real rollback's verdict goes to the team in any case; then into a file of the run, too. What is owed and no disk takes is said at once.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pam_rollback.base.outside_text import for_terminal
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.verdict import ExitCode
from pam_rollback.session import lasting_streams, second_places
from pam_rollback.session.runbook import Runbook, shown

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
            thread = threading.Thread(target=lambda: post(self.runbook, text), daemon=True, name="alarm")
            self._posting.append(thread)
            thread.start()

    def end(self) -> None:
        """Wait for what is being sent, within limits."""
        for thread in self._posting:
            thread.join(_POST_WITHIN_S)


def post(runbook: Runbook, text: str) -> str:
    """Tell the incident channel; gives why not when that did not work."""
    environment = runbook.environment
    if "slack" not in environment.abilities or not environment.has_secret("slack_webhook"):
        return f"{environment.name} declares no incident channel"
    from pam_rollback.communication.client.slack import SlackWebhook  # noqa: PLC0415 - for real runs

    return SlackWebhook(environment.secret("slack_webhook")).post(text)


def keep(runbook: Runbook, name: str, write: Callable[[], object]) -> None:
    """Write something that the verdict does not depend on; what keeps it from being written is a condition of the verdict."""
    try:
        write()
    except (OSError, UnicodeError) as error:
        runbook.lost(f"{name} could not be written: {_why(error)}")


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
    from pam_rollback.communication.rules.escalation import NOT_VERIFIED, VERIFIED  # noqa: PLC0415 - for real runs
    from pam_rollback.report import in_short  # noqa: PLC0415 - the same
    from pam_rollback.session.team_told import link_to_job, team_of  # noqa: PLC0415 - the same

    why = [f"{name} was lost ({reason})" for name, reason in lost.items()] + runbook.losses
    link = record.reports.html or record.reports.record or shown(runbook.folder)
    told = [in_short.in_short(record), *record.reasons, f"report: {link}", *why]
    try:
        team = team_of(runbook, runbook.plan, runbook.environment, runbook.journal, link=link_to_job())
        if team is None:
            return [f"nobody was told of the verdict: {runbook.environment.name} declares no channel"]
        news = runbook.secrets.redact("\n".join(told))
        team.say(VERIFIED if record.verdict == "GO" else NOT_VERIFIED, news)
        if record.exit_code == ExitCode.NO_GO and runbook.options.real:
            team.wake(news)
    except Exception as error:  # noqa: BLE001 - whatever breaks here must not take the place of the verdict's exit code
        return [f"was not told of the verdict, tell them yourself: {error!r}"]
    return team.problems


def _why(error: OSError | UnicodeError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
