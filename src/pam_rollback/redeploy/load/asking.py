"""One request of a journey: sent, waited for, judged and recorded; what was recorded is given away as one line of JSON every second."""

import errno
import json
import socket
import time
from dataclasses import dataclass
from ssl import SSLError
from typing import NamedTuple
from urllib.parse import urlsplit

from gevent import ssl
from gevent.timeout import Timeout
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError
from geventhttpclient.url import URL
from locust.event import EventHook

from pam_rollback.core.answer import Answer
from pam_rollback.core.outside_text import cut
from pam_rollback.redeploy.load.order import LoadJourney, LoadOrder, LoadTarget


class BrokenOff(Exception):  # noqa: N818 - named by what happened
    """The answer began and did not come whole. Its cause says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Client:
    """Asks for addresses; any number of greenlets may use it, each connection is kept for the next."""

    def __init__(self, *, timeout_s: float, connections_max: int, user_agent: str) -> None:
        self._clients = HTTPClientPool(
            concurrency=connections_max,
            network_timeout=timeout_s,
            connection_timeout=timeout_s,
            ssl_context_factory=_verifying,
            headers={"User-Agent": user_agent, "Accept-Encoding": "identity"},
        )
        self._by_origin: dict[str, HTTPClient] = {}

    def ask(self, method: str, origin: str, uri: str, headers: dict[str, str], body: str | None) -> Answer:
        """Send one request and read its whole answer. Raises BrokenOff, and whatever the connection raises before there is an answer."""
        response = self._client(origin).request(method, uri, body, headers)
        status = response.get_code()
        try:
            content = response.read()
        except Exception as error:
            raise BrokenOff(status) from error
        finally:
            response.release()
        content_type = str(response.get("content-type") or "")
        return Answer(method, origin + uri, status, content_type, bytes(content), elapsed_ms=0)

    def _client(self, origin: str) -> HTTPClient:
        found = self._by_origin.get(origin)
        if found is None:
            found = self._clients.get_client(URL(origin))
            # By itself it repeats a GET as often as it may hold connections when they are closed without an answer. One repeat is left, as
            # browsers do when a kept connection turns out to be closed; the semaphore of connections is made already.
            found._connection_pool.size = 0  # noqa: SLF001 - there is no option for it
            self._by_origin[origin] = found
        return found


def origin_and_path(address: str) -> tuple[str, str]:
    """Give ``https://host:port`` and what is below it."""
    parts = urlsplit(address)
    path = parts.path or "/"
    return f"{parts.scheme}://{parts.netloc}", f"{path}?{parts.query}" if parts.query else path


def _verifying(cafile: str | None = None) -> ssl.SSLContext:  # noqa: ARG001 - the client names its own list
    """Certificates are verified against what this machine trusts, as everything else here does."""
    return ssl.create_default_context()


_OUR_ERRORS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL}
_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (BrokenOff, "the body did not come whole"),
    (ConnectionRefusedError, "refused the connection"),
    (ConnectionResetError, "reset the connection"),
    (BrokenPipeError, "reset the connection"),
    (HTTPConnectionClosed, "closed the connection without a whole answer"),
    (HTTPParseError, "not HTTP"),
    (socket.gaierror, "the name could not be resolved"),
    (SSLError, "no encrypted connection"),
)
"""The first that fits."""


def is_ours(error: BaseException) -> bool:
    """This machine could not send the request; nothing is known about the target."""
    return isinstance(error, OSError) and error.errno in _OUR_ERRORS


def in_words(error: BaseException, *, timeout_s: float) -> str:
    """What happened, for people."""
    if isinstance(error, Timeout | TimeoutError) or isinstance(error.__cause__, TimeoutError):
        return f"no whole answer within {timeout_s:g} s"
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    detail = error.strerror if isinstance(error, OSError) else ""
    return f"{type(error).__name__}: {detail}" if detail else type(error).__name__


_UNAUTHORIZED = 401
_SIGN_IN_PAUSE_S = 2.0
_WHY_CHARACTERS_MAX = 200
_DIGITS = 6


class Row(NamedTuple):
    """One request; moments from the beginning of the run. ``sent_s`` is None when it never left, ``why`` empty when all is right."""

    target: int
    journey: int
    due_s: float
    sent_s: float | None
    done_s: float
    status: int | None
    why: str


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A journey at a target, as far as it is the same each time."""

    journey: LoadJourney
    name: str
    origin: str
    path: str
    headers: dict[str, str]
    body: str | None


class Asker:
    """Asks the targets, as the test account where a journey is signed in."""

    def __init__(self, order: LoadOrder, client: Client, told: EventHook, *, name: str) -> None:
        self._order = order
        self._client = client
        self._told = told
        self._name = f"{order.run}-{name}"
        self._prepared = [[_prepared(order, target, journey) for journey in order.journeys] for target in order.targets]
        self._tokens = [""] * len(order.targets)
        self._user_ids = [""] * len(order.targets)
        self._signed_in_s = [float("-inf")] * len(order.targets)
        self._began = 0.0
        self._asked = 0
        self._rows: list[Row] = []
        self.requests = 0
        self.in_flight = 0

    def begin(self) -> None:
        """Moments count from now."""
        self._began = time.monotonic()

    def passed_s(self) -> float:
        """How long the run has gone on."""
        return time.monotonic() - self._began

    def take(self) -> list[Row]:
        """Give what was recorded since the last call, and forget it."""
        rows, self._rows = self._rows, []
        self.requests += len(rows)
        return [
            row._replace(
                due_s=round(row.due_s, _DIGITS),
                sent_s=row.sent_s and round(row.sent_s, _DIGITS),
                done_s=round(row.done_s, _DIGITS),
            )
            for row in rows
        ]

    def sign_in(self, target: int) -> str:
        """Sign in at the target. Gives why that did not work; empty when it did."""
        account = self._order.sign_in
        if account is None:
            return ""
        self._signed_in_s[target] = time.monotonic()
        origin, path = origin_and_path(self._order.targets[target].addresses[account.part] + account.path)
        body = json.dumps({"email": account.email, "password": account.password})
        headers = {"Content-Type": "application/json"}
        if account.apikey:
            headers["apikey"] = account.apikey
        try:
            with Timeout(self._order.timeout_s):
                answer = self._client.ask("POST", origin, path, headers, body)
        except (Exception, Timeout) as error:  # noqa: BLE001 - whatever it was, it goes into the report
            return self._shown(f"sign-in: {in_words(error, timeout_s=self._order.timeout_s)}")
        token, user_id = _account_in(answer)
        if not token:
            return f"sign-in: HTTP {answer.http_status} without an access_token"
        self._tokens[target], self._user_ids[target] = token, user_id
        return ""

    def ask(self, target: int, journey: int, due_s: float) -> None:
        """Send one request that was due then; its fate is recorded, whatever it is."""
        prepared = self._prepared[target][journey]
        asked = prepared.journey
        self._asked += 1
        request_id = f"{self._name}-{self._asked}"
        headers = {**prepared.headers, "X-Request-Id": request_id}
        path = prepared.path.replace("{user_id}", self._user_ids[target])
        if not asked.cached:
            path += f"{'&' if '?' in path else '?'}probe={request_id}"
        if asked.signed_in:
            headers["Authorization"] = f"Bearer {self._tokens[target]}"
        body = None if prepared.body is None else prepared.body.replace("{request_id}", request_id)
        status: int | None = None
        length = 0
        self.in_flight += 1
        left_s = self.passed_s()
        sent_s: float | None = left_s
        try:
            with Timeout(self._order.timeout_s):
                answer = self._client.ask(asked.method, prepared.origin, path, headers, body)
            done_s = self.passed_s()
            status, length = answer.http_status, len(answer.body)
            why = asked.expect.shortcomings(answer)
        except (Exception, Timeout) as error:  # noqa: BLE001 - whatever nonsense a target answers is an observation, never the end
            done_s = self.passed_s()
            if isinstance(error, BrokenOff):
                status = error.status
            if is_ours(error):
                sent_s = None
            why = in_words(error, timeout_s=self._order.timeout_s)
        finally:
            self.in_flight -= 1
        why = why and self._shown(why)
        self._rows.append(Row(target, journey, due_s, sent_s, done_s, status, why))
        self._told.fire(
            request_type=asked.method,
            name=prepared.name,
            response_time=(done_s - left_s) * 1000,
            response_length=length,
            # Locust keeps every text that it is told, for ever.
            exception=(why and (f"HTTP {status}, not as expected" if status else why)) or None,
            context={},
        )
        if status == _UNAUTHORIZED and asked.signed_in:
            self._sign_in_again(target)

    def never_sent(self, target: int, journey: int, due_s: float, why: str) -> None:
        """Record a request that was due and did not leave."""
        self._rows.append(Row(target, journey, due_s, None, self.passed_s(), None, why))

    def _sign_in_again(self, target: int) -> None:
        """A rollback may end sessions; one attempt in two seconds is enough for all."""
        if time.monotonic() - self._signed_in_s[target] >= _SIGN_IN_PAUSE_S:
            self.sign_in(target)

    def _shown(self, why: str) -> str:
        """On one line, short, and without anything that was sent in confidence."""
        why = self._order.redacted(why)
        for token in filter(None, self._tokens):
            why = why.replace(token, "[redacted]")
        return cut(" ".join(why.split()), _WHY_CHARACTERS_MAX, sign="")


def _prepared(order: LoadOrder, target: LoadTarget, journey: LoadJourney) -> _Prepared:
    headers = {}
    body = None
    if journey.body is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(dict(journey.body))
        if order.sign_in is not None:
            for name in ("email", "password"):
                # Quoted as JSON quotes it, without the quotes that stand there already.
                body = body.replace("{" + name + "}", json.dumps(getattr(order.sign_in, name))[1:-1])
    if not journey.cached:
        headers["Cache-Control"] = "no-cache"
    origin, path = origin_and_path(target.addresses[journey.part] + journey.path)
    return _Prepared(journey, f"{target.name} {journey.name}".strip(), origin, path, headers, body)


def _account_in(answer: Answer) -> tuple[str, str]:
    """Token and user id of a sign-in; empty when there are none."""
    found = answer.json
    token = found.get("access_token") if isinstance(found, dict) else None
    user = found.get("user") if isinstance(found, dict) else None
    user_id = str(user.get("id", "")) if isinstance(user, dict) else ""
    return (token, user_id) if isinstance(token, str) else ("", "")
