"""The sinks: Slack, PagerDuty, mail and the status page. Each keeps what it took, and refuses in its own words what the real one refuses.

Words and statuses: Slack's changelog of 2016-05-17 and reports of third parties, PagerDuty's Events API v2, Statuspage's public API v2 and
https://developer.statuspage.io (2026). Only the calls that the suite makes are answered.
"""

import asyncio
import hmac
import json
import secrets
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default as modern
from http import HTTPStatus
from typing import Any, ClassVar

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from pam_sandbox.faults import Fault, PlantedFaults
from pam_sandbox.problems import SandboxError
from pam_sandbox.spoilt_answers import cut_off

STATUSPAGE_BASE = "/v1"
MAIL_USER = "rollback@sandbox.example"
DESCRIPTIONS: Mapping[str, str] = {
    "none": "All Systems Operational",
    "minor": "Partially Degraded Service",
    "major": "Partial System Outage",
    "critical": "Major Service Outage",
    "maintenance": "Service Under Maintenance",
}
STATUSES = ("investigating", "identified", "monitoring", "resolved")
IMPACTS = ("none", "minor", "major", "critical")
_OPEN = frozenset({"investigating", "identified"})
_SEVERITIES = frozenset({"critical", "error", "warning", "info"})
_SAYS = ("text", "blocks", "attachments")
_OF_AN_INCIDENT = frozenset({"name", "status", "impact_override", "body", "deliver_notifications"})
_KEPT = 1000
_RETRY_AFTER = {"Retry-After": "30"}
_ENHANCE_YOUR_CALM = 420
_NAME_CHARACTERS, _BODY_CHARACTERS = 255, 25_000
_KEY_CHARACTERS, _SUMMARY_CHARACTERS = 255, 1024


class Sink:
    """Keeps the messages of one channel, and knows how a planted fault has it fail."""

    name: ClassVar[str]
    burst: ClassVar[int] = 0
    per_s: ClassVar[float] = 0

    def __init__(self, faults: PlantedFaults) -> None:
        self._faults = faults
        self.key = secrets.token_hex(16)
        """What whoever sends has to know: a key, or a password."""
        self.messages: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.forget()

    def forget(self) -> None:
        """Have received nothing, and the limit anew."""
        self.messages.clear()
        self._allowance, self._allowed_s = float(self.burst), time.monotonic()

    def keep(self, **message: Any) -> None:
        """Note a message that was taken."""
        self.messages.append({"received_s": time.monotonic(), **message})

    @property
    def _fault(self) -> Fault | None:
        return self._faults.newest("channel-fails", self.name)

    @property
    def how(self) -> str:
        """How it fails now; empty when it does not."""
        return str(self._fault.settings["how"]) if self._fault else ""

    def may_pass(self) -> bool:
        """Whether one more may come now: so many at once, and so many a second in the long run."""
        now_s = time.monotonic()
        self._allowance = min(self.burst, self._allowance + (now_s - self._allowed_s) * self.per_s)
        self._allowed_s = now_s
        if self.how == "rate-limited" or self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, unless a fault cuts it off: at once, or when it is cleared."""
        fault = self._fault
        if fault is None or self.how not in {"down", "hangs"}:
            return self.answer(request, await request.read())
        if self.how == "hangs":
            await fault.cleared.wait()
        return cut_off(request)

    def answer(self, request: web.BaseRequest, raw: bytes) -> web.Response:
        """What the service says."""
        raise NotImplementedError


class SlackSink(Sink):
    """One webhook at an unguessable path: `ok`, and errors as plain text."""

    name, burst, per_s = "slack", 10, 1.0

    def __init__(self, faults: PlantedFaults) -> None:
        super().__init__(faults)
        self.path = f"/services/T000/B000/{secrets.token_urlsafe(18)}"

    def answer(self, request: web.BaseRequest, raw: bytes) -> web.Response:
        """Take a message, or say why not."""
        body = _object(raw)
        is_json = request.method == "POST" and request.content_type == "application/json" and body is not None
        refusals = (
            (request.path != self.path, "no_service", HTTPStatus.NOT_FOUND),
            (self._faults.named("notifications-down"), "rollup_error", HTTPStatus.INTERNAL_SERVER_ERROR),
            (self.how == "refuses", "action_prohibited", HTTPStatus.FORBIDDEN),
            (not self.may_pass(), "rate_limited", HTTPStatus.TOO_MANY_REQUESTS),
            (not is_json, "invalid_payload", HTTPStatus.BAD_REQUEST),
            (not any((body or {}).get(part) for part in _SAYS), "no_text", HTTPStatus.BAD_REQUEST),
        )
        for applies, word, status in refusals:
            if applies:
                patience = {"Retry-After": "30" if self.how else "1"} if word == "rate_limited" else None
                return web.Response(text=word, status=status, headers=patience)
        self.keep(headers=dict(request.headers), body=body)
        return web.Response(text="ok")


class PagerDutySink(Sink):
    """One integration with one routing key: events of alerts, and changes beside them."""

    name, burst, per_s = "pagerduty", 120, 2.0

    def answer(self, request: web.BaseRequest, raw: bytes) -> web.Response:
        """Take one event, or say why not."""
        is_change = request.path == "/v2/change/enqueue"
        if request.method != "POST" or not (is_change or request.path == "/v2/enqueue"):
            return web.Response(status=HTTPStatus.NOT_FOUND)
        if not self.may_pass():
            body = {"status": "throttle exceeded", "message": "Requests for this service are arriving too quickly."}
            return web.json_response(body, status=HTTPStatus.TOO_MANY_REQUESTS, headers=_RETRY_AFTER)
        event = _object(raw)
        problems = ["Event object is not JSON"] if event is None else self._wrong_with(event, is_change=is_change)
        if event is None or problems:
            body = {"status": "invalid event", "message": "Event object is invalid"}
            return web.json_response(body | {"errors": problems}, status=HTTPStatus.BAD_REQUEST)
        self.keep(path=request.path, body={name: value for name, value in event.items() if name != "routing_key"})
        done = {"status": "success", "message": f"{'Change event' if is_change else 'Event'} processed"}
        key = {} if is_change else {"dedup_key": event.get("dedup_key") or secrets.token_hex(16)}
        return web.json_response(done | key, status=HTTPStatus.ACCEPTED)

    def _wrong_with(self, event: Mapping[str, Any], *, is_change: bool) -> list[str]:
        right = event.get("routing_key") == self.key and self.how != "refuses"
        problems = [] if right else ["Invalid routing key"]
        action, key = event.get("event_action"), event.get("dedup_key", "")
        payload = event.get("payload")
        payload = payload if isinstance(payload, dict) else {}
        if not is_change and action not in {"trigger", "acknowledge", "resolve"}:
            problems.append("'event_action' is invalid (must be trigger, acknowledge or resolve)")
        if not isinstance(key, str) or len(key) > _KEY_CHARACTERS or (action in {"acknowledge", "resolve"} and not key):
            problems.append("'dedup_key' is missing or invalid")
        if is_change or action == "trigger":
            summary = payload.get("summary")
            if not isinstance(summary, str) or not 0 < len(summary.strip()) <= _SUMMARY_CHARACTERS:
                problems.append("'payload.summary' is missing, blank or too long")
        if action == "trigger":
            if not payload.get("source"):
                problems.append("'payload.source' is missing or blank")
            if payload.get("severity") not in _SEVERITIES:
                problems.append("'payload.severity' is invalid (must be one of: critical, warning, error, info)")
        return problems


class StatusPage:
    """What everybody reads of PAM: one headline and the incidents that go on. A planted fault makes it lie, or silent."""

    def __init__(self, faults: PlantedFaults) -> None:
        self._faults = faults
        self.id = secrets.token_hex(6)
        self.set("none", None)

    def set(self, indicator: str, incident: Mapping[str, object] | None) -> None:
        """Replace all that it says. Raises SandboxError, and nothing is changed, for what no status page says."""
        if indicator not in DESCRIPTIONS:
            raise SandboxError("status page: indicator", expected=" or ".join(DESCRIPTIONS), found=repr(indicator))
        self.indicator = indicator
        self.incidents: dict[str, dict[str, Any]] = {}
        if incident is not None:
            self.tell(None, {"impact": "minor", **incident})

    def tell(self, incident_id: str | None, news: Mapping[str, Any]) -> dict[str, Any]:
        """Begin an incident, or say how one goes on; gives it. What is resolved is not shown any more."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        new = {"id": secrets.token_hex(6), "status": "investigating", "impact": "none", "created_at": now}
        incident = self.incidents.get(incident_id or "", new)
        incident |= {name: news[name] for name in ("name", "status", "impact") if name in news}
        incident |= {"body": news.get("body", ""), "updated_at": now}
        self.incidents[incident["id"]] = incident
        if incident["status"] == "resolved":
            del self.incidents[incident["id"]]
        return incident

    def agree(self) -> None:
        """Have the headline say the worst of what is open, and minor while something is only watched."""
        impacts = [one["impact"] for one in self.incidents.values() if one["status"] in _OPEN]
        watched = "minor" if self.incidents else "none"
        self.indicator = max(impacts, key=IMPACTS.index) if impacts else watched

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer anybody."""
        if self._faults.named("status-page-down"):
            return web.Response(text="503 Service Unavailable", status=HTTPStatus.SERVICE_UNAVAILABLE)
        indicator, incidents = self.indicator, list(self.incidents.values())
        if self._faults.named("status-page-lies"):
            told = {"name": "PAM does not answer", "status": "investigating", "impact": "critical"}
            indicator, incidents = "critical", [told]
        if request.path == "/":
            return web.Response(text=DESCRIPTIONS[indicator])
        if request.path != "/api/v2/summary.json":
            return web.Response(text="Not found", status=HTTPStatus.NOT_FOUND)
        status = {"indicator": indicator, "description": DESCRIPTIONS[indicator]}
        said = {"page": {"id": self.id}, "status": status, "incidents": incidents, "scheduled_maintenances": []}
        # A status that is a minute old is no status.
        return web.json_response(said, headers={"Cache-Control": "max-age=0, private, must-revalidate"})


class StatuspageApi(Sink):
    """Statuspage's API for whoever manages the page: one account with one key."""

    name, burst, per_s = "statuspage", 60, 1.0

    def __init__(self, faults: PlantedFaults, page: StatusPage) -> None:
        super().__init__(faults)
        self._page = page

    def answer(self, request: web.BaseRequest, raw: bytes) -> web.Response:
        """Give the page or what is unresolved, begin an incident, or change one."""
        given = request.headers.get("Authorization", "").removeprefix("OAuth ").encode("utf-8", "surrogateescape")
        if self.how == "refuses" or not hmac.compare_digest(given, self.key.encode()):
            return _refused(HTTPStatus.UNAUTHORIZED, "Could not authenticate")
        if not self.may_pass():
            return _refused(_ENHANCE_YOUR_CALM, "Too many requests", headers=_RETRY_AFTER)
        path = request.path.removeprefix(f"{STATUSPAGE_BASE}/pages/{self._page.id}")
        found: object
        match request.method, path.split("/")[1:]:
            case "GET", []:
                found = {"id": self._page.id, "name": "Wheels & Wins"}
            case "GET", ["incidents", "unresolved"]:
                found = list(self._page.incidents.values())
            case "POST", ["incidents"]:
                return self._tell(None, raw)
            case "PATCH", ["incidents", incident_id] if incident_id in self._page.incidents:
                return self._tell(incident_id, raw)
            case _:
                return _refused(HTTPStatus.NOT_FOUND, "Not found")
        return web.json_response(found)

    def _tell(self, incident_id: str | None, raw: bytes) -> web.Response:
        wanted = (_object(raw) or {}).get("incident")
        if not isinstance(wanted, dict):
            return _refused(HTTPStatus.BAD_REQUEST, "incident is missing")
        news = {("impact" if name == "impact_override" else name): value for name, value in wanted.items()}
        unknown = ", ".join(sorted(wanted.keys() - _OF_AN_INCIDENT))
        problem = f"unknown: {unknown}" if unknown else _wrong_with(news, is_new=incident_id is None)
        if problem:
            return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, problem)
        incident = self._page.tell(incident_id, news)
        self._page.agree()
        self.keep(incident_id=incident["id"], body=wanted)
        return web.json_response(incident, status=HTTPStatus.CREATED if incident_id is None else HTTPStatus.OK)


def _wrong_with(news: Mapping[str, Any], *, is_new: bool) -> str:
    """Why Statuspage does not take this; empty when it does."""
    name, body = news.get("name"), news.get("body", "")
    if (is_new or name is not None) and not (isinstance(name, str) and 0 < len(name) <= _NAME_CHARACTERS):
        return "Name is too long (maximum is 255 characters)" if name else "Name can't be blank"
    if not isinstance(body, str) or len(body) > _BODY_CHARACTERS:
        return "Body is too long (maximum is 25000 characters)"
    if news.get("status", STATUSES[0]) not in STATUSES:
        return "Status is not included in the list"
    return "" if news.get("impact", IMPACTS[0]) in IMPACTS else "Impact override is not included in the list"


def _refused(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"message": message}, status=status, headers=headers)


def _object(raw: bytes) -> dict[str, Any] | None:
    """The JSON object of a body; None when it is none."""
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


class MailSink(Sink):
    """Takes mail of one user over SMTP and delivers it nowhere: a mail is one message, whoever it was for."""

    name = "email"

    def connection(self) -> asyncio.BaseProtocol:
        """Speak with whoever has just connected, or not, as the planted fault says."""
        if self.how in {"down", "hangs"}:
            return _Speechless(closes=self.how == "down")
        # It is on loopback, where nothing has to be encrypted before the password is said.
        return SMTP(
            self,
            hostname="sandbox.example",
            ident="sandbox",
            auth_require_tls=False,
            authenticator=self._authenticate,
            loop=asyncio.get_running_loop(),
        )

    def _authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any) -> AuthResult:
        right = (
            isinstance(data, LoginPassword)
            and data.login == MAIL_USER.encode()
            and hmac.compare_digest(data.password, self.key.encode())
        )
        return AuthResult(success=right, handled=False)

    async def handle_MAIL(  # noqa: N802 - the library calls it so
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a sender who has signed in."""
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        if self.how == "rate-limited":
            return "451 4.7.1 Too many messages, try again later"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - the library calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient."""
        if self.how == "refuses":
            return "550 5.1.1 No such mailbox"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the library calls it so
        """Keep the mail."""
        content = envelope.content or b""
        mail = message_from_bytes(content if isinstance(content, bytes) else content.encode(), policy=modern)
        body = mail.get_body(("plain",))
        self.keep(
            sender=envelope.mail_from,
            recipients=list(envelope.rcpt_tos),
            subject=str(mail["Subject"] or ""),
            headers={name: str(value) for name, value in mail.items()},
            text=body.get_content().strip() if body is not None else "",
        )
        return "250 2.0.0 OK: taken"


class _Speechless(asyncio.Protocol):
    """Closes the connection at once, or keeps it and says nothing."""

    def __init__(self, *, closes: bool) -> None:
        self._closes = closes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected."""
        if self._closes and isinstance(transport, asyncio.Transport):
            transport.abort()
