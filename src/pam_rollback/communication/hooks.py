"""The team hears of a verdict, of an undo and of what must not be lost; what customers read of a rollback is put back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pam_rollback.environment.environment import Environment
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.verdict import ExitCode
from pam_rollback.session.baseline_files import BaselinePart
from pam_rollback.session.runbook import Runbook

if TYPE_CHECKING:
    from pam_rollback.base.question import Call
    from pam_rollback.journal.journal import Journal, Undo
    from pam_rollback.journal.undoing import UndoKinds, UndoTools


def pytest_pam_preflight(environment: Environment) -> "list[Call]":
    """Whether the team would hear of it."""
    from pam_rollback.base.question import Question, one  # noqa: PLC0415 - for the phases that ask
    from pam_rollback.communication.slack import bot_of, webhook_alive  # noqa: PLC0415 - the same

    deadline_s = environment.probing.request_deadline_s
    question = Question("the incident channel's webhook is alive", ("message",), "slack")
    asked = [one(question, lambda: webhook_alive(environment.secret("slack_webhook"), deadline_s=deadline_s))]
    if (bot := bot_of(environment)) is not None:
        asked.append(one(Question("the incident channel's bot is let in", ("message",), "slack"), bot.alive))
    return asked


def pytest_pam_baseline_parts() -> list[BaselinePart]:
    """The support tickets of a usual day."""
    needs = "a role that may read the tickets, and its DSN ([secrets] database_dsn_env)"
    return [BaselinePart("support tickets", "tickets_recorded", needs, ("database",), quick=True)]


def pytest_pam_undo_kinds() -> "UndoKinds":
    """The incident on the status page, and the notice inside the app."""
    from pam_rollback.communication.channels import UNDO_KINDS  # noqa: PLC0415 - loads every channel
    from pam_rollback.journal.undoing import UndoKind  # noqa: PLC0415 - for whoever undoes

    return dict.fromkeys(UNDO_KINDS, UndoKind(_down, by_action=False))


def _down(undo: "Undo", tools: "UndoTools") -> None:
    from pam_rollback.communication.channels import take_down  # noqa: PLC0415 - loads every channel

    take_down(undo, tools.environment)


def alarm(environment: Environment, text: str) -> str | None:
    """Into the incident channel, beside the steps."""
    if "slack" not in environment.abilities or not environment.has_secret("slack_webhook"):
        return f"{environment.name} declares no incident channel"
    from pam_rollback.communication.slack import SlackWebhook  # noqa: PLC0415 - for real runs

    return SlackWebhook(environment.secret("slack_webhook")).post(text)


def tell_verdict(runbook: Runbook, record: RunRecord, news: str) -> list[str]:
    """To those who heard of the rollback; where it did not help, the next level is woken."""
    from pam_rollback.communication.escalation import NOT_VERIFIED, VERIFIED  # noqa: PLC0415 - for real runs
    from pam_rollback.communication.team import link_to_job, team_of  # noqa: PLC0415 - the same

    team = team_of(
        runbook.plan,
        runbook.environment,
        runbook.journal,
        pace=runbook.pace,
        redact=runbook.secrets.redact,
        link=link_to_job(),
    )
    if team is None:
        return [f"nobody was told of the verdict: {runbook.environment.name} declares no channel"]
    team.say(VERIFIED if record.verdict == "GO" else NOT_VERIFIED, news)
    if record.exit_code == ExitCode.NO_GO and runbook.options.real:
        team.wake(news)
    return team.problems


@contextmanager
def tell_undo(runbook: Runbook, journal: "Journal", owed: "Sequence[Undo]") -> Iterator[list[str]]:
    """To those who heard of the rollback: its undo begins, and how it ended. No channel delays it."""
    from pam_rollback.communication.team import team_of  # noqa: PLC0415 - for whoever undoes

    redact = runbook.secrets.redact
    team = team_of(runbook.plan, runbook.environment, journal, pace=runbook.pace, redact=redact)
    if team is None:
        yield []
        return
    who, reason = runbook.options.initiated_by, redact(runbook.options.reason)
    with team.following(owed, who=who, reason=reason, redact=redact):
        yield team.problems
