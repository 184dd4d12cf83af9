"""The channels that an environment declares, each as a way to send one message of an escalation; none of them raises: "" or why not.

PagerDuty's Events API v2: POST to ``/v2/enqueue`` and ``/v2/change/enqueue``, accepted is 202; events with the same ``dedup_key`` are one
alert, so an event may be sent again after 429 and 5xx. Statuspage: POST ``/pages/{page}/incidents`` (201), PATCH ``…/incidents/{id}``
(200); an incident is not known again, so only what was turned away for its rate is repeated. Mail goes through an SMTP server, by
STARTTLS unless it is on this machine; a thread keeps the deadline for all of it.
"""

import smtplib
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from http import HTTPStatus
from typing import Any, Literal

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import UndoFailed
from pam_rollback.core.outside_text import cut, for_message, redacted
from pam_rollback.http.client import TURNED_AWAY, UNWELL, deliver, fetch
from pam_rollback.notify.escalating import Message, Send
from pam_rollback.notify.escalation import (
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
from pam_rollback.notify.slack import TeamChannel, team_channel
from pam_rollback.rollback.journal import Journal, Undo
from pam_rollback.target.environment import Environment

_SUMMARY_CHARACTERS = 1024
_KEY_CHARACTERS = 255
Status = Literal["investigating", "identified", "monitoring", "resolved"]
_NAME_CHARACTERS = 255
_BODY_CHARACTERS = 25_000
_OF_PAGERDUTY: dict[int | None, str] = {
    HTTPStatus.BAD_REQUEST: "the event is malformed or the routing key is none: check its variable",
    HTTPStatus.FORBIDDEN: "the routing key may not send events: check its variable",
    HTTPStatus.TOO_MANY_REQUESTS: "too many events for this key",
}

_OF_STATUSPAGE: dict[int | None, str] = {
    HTTPStatus.UNAUTHORIZED: "the API key is not valid: check its variable",
    HTTPStatus.FORBIDDEN: "the API key may not write on this page",
    HTTPStatus.NOT_FOUND: "there is no such page or incident: check [statuspage] page_id",
    420: "too many requests for this key",
    HTTPStatus.TOO_MANY_REQUESTS: "too many requests for this key",
}

THREAD = "team-thread"
"""The journal's entry of the thread in which the team hears of this rollback: its verdict and its undo are told there, too."""
RESOLVE_INCIDENT = "resolve-status-page-incident"
"""What is owed once customers are told."""

_STATUSES: Mapping[str, Status] = {DONE: "monitoring", HELPED: "monitoring", OVER: "resolved"}
_OVER_TEXT = "This is over."


@dataclass(frozen=True)
class PagerDutyEvents:
    """One integration. Its routing key is a secret. Nothing here raises: each call gives "" or why the event was not accepted."""

    api_url: str
    routing_key: str = field(repr=False)
    source: str = "pam-rollback-suite"
    deadline_s: float = 5.0

    def trigger(self, dedup_key: str, summary: str, *, severity: Severity, link: str = "") -> str:
        """Open the alert of this key, or add to it when it is open."""
        payload = {
            "summary": cut(for_message(summary), _SUMMARY_CHARACTERS, sign=""),
            "source": self.source,
            "severity": severity,
        }
        links = [{"href": link, "text": "the run"}] if link else []
        return self._event("trigger", dedup_key, payload=payload, **({"links": links} if links else {}))

    def acknowledge(self, dedup_key: str) -> str:
        """Say that somebody works on it."""
        return self._event("acknowledge", dedup_key)

    def resolve(self, dedup_key: str) -> str:
        """Close the alert."""
        return self._event("resolve", dedup_key)

    def record_change(self, summary: str, *, at: str, link: str = "") -> str:
        """Put a change on record beside the alerts. ``at`` is a moment in ISO 8601. Sent once: changes are not told apart."""
        body: dict[str, Any] = {
            "routing_key": self.routing_key,
            "payload": {
                "summary": cut(for_message(summary), _SUMMARY_CHARACTERS, sign=""),
                "source": self.source,
                "timestamp": at,
            },
        }
        if link:
            body["links"] = [{"href": link, "text": "the run"}]
        return self._send("/v2/change/enqueue", body, repeat=TURNED_AWAY)

    def _event(self, action: str, dedup_key: str, **more: Any) -> str:
        body = {
            "routing_key": self.routing_key,
            "event_action": action,
            "dedup_key": cut(dedup_key, _KEY_CHARACTERS, sign=""),
            **more,
        }
        return self._send("/v2/enqueue", body, repeat=TURNED_AWAY | UNWELL)

    def _send(self, path: str, body: dict[str, Any], *, repeat: frozenset[int]) -> str:
        answer = deliver(
            lambda left_s: fetch(self.api_url + path, method="POST", json=body, deadline_s=left_s),
            deadline_s=self.deadline_s,
            repeat=repeat,
        )
        return _problem("PagerDuty", answer, HTTPStatus.ACCEPTED, _OF_PAGERDUTY)


@dataclass(frozen=True)
class StatusPageApi:
    """One page. ``deliver_notifications`` is whether its subscribers get mail. Nothing here raises: "" or why it was not accepted."""

    api_url: str
    page_id: str
    api_key: str = field(repr=False)
    deliver_notifications: bool = False
    deadline_s: float = 5.0

    def tell(self, name: str, body: str, *, status: Status) -> str:
        """Have the page show this: the open incident of that name goes on, or a new one begins. What is over is not begun anew."""
        found, problem = self._open(name)
        if problem:
            return problem
        if found is not None:
            return self._update(found, body, status=status)
        return "" if status == "resolved" else self._create(name, body, status=status)

    def _create(self, name: str, body: str, *, status: Status) -> str:
        incident = {"name": _title(name), "impact_override": "major", **self._news(body, status)}
        return _problem(
            "Statuspage", self._ask("POST", "/incidents", {"incident": incident}), HTTPStatus.CREATED, _OF_STATUSPAGE
        )

    def _update(self, incident_id: str, body: str, *, status: Status) -> str:
        answer = self._ask("PATCH", f"/incidents/{incident_id}", {"incident": self._news(body, status)})
        return _problem("Statuspage", answer, HTTPStatus.OK, _OF_STATUSPAGE)

    def _news(self, body: str, status: Status) -> dict[str, Any]:
        return {
            "status": status,
            "body": cut(for_message(body), _BODY_CHARACTERS, sign=""),
            "deliver_notifications": self.deliver_notifications,
        }

    def _open(self, name: str) -> tuple[str | None, str]:
        """The id of the unresolved incident of that name, and why it is not known."""
        answer = self._ask("GET", "/incidents/unresolved")
        problem = _problem("Statuspage", answer, HTTPStatus.OK, _OF_STATUSPAGE)
        if problem:
            return None, problem
        try:
            named = [str(one["id"]) for one in answer.json if one["name"] == _title(name)]
        except (TypeError, KeyError):
            return None, f"Statuspage: expected a list of incidents, found {answer.text!r}"
        return next(iter(named), None), ""

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        return deliver(
            lambda left_s: fetch(
                f"{self.api_url}/pages/{self.page_id}{path}",
                method=method,
                headers={"Authorization": f"OAuth {self.api_key}"},
                json=body,
                deadline_s=left_s,
            ),
            deadline_s=self.deadline_s,
        )


def _problem(service: str, answer: Answer, expected: HTTPStatus, hints: Mapping[int | None, str]) -> str:
    """Say why it was not accepted; empty when it was."""
    if answer.problem:
        return f"{service}: {answer.problem}"
    if answer.http_status == expected:
        return ""
    hint = hints.get(answer.http_status, "")
    return f"{service} did not accept it: HTTP {answer.http_status} {answer.text!r}{hint and '; '}{hint}"


def _title(name: str) -> str:
    return cut(for_message(name), _NAME_CHARACTERS, sign="")


@dataclass(frozen=True)
class Mailer:
    """One server and one sender. User name and password are secrets; without them nobody signs in."""

    host: str
    port: int
    sender: str
    starttls: bool = True
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    deadline_s: float = 5.0

    def send(self, recipients: Sequence[str], subject: str, text: str) -> str:
        """Send one mail to all of them; gives "" when the server took it for each, else why not. Never raises.

        Who was refused is named: the others get theirs all the same.
        """
        if not recipients:
            return "mail: there is nobody to write to"
        said: list[str] = []
        progress = _Progress()
        worker = threading.Thread(
            target=self._exchange, args=(list(recipients), subject, text, said, progress), daemon=True
        )
        worker.start()
        worker.join(self.deadline_s)
        if worker.is_alive():
            return f"mail: {self.host} did not take it within {self.deadline_s:g} s ({progress.phase})"
        return said[0]

    def _exchange(self, recipients: list[str], subject: str, text: str, said: list[str], progress: "_Progress") -> None:
        try:
            said.append(self._deliver(recipients, subject, text, progress))
        except smtplib.SMTPAuthenticationError:
            # What the server says may repeat what was sent.
            said.append("mail: the server does not accept user name and password: check their variables")
        except smtplib.SMTPRecipientsRefused as error:
            said.append(f"mail: nobody was accepted: {_refusals(error.recipients)}")
        except smtplib.SMTPNotSupportedError as error:
            said.append(f"mail: {self.host} cannot do what is asked of it ({error}): see [email] in the environment")
        except smtplib.SMTPResponseException as error:
            said.append(f"mail: {self.host} refused it: {error.smtp_code} {_readable(error.smtp_error)}")
        except Exception as error:  # noqa: BLE001 - whatever it was: it is told, and nobody waits for it
            said.append(f"mail: {self.host} did not take it while {progress.phase} ({error})")

    def _deliver(self, recipients: list[str], subject: str, text: str, progress: "_Progress") -> str:
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = ", ".join(recipients)
        message["Subject"] = " ".join(for_message(redacted(subject)).split())
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(for_message(redacted(text)))
        with smtplib.SMTP(self.host, self.port, timeout=self.deadline_s) as server:
            if self.starttls:
                progress.phase = "encrypting"
                server.starttls(context=ssl.create_default_context())
            if self.username:
                progress.phase = "signing in"
                server.login(self.username, self.password)
            progress.phase = "handing it over"
            refused = server.send_message(message)
        return f"mail: not everybody was accepted: {_refusals(refused)}" if refused else ""


@dataclass
class _Progress:
    """How far it came; read by the waiting thread when the deadline passes."""

    phase: str = "connecting"


def _refusals(refused: dict[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{address}: {code} {_readable(why)}" for address, (code, why) in refused.items())


def _readable(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return cut(" ".join(text.split()), 120)


class Channels:
    """Every channel that the environment declares. What customers see is owed before it goes up, and settled once it is down."""

    def __init__(self, environment: Environment, journal: Journal) -> None:
        self._environment = environment
        self._journal = journal
        self._owed: Undo | None = None

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
        self._owed = self._owed or self._journal.owe(RESOLVE_INCIDENT, {"name": message.title})
        status = _STATUSES.get(message.occasion, "identified")
        problem = page.tell(message.title, message.text, status=status)
        if status == "resolved" and not problem:
            self._journal.settled(self._owed)
            self._owed = None
        return problem


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
