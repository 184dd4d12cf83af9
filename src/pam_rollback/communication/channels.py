"""The channels that an environment declares, each as a way to send one message of an escalation."""

from collections.abc import Mapping
from datetime import UTC, datetime

from pam_rollback.base.errors import UndoFailed
from pam_rollback.communication.escalating import Message, Send
from pam_rollback.communication.escalation import (
    DONE,
    HELPED,
    OVER,
    SEVERITIES,
    UNDOING,
    UNDONE,
    VERIFIED,
    Means,
    Severity,
)
from pam_rollback.communication.pagerduty import PagerDutyEvents
from pam_rollback.communication.smtp import Mailer
from pam_rollback.communication.statuspage import Status, StatusPageApi
from pam_rollback.communication.team_channel import TeamChannel, team_channel
from pam_rollback.environment.environment import Environment
from pam_rollback.journal.journal import Journal, Undo

THREAD = "team-thread"
"""The journal's entry of the thread in which the team hears of this rollback: its verdict and its undo are told there, too."""
RESOLVE_INCIDENT = "resolve-status-page-incident"
UNDO_KINDS = (RESOLVE_INCIDENT,)
"""What is owed once customers are told."""

_STATUSES: Mapping[str, Status] = {DONE: "monitoring", HELPED: "monitoring", OVER: "resolved"}
_OVER_TEXT = "This is over."


class Channels:
    """Every channel that the environment declares. What customers see is owed before it goes up, and settled once it is down."""

    def __init__(self, environment: Environment, journal: Journal) -> None:
        self._environment = environment
        self._journal = journal
        self._owed: dict[str, Undo] = {}

    def by_means(self) -> dict[Means, Send]:
        """Each as a way to send one message."""
        environment = self._environment
        found: dict[Means, Send] = {}
        channel = team_channel(environment)
        if channel is not None:
            found["slack"] = lambda message: self._tell_team(channel, message)
        if "pagerduty" in environment.abilities:
            pager = pagerduty_of(environment)
            found["pagerduty"] = lambda message: _ring(pager, message)
        if "email" in environment.abilities:
            mailer = mailer_of(environment)
            found["email"] = lambda message: mailer.send(message.contacts, message.title, message.text)
        if "statuspage" in environment.abilities:
            found["statuspage"] = self._tell_public
        return found

    def _tell_team(self, channel: TeamChannel, message: Message) -> str:
        known = self._journal.latest(THREAD)
        thread, problem = channel.tell(message.text, str(known["thread"]) if known else "")
        if thread and not known:
            self._journal.append(THREAD, thread=thread)
        return problem

    def _tell_public(self, message: Message) -> str:
        page = status_page_of(self._environment)
        self._owe(RESOLVE_INCIDENT, {"name": message.title})
        status = _STATUSES.get(message.occasion, "identified")
        problem = page.tell(message.title, message.text, status=status)
        if status == "resolved" and not problem:
            self._settle(RESOLVE_INCIDENT)
        return problem

    def _owe(self, kind: str, facts: dict[str, object]) -> None:
        if kind not in self._owed:
            self._owed[kind] = self._journal.owe(kind, facts)

    def _settle(self, kind: str) -> None:
        self._journal.settled(self._owed.pop(kind))


def take_down(undo: Undo, environment: Environment) -> None:
    """Put back what customers saw before. Raises UndoFailed with what a person has to do."""
    name = str(undo.facts["name"])
    problem = status_page_of(environment).tell(name, _OVER_TEXT, status="resolved")
    if problem:
        raise UndoFailed(
            f"customers still read of the rollback: {problem}; a person must resolve the incident {name!r} on the status page"
        )


def pagerduty_of(environment: Environment) -> PagerDutyEvents:
    """The integration of this environment. Raises ValueError when there is none."""
    if environment.pagerduty is None:
        raise ValueError("no [pagerduty] table")
    return PagerDutyEvents(
        environment.pagerduty.api_url, environment.secret("pagerduty_routing_key"), source=environment.name
    )


def mailer_of(environment: Environment) -> Mailer:
    """The mail server of this environment. Raises ValueError when there is none."""
    settings = environment.email
    if settings is None:
        raise ValueError("no [email] table")
    signs_in = environment.has_secret("smtp_username")
    return Mailer(
        settings.host,
        settings.port,
        settings.sender,
        starttls=settings.starttls,
        username=environment.secret("smtp_username") if signs_in else "",
        password=environment.secret("smtp_password") if signs_in else "",
    )


def status_page_of(environment: Environment) -> StatusPageApi:
    """The status page of this environment; its subscribers get mail unless it is a sandbox. Raises ValueError when there is none."""
    if environment.statuspage is None:
        raise ValueError("no [statuspage] table")
    return StatusPageApi(
        environment.statuspage.api_url,
        environment.statuspage.page_id,
        environment.secret("statuspage_api_key"),
        deliver_notifications=not environment.is_sandbox,
    )


def _ring(pager: PagerDutyEvents, message: Message) -> str:
    """One alert for each run: it grows more severe, is acknowledged when the steps are done, and resolved when nothing is left to do."""
    key = f"pam-rollback/{message.run_id}"
    match message.occasion:
        case "done":
            change = pager.record_change(message.title, at=datetime.now(UTC).isoformat(), link=message.link)
            return "; ".join(filter(None, (pager.acknowledge(key), change)))
        case "over":
            return pager.resolve(key)
        case occasion if occasion in {UNDOING, UNDONE, VERIFIED}:
            change = pager.record_change(message.title, at=datetime.now(UTC).isoformat(), link=message.link)
            # The alert of a drill that was killed would ring for ever; of a real rollback a person says when it is over.
            return "; ".join(filter(None, (change, pager.resolve(key) if message.drill and occasion == UNDONE else "")))
    severity: Severity = "info" if message.drill else SEVERITIES.get(message.occasion, "critical")
    return pager.trigger(key, message.text, severity=severity, link=message.link)
