"""What every observer does: requests, bounded in time and size, as its test account, in an open loop. Whatever the target does is a value.

Open loop: number i is due at start + i / rate on absolute ticks, and each is a task of its own. A slow target can thus not slow the
observer down, and a slow observer cannot flatter the target: its own lag is recorded.
"""

import asyncio
import errno
import json
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
from yarl import URL

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.open_loop import Ticks, why_not_sent
from pam_rollback.probe.child import Lifeline, LineWriter
from pam_rollback.probe.journeys import ObserverConfig, SignIn

_OUR_ERRORS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL}
_CHUNK_BYTES = 65536


class NotSent(MeasurementFailed):
    """The request never left because this machine could not send it; nothing is known about the target."""


def new_session(user_agent: str) -> aiohttp.ClientSession:
    """Give a client without memory.

    No proxy of the environment, no cookies, a connection of its own for every request.

    aiohttp silently sends a request again when a kept connection turns out to be closed; a fresh connection each time
    leaves nothing to be hidden by that, and no probe's fate hangs on another's.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        headers={"User-Agent": user_agent, "Accept-Encoding": "identity"},
        trust_env=False,
        auto_decompress=False,
    )


def unique_address(url: str, probe_id: str) -> URL:
    """Give the address with a query of its own, which no cache can have an answer to."""
    return URL(url).update_query({"probe": probe_id})


async def exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: URL | str,
    *,
    deadline_s: float,
    body_bytes_max: int,
    headers: Mapping[str, str] | None = None,
    body: object = None,
    start_is_enough: bool = False,
) -> Answer:
    """Send one request and read its whole answer within ``deadline_s``. Redirects are answers too.

    With ``start_is_enough`` a larger body is no problem: its start is read, and no more. Raises NotSent only.
    """
    start_s = time.monotonic()
    attempt = _Attempt(body_bytes_max, start_is_enough=start_is_enough)
    problem = ""
    request: dict[str, Any] = {"headers": dict(headers or {}), "data": None, "allow_redirects": False}
    if body is not None:
        request["data"] = json.dumps(body).encode()
        request["headers"]["Content-Type"] = "application/json"
    try:
        async with asyncio.timeout(deadline_s):
            problem = await attempt.read(session.request(method, url, **request))
    except TimeoutError:
        problem = f"{attempt.stage} within {deadline_s:g} s"
    except OSError as error:
        if error.errno in _OUR_ERRORS:
            raise NotSent(f"this machine could not send the request: {error.strerror}") from error
        problem = _in_words(error)
    except Exception as error:  # noqa: BLE001 - whatever nonsense a target answers is an observation, never the end
        problem = _in_words(error)
    return Answer(
        method=method,
        url=str(url),
        http_status=attempt.status,
        content_type=attempt.content_type,
        body=bytes(attempt.body),
        elapsed_ms=(time.monotonic() - start_s) * 1000,
        problem=problem,
        headers=attempt.headers,
    )


class _Attempt:
    def __init__(self, body_bytes_max: int, *, start_is_enough: bool) -> None:
        self._body_bytes_max = body_bytes_max
        self._start_is_enough = start_is_enough
        self.headers: dict[str, str] = {}
        self.stage = "no answer"
        self.status: int | None = None
        self.content_type = ""
        self.body = bytearray()

    async def read(self, request: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> str:
        """Send the request and read its answer; says why the answer was not read to its end."""
        async with request as response:
            self.stage = "the body did not end"
            self.status = response.status
            self.headers = {name.lower(): value for name, value in response.headers.items()}
            self.content_type = self.headers.get("content-type", "")
            async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                self.body += chunk
                if len(self.body) >= self._body_bytes_max and self._start_is_enough:
                    response.close()
                    return ""
                if len(self.body) > self._body_bytes_max:
                    response.close()
                    return f"the body is larger than {self._body_bytes_max} bytes"
        return ""


_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (ConnectionRefusedError, "refused the connection"),
    (aiohttp.ServerDisconnectedError, "closed the connection without an answer"),
    (aiohttp.ClientPayloadError, "closed the connection within the body"),
    (ConnectionResetError, "reset the connection"),
    (socket.gaierror, "the name could not be resolved"),
    (aiohttp.ClientResponseError, "not HTTP"),
    (aiohttp.http_exceptions.HttpProcessingError, "not HTTP"),
)
"""The first that fits."""


def _in_words(error: BaseException) -> str:
    """Say what happened, for people. Never the request's or the answer's own content, which may be confidential."""
    cause = getattr(error, "os_error", None) or error
    for kind, words in _WORDS:
        if isinstance(cause, kind):
            return words
    detail = cause.strerror if isinstance(cause, OSError) else ""
    return f"{type(cause).__name__}: {detail}" if detail else type(cause).__name__


_UNAUTHORIZED = 401
_TOO_MANY_REQUESTS = 429
_PAUSE_S = 2.0
_PAUSE_OF_A_LIMIT_S = 20.0
_BODY_BYTES_MAX = 1 << 20


class Account:
    """Keeps a bearer token, and signs in again when its session was lost: a rollback may end sessions.

    ``why`` says what the last attempt to sign in failed with; empty when it worked.
    """

    def __init__(self, session: aiohttp.ClientSession, sign_in: SignIn | None, *, deadline_s: float) -> None:
        self._session = session
        self._sign_in = sign_in
        self._deadline_s = deadline_s
        self._token = ""
        self._user_id = ""
        self._attempted_s = float("-inf")
        self.why = "not tried"
        self.is_limited = False
        """The last attempt was refused because there were too many (HTTP 429)."""

    @property
    def headers(self) -> dict[str, str]:
        """The authorization to send, if there is one."""
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    @property
    def user_id(self) -> str:
        """The account's own id; empty before it was told."""
        return self._user_id

    def filled(self, url: str) -> str:
        """The address with the account's own id, where it has a place for it."""
        return url.replace("{user_id}", self._user_id)

    def lost(self, status: int | None) -> bool:
        """Say whether this status means that it is time to sign in again (at most once in two seconds)."""
        return self._sign_in is not None and status == _UNAUTHORIZED and self.may_try

    @property
    def may_try(self) -> bool:
        """Whether enough time has passed since the last attempt; a limit is not met again and again."""
        pause_s = _PAUSE_OF_A_LIMIT_S if self.is_limited else _PAUSE_S
        return time.monotonic() - self._attempted_s >= pause_s

    async def renew(self) -> bool:
        """Sign in. Gives whether it worked."""
        if self._sign_in is None:
            return False
        self._attempted_s = time.monotonic()
        credentials = {"email": self._sign_in.email, "password": self._sign_in.password}
        try:
            answer = await exchange(
                self._session,
                "POST",
                self._sign_in.url,
                deadline_s=self._deadline_s,
                body_bytes_max=_BODY_BYTES_MAX,
                headers=self._sign_in.headers,
                body=credentials,
            )
        except NotSent as error:
            self.why = str(error)
            return False
        self.is_limited = answer.http_status == _TOO_MANY_REQUESTS and not answer.problem
        token = answer.json.get("access_token") if isinstance(answer.json, dict) else None
        if not isinstance(token, str) or not token:
            self.why = answer.problem or f"HTTP {answer.http_status} without an access_token"
            return False
        user = answer.json.get("user")
        self._token, self.why = token, ""
        self._user_id = str(user.get("id", "")) if isinstance(user, dict) else ""
        return True


_LEAD_S = 0.05


class Observing(ABC):
    """Sends what is due until it is told to end, and records what becomes of it."""

    who, what = "observer", "requests"

    def __init__(self, config: ObserverConfig, writer: LineWriter) -> None:
        self._writer = writer
        self._settings = config
        self._outstanding: set[asyncio.Task[None]] = set()
        self._session = new_session(f"pam-rollback-{self.who}/1 (rollback verification; run {config.run})")
        self._account = Account(self._session, config.sign_in, deadline_s=config.timeout_s)

    async def run(self, lifeline: Lifeline) -> None:
        """Send until the lifeline is over, then wait for what is in flight."""
        config = self._settings
        async with self._session:
            await self._sign_in()
            ticks = Ticks(time.monotonic() + _LEAD_S, config.rate_hz)
            header = {"rate_hz": config.rate_hz, "first_due_s": ticks.first_s, "timeout_s": config.timeout_s}
            anchor = {"monotonic_s": time.monotonic(), "wall_s": time.time()}
            self._writer.write({"anchor": anchor, **header, "run": config.run, **self._header()})
            count = await self._send_all(lifeline, ticks)
            await self._settled()
        end = {"reason": lifeline.reason, "monotonic_s": time.monotonic(), "ticks": count}
        self._writer.write({"end": end})

    @abstractmethod
    async def _sign_in(self) -> None:
        """Sign in where a request needs a session, before the first tick."""

    def _header(self) -> dict[str, Any]:
        """Give what the record's first line says besides."""
        return {}

    async def _send_all(self, lifeline: Lifeline, ticks: Ticks) -> int:
        """Send whenever it is due; give how many ticks there were."""
        tick, most = 0, self._settings.outstanding_max
        while not await lifeline.over_before(ticks.due_s(tick)):
            behind_s, out = time.monotonic() - ticks.due_s(tick), len(self._outstanding)
            why_not = why_not_sent(self.who, self.what, behind_s=behind_s, out=out, out_max=most)
            self._fire(tick, ticks.due_s(tick), why_not)
            tick += 1
        return tick

    @abstractmethod
    def _fire(self, tick: int, due_s: float, why_not: str) -> None:
        """Send what this tick is for; ``why_not``: it cannot leave."""

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._outstanding.add(task)
        task.add_done_callback(self._outstanding.discard)

    async def _settled(self) -> None:
        until_s = time.monotonic() + self._settings.longest_s + 0.5
        while self._outstanding and time.monotonic() < until_s:
            await asyncio.wait(set(self._outstanding), timeout=until_s - time.monotonic())
