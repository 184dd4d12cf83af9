"""What the public, the users and the team were told, who is told of this situation's rollback, and how many people ask support for help."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import allure
import pytest

from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.http.client import fetch
from pam_rollback.notify.briefing import Briefing
from pam_rollback.notify.channels import RESOLVE_INCIDENT, Channels, take_down
from pam_rollback.notify.communication import (
    MessageDelivery,
    Notice,
    PublicTruth,
    ReceivedMessage,
    Service,
    StatusPage,
    UsersTold,
)
from pam_rollback.notify.escalating import Escalation, Sender
from pam_rollback.notify.escalation import BY_HAND, NAMES, NOTICE, Ladder, address_of, where_to_post
from pam_rollback.notify.escalation_told import Followed
from pam_rollback.notify.team import link_to_job
from pam_rollback.notify.tickets import TicketVolume, latest_s
from pam_rollback.plan.plan import Plan
from pam_rollback.plugin.baseline_files import BaselinePart, Recorded
from pam_rollback.plugin.listeners import undo_kinds
from pam_rollback.plugin.needs import needs
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.probe.health import Health
from pam_rollback.report.baseline_record import TicketRate
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.undoing import undo_all
from pam_rollback.target.environment import Environment
from pam_rollback.target.offline import refuse_when_offline
from pam_sandbox.remote import Remote

if TYPE_CHECKING:
    from pam_rollback.core.question import Call
    from pam_rollback.rollback.journal import Undo
    from pam_rollback.rollback.undoing import UndoKinds, UndoTools


_TOLD_WITHIN_S = 60.0
"""All means of a level one after the other, each until its deadline, and the ending after it."""


@pytest.fixture(scope="session")
def escalation(
    situation: str,
    environment: Environment,
    runbook: Runbook,
    plan: Plan,
    clock: Clock,
    journal: Journal,
    request: pytest.FixtureRequest,
) -> Iterator[Escalation]:
    """Follows an action once it is told to: ``with escalation.following(): …`` around it, after the journal has its "action" entry.

    A drill ends with everybody told that it is over and with what customers saw taken down. In a real rollback the clock goes on
    through the windows until the verdict, and the status page stays at "monitoring" until a person has read that. An action's fixture
    asks for this one before it asks for the incident: what is planted is then gone when the last messages go out.
    """
    ladder = Ladder.of(
        plan,
        abilities=environment.abilities,
        drill=not runbook.options.real,
        on_sandbox=environment.is_sandbox,
        pace=runbook.pace,
    )
    found = Escalation(
        ladder=ladder,
        sender=Sender(Channels(environment, journal).by_means(), journal),
        emails=plan.emails,
        clock=clock,
        describe=lambda action: _briefing(action, environment, runbook, plan),
        until_verdict=runbook.options.real,
    )
    yield found
    if not found.begun:
        return
    real = runbook.options.real
    found.end(over=not real, left="" if real else _left(journal, runbook.id))
    _attach(found, runbook, journal, plan)
    if not runbook.options.real:
        # What the action itself owed was put back, or could not be, when it ended: it is not tried a second time.
        kinds = undo_kinds(request.config)
        undo_all(
            journal,
            environment,
            kinds,
            initiated_by="pam-rollback-drill",
            left_to_others=kinds.keys() - {RESOLVE_INCIDENT},
        )


@pytest.fixture(scope="session")
def everybody_told(in_situation: Any, escalation: Escalation, waiter: Waiter) -> str:
    """What is due now was sent, or has failed: what customers see is what they are meant to see. Gives what is behind, in words."""
    try:
        waiter.until(
            lambda: [notice.key for notice in escalation.pending],
            holds=lambda pending: not pending or bool(escalation.problems),
            within_s=_TOLD_WITHIN_S,
            what="everybody told who is due",
        )
    except NotReached as error:
        return f"the escalation is behind: {error}"
    return "; ".join(escalation.problems)


@pytest.fixture(scope="session")
@needs(rollback=True)
def followed(everybody_told: str, escalation: Escalation) -> Followed:
    """Who was told of this situation's rollback until now.

    Raises MeasurementFailed when nothing followed the action, or when the thread that tells people broke down.
    """
    if not escalation.begun and not escalation.problems:
        raise MeasurementFailed("nobody followed this action: its fixture has to enter escalation.following()")
    if everybody_told:
        raise MeasurementFailed(everybody_told)
    return escalation.followed


@pytest.fixture(scope="session")
def sinks(environment: Environment) -> Remote | None:
    """Where messages arrive that were sent from the sandbox; None elsewhere, where nobody can look into people's channels."""
    if not environment.is_sandbox or environment.sandbox is None:
        return None
    return Remote(environment.sandbox.control_url, environment.sandbox.token)


@pytest.fixture(scope="session")
@needs("email")
def mail_arrived(
    followed: Followed, escalation: Escalation, runbook: Runbook, sinks: Remote | None
) -> tuple[str, ...] | None:
    """The addresses at which mail of this action arrived; None where the mailboxes cannot be looked into."""
    if sinks is None:
        return None
    return tuple(
        recipient
        for mail in sinks.received("email")
        # The stories of a session share its id: what came before this action was decided is of another one.
        if runbook.id in mail["text"] and mail["received_s"] >= escalation.decided_s
        for recipient in mail["recipients"]
    )


def _briefing(action: Mapping[str, Any], environment: Environment, runbook: Runbook, plan: Plan) -> Briefing:
    observed = action.get("observed") or ()
    why = "; ".join(filter(None, (str(action.get("reason", "")), *map(str, observed))))
    return Briefing(
        environment=environment.name,
        strategy=str(action.get("strategy", "?")),
        why=runbook.secrets.redact(why) or "no reason was given",
        run_id=runbook.id,
        drill=not runbook.options.real,
        link=link_to_job(),
        news_at=address_of(plan, "statuspage"),
    )


def _left(journal: Journal, run: str) -> str:
    """What a drill could not put back, in words; what customers see is taken down after this, and says so itself."""
    owed = [undo.kind for undo in journal.owed() if undo.kind != RESOLVE_INCIDENT]
    if not owed:
        return ""
    return f"{len(owed)} change{'s' if len(owed) > 1 else ''} could not be put back ({', '.join(owed)}); try again with --undo {run}"


def _attach(escalation: Escalation, runbook: Runbook, journal: Journal, plan: Plan) -> None:
    """What was told, and what a person has to write, for the report."""
    lines = [f"{one.notice.occasion}: {one}" for one in escalation.followed.sent]
    lines += [f"left out: {NAMES[means]}, {why}" for means, why in escalation.ladder.left_out.items()]
    lines += escalation.problems
    allure.attach(
        runbook.secrets.redact("\n".join(lines)), name="who was told", attachment_type="text/plain", extension="txt"
    )
    for entry in journal.entries():
        if entry["event"] == NOTICE and entry["means"] in BY_HAND:
            name = f"for a person to post: {where_to_post(plan, entry['means'])}"
            allure.attach(
                runbook.secrets.redact(entry["text"]), name=name, attachment_type="text/plain", extension="txt"
            )


_SUMMARY = "/api/v2/summary.json"


@pytest.fixture(scope="session")
def service(health: Health) -> Service:
    """How the service is, by its own health answers: what everybody has to be told."""
    return Service.of(health.all)


@pytest.fixture(scope="session")
def status_page(environment: Environment, service: Service, everybody_told: str) -> StatusPage | None:
    """What the status page says right now; None where there is none. Raises MeasurementFailed when we are the ones who are offline."""
    if "status_page" not in environment.abilities:
        return None
    answer = fetch(
        environment.urls.status_page.rstrip("/") + _SUMMARY, deadline_s=environment.probing.request_deadline_s
    )
    found = StatusPage.of(answer)
    if not found.reached:
        refuse_when_offline(environment, "the status page cannot be reached")
    return found


@pytest.fixture(scope="session")
@needs("status_page")
def public_truth(status_page: StatusPage | None, service: Service, environment: Environment) -> PublicTruth:
    """The status page beside the service."""
    if status_page is None:
        raise MeasurementFailed(f"{environment.name} declares no status page")
    return PublicTruth(status_page, service)


@pytest.fixture(scope="session")
@needs("in_app_notice")
def in_app_notice(environment: Environment, service: Service, everybody_told: str) -> Notice:
    """The notice in the app as every visitor gets it, without signing in."""
    return Notice.of(fetch(environment.url_of("notice"), deadline_s=environment.probing.request_deadline_s))


@pytest.fixture(scope="session")
def users_told(in_app_notice: Notice, service: Service, status_page: StatusPage | None) -> UsersTold:
    """The notice in the app beside the service and, where the environment has one, the status page."""
    return UsersTold(in_app_notice, service, status_page)


@pytest.fixture(scope="session")
@needs("slack", rollback=True)
def team_told(
    in_situation: Any,
    runbook: Runbook,
    plan: Plan,
    escalation: Escalation,
    sinks: Remote | None,
) -> MessageDelivery:
    """What became of the message about this situation's rollback; on the sandbox, what the channel really received."""
    problem = getattr(in_situation, "notice_problem", None)
    if isinstance(in_situation, ActionFailed):
        problem = f"the rollback failed before anybody was told ({in_situation})"
    elif problem is None:
        problem = "the rollback has no step that tells the team"
    received = None
    if sinks is not None:
        since_s = escalation.decided_s  # the stories of a session share its id
        received = tuple(
            ReceivedMessage.of(one["body"]) for one in sinks.received("slack") if one["received_s"] >= since_s
        )
    return MessageDelivery(
        channel=address_of(plan, "slack"),
        run_id=runbook.id,
        drill=not runbook.options.real,
        problem=problem,
        received=received,
    )


@pytest.fixture(scope="session")
@needs("database")
def ticket_volume(environment: Environment, in_situation: Any, clock: Clock) -> TicketVolume:
    """The support tickets of the latest hour, or since the rollback if that is longer ago, beside what is usual.

    Raises MeasurementFailed when the database does not say, or when nothing is known of what is usual.
    """
    ended_s: float | None = getattr(in_situation, "finished_s", None)
    return tickets_now(environment, recovered_s=None if ended_s is None else max(1.0, clock.monotonic_s() - ended_s))


@pytest.fixture(scope="session")
def tickets_recorded(environment: Environment) -> Recorded:
    """As a baseline has them: those of the latest hour, and how many are usual."""
    found = tickets_now(environment)
    tickets = TicketRate(n=found.before, count=found.count, over_s=found.latest_s, usual=found.usual)
    return Recorded(fields={"tickets": tickets})


def tickets_now(environment: Environment, *, recovered_s: float | None = None) -> TicketVolume:
    """The same, ``recovered_s`` after a rollback; without one: of the latest hour."""
    # The driver is loaded only where it is used: a rollback must not wait for it.
    from pam_rollback.http.postgres import Patience  # noqa: PLC0415 - as above
    from pam_rollback.notify.support_tickets import count_tickets  # noqa: PLC0415 - as above

    looked_at_s = latest_s(recovered_s or 0.0)
    has_account = "test_account" in environment.abilities
    sql = environment.sql
    counts = count_tickets(
        environment.secret("database_dsn"),
        Patience(statement_timeout_s=sql.statement_timeout_s, lock_timeout_s=sql.lock_timeout_s),
        names=environment.table_names,
        own_email=environment.secret("test_user_email") if has_account else None,
        latest_s=looked_at_s,
        recovered_s=recovered_s or 0.0,
    )
    return TicketVolume(
        count=counts.latest,
        latest_s=looked_at_s,
        before=counts.before,
        same_hours=counts.same_hours,
        oldest_d=counts.oldest_d,
        since_recovery=counts.since_recovery,
        recovered_s=recovered_s,
    )


def pytest_pam_preflight(environment: Environment) -> "list[Call]":
    """Whether the team would hear of it."""
    from pam_rollback.core.question import Question, one  # noqa: PLC0415 - for the phases that ask
    from pam_rollback.notify.slack import bot_of, webhook_alive  # noqa: PLC0415 - the same

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
    """The incident on the status page."""
    from pam_rollback.rollback.undoing import UndoKind  # noqa: PLC0415 - for whoever undoes

    return {RESOLVE_INCIDENT: UndoKind(_down, by_action=False)}


def _down(undo: "Undo", tools: "UndoTools") -> None:
    take_down(undo, tools.environment)
