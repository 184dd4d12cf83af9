"""Who is turned away at the API's door, as today's product does it, and an address from which the sandbox is asked as by somebody else."""

import secrets
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from http import HTTPStatus

import aiohttp
from aiohttp import web

from pam_sandbox.personalities import CLIENT_MAX, OF_AN_ADDRESS_MAX, PATHS_MAX, REQUESTS_MAX

_MINUTE_S, _HOUR_S = 60.0, 3600.0
_SHUT_OUT_S = 1800.0
_SIGN_INS_MAX = 10
"""The same for the sign-in, which counts whatever else the address has asked for."""
PING, SIGN_IN, SOCKETS = "/health/ping", "/api/auth/login", "/api/v1/pam/ws/"
_UNLIMITED = frozenset({"/health", "/api/health"})
"""Asked as often as anybody likes, and refused to a banned address all the same."""
_BY_ANY_CLIENT = ("/health", "/docs", "/openapi.json", "/metrics")
"""Beginnings of paths that count for no client."""
_READ = frozenset({"GET", "HEAD"})
_UNPROVEN = ("/health", "/openapi.json", "/metrics", "/api/v1/pam", "/api/v1/support")
"""Where a change needs no proof that it comes from the product's own page; elsewhere no proof is ever accepted."""


class Doorkeeper:
    """Remembers addresses, whatever becomes of the releases behind it: a ban survives each of their restarts.

    ``hurry`` times as many requests are borne, where windows are as much shorter; a scanner is one after as many paths as ever.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, hurry: int = 1) -> None:
        self._clock = clock
        self._hurry = hurry
        self._paths: dict[str, deque[tuple[float, str]]] = defaultdict(deque)
        self._asked: dict[str, deque[float]] = defaultdict(deque)
        self._clients: dict[tuple[str, str], tuple[int, int]] = {}
        self._shut_out_until: dict[tuple[str, str], float] = {}
        self._banned_until: dict[str, float] = {}

    def refusal(self, request: web.BaseRequest, client: str) -> web.Response | None:
        """What an address is told instead of an answer; None lets it in."""
        if request.method == "OPTIONS" or request.path.startswith(SOCKETS):
            return None  # what counts requests of HTTP sees no WebSocket, although the product says that five a minute are its limit
        now = self._clock()
        if self._banned_until.get(client, 0.0) > now:
            return _blocked()
        limited = self._too_often(request, client, now)
        if limited is not None:
            return limited
        if request.method not in _READ and not request.path.startswith(_UNPROVEN):
            return _forged()
        shut_out = self._shut_out(request, client, now)
        if shut_out is not None:
            return shut_out
        # The request that goes too far is the last one that gets an answer.
        self._note(client, request.path, now)
        return None

    def forgive(self) -> None:
        """Know nobody."""
        self._paths.clear()
        self._asked.clear()
        self._clients.clear()
        self._shut_out_until.clear()
        self._banned_until.clear()

    def _note(self, client: str, path: str, now: float) -> None:
        seen = self._paths[client]
        seen.append((now, path))
        while seen and seen[0][0] <= now - _MINUTE_S:
            seen.popleft()
        if len({path for _, path in seen}) > PATHS_MAX:
            self._banned_until[client] = now + _HOUR_S

    def _too_often(self, request: web.BaseRequest, client: str, now: float) -> web.Response | None:
        if request.path in _UNLIMITED:
            return None
        if request.headers.get("Authorization", ""):
            return self._limited((("", REQUESTS_MAX), (client, OF_AN_ADDRESS_MAX)), now)
        most = _SIGN_INS_MAX if request.path == SIGN_IN else REQUESTS_MAX
        # An address is counted for itself and again as the one who asks, where nobody else is known to.
        return self._limited(((client, most), (client, OF_AN_ADDRESS_MAX)), now)

    def _limited(self, counts: Sequence[tuple[str, int]], now: float) -> web.Response | None:
        """What is beyond one of the limits is refused, and counts where it is not."""
        wait_s = 0
        for whose, most in counts:
            asked = self._asked[whose]
            while asked and asked[0] <= now - _MINUTE_S:
                asked.popleft()
            if len(asked) < most * self._hurry:
                asked.append(now)
            else:
                wait_s = max(wait_s, int(_MINUTE_S - (now - asked[0])) + 1)
        if not wait_s:
            return None
        words = f"Too many requests (endpoint limit). Please try again in {wait_s} seconds."
        body = {"error": "Rate limit exceeded", "message": words, "retry_after": wait_s}
        return web.json_response(body, status=429, headers={"Retry-After": str(wait_s)})

    def _shut_out(self, request: web.BaseRequest, client: str, now: float) -> web.Response | None:
        who = client, request.headers.get("User-Agent", "")
        if request.path.startswith(_BY_ANY_CLIENT):
            return None
        left_s = int(self._shut_out_until.get(who, now) - now)
        if left_s > 0:
            words = "Your IP has been temporarily blocked due to excessive requests"
            body = {"error": "Client Blocked", "message": words}
            return web.json_response(body, status=429, headers={"Retry-After": str(left_s)})
        minute = int(now // _MINUTE_S)
        latest, asked = self._clients.get(who, (minute, 0))
        self._clients[who] = minute, asked + 1 if latest == minute else 1
        if self._clients[who][1] > CLIENT_MAX * self._hurry:
            self._shut_out_until[who] = now + _SHUT_OUT_S
        return None


def _blocked() -> web.Response:
    body = {"error": "Access Forbidden", "message": "Your IP address has been blocked due to security violations"}
    return web.json_response(body, status=HTTPStatus.FORBIDDEN)


def _forged() -> web.Response:
    body = {
        "error": "CSRF Protection",
        "message": "Request blocked due to CSRF protection",
        "details": "Missing or invalid CSRF token",
        "request_id": secrets.token_hex(8),
    }
    return web.json_response(body, status=HTTPStatus.FORBIDDEN)


ADDRESS = "198.51.100.7"
"""Of the block that is kept for documentation: RFC 5737."""
_HEADER = "X-Forwarded-For"
_WITHIN_S = 10.0
_NOT_PASSED_ON = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "content-encoding"})


class Elsewhere:
    """Asks what it is asked for, as a client of another address. Of this machine only."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer that somebody else gets."""
        if request.url.host != "127.0.0.1" or request.method != "GET":
            return web.Response(status=HTTPStatus.FORBIDDEN, text="only GET of the sandbox's own addresses")
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_PASSED_ON}
        headers[_HEADER] = ADDRESS
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_WITHIN_S)) as session,
                session.get(request.url, headers=headers, allow_redirects=False) as answer,
            ):
                passed = {name: value for name, value in answer.headers.items() if name.lower() not in _NOT_PASSED_ON}
                passed.pop("Content-Length", None)
                return web.Response(status=answer.status, body=await answer.read(), headers=passed)
        except (aiohttp.ClientError, TimeoutError) as error:
            return web.Response(status=HTTPStatus.BAD_GATEWAY, text=f"cannot be reached: {type(error).__name__}")


def is_from_elsewhere(request: web.BaseRequest) -> bool:
    """Whether a request came through the proxy."""
    return request.headers.get(_HEADER) == ADDRESS
