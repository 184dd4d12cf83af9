"""Who is turned away at the API's door, as today's product does it: scanners everywhere, too many sign-ins, changes from nowhere."""

import secrets
import time
from collections import defaultdict, deque
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

_MINUTE_S, _HOUR_S = 60.0, 3600.0
PATHS_MAX = 20
"""Different paths from one address within a minute; one more, and it is taken for a scanner."""
_PINGS_MAX = 50
"""Of /health/ping, from one address within a minute."""
_SIGN_INS_MAX = 10
PING, SIGN_IN = "/health/ping", "/api/auth/login"
_LIMITS = {PING: _PINGS_MAX, SIGN_IN: _SIGN_INS_MAX}
"""Requests from one address within a minute. /health and /api/health have no limit, and are refused to a banned address all the same."""
_READ = frozenset({"GET", "HEAD"})
_UNPROVEN = ("/health", "/openapi.json", "/metrics", "/api/v1/pam", "/api/v1/support")
"""Where a change needs no proof that it comes from the product's own page; elsewhere no proof is ever accepted."""


class Doorkeeper:
    """Remembers addresses, whatever becomes of the releases behind it: a ban survives each of their restarts."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._paths: dict[str, deque[tuple[float, str]]] = defaultdict(deque)
        self._asked: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._banned_until: dict[str, float] = {}

    def refusal(self, request: web.BaseRequest, client: str) -> web.Response | None:
        """What an address is told instead of an answer; None lets it in."""
        if request.method == "OPTIONS":
            return None
        now = self._clock()
        if self._banned_until.get(client, 0.0) > now:
            return _blocked()
        limited = self._too_often(client, request.path, now)
        if limited is not None:
            return limited
        if request.method not in _READ and not request.path.startswith(_UNPROVEN):
            return _forged()
        # The request that goes too far is the last one that gets an answer.
        self._note(client, request.path, now)
        return None

    def forgive(self) -> None:
        """Know nobody."""
        self._paths.clear()
        self._asked.clear()
        self._banned_until.clear()

    def _note(self, client: str, path: str, now: float) -> None:
        seen = self._paths[client]
        seen.append((now, path))
        while seen and seen[0][0] <= now - _MINUTE_S:
            seen.popleft()
        if len({path for _, path in seen}) > PATHS_MAX:
            self._banned_until[client] = now + _HOUR_S

    def _too_often(self, client: str, path: str, now: float) -> web.Response | None:
        if path not in _LIMITS:
            return None
        asked = self._asked[client, path]
        while asked and asked[0] <= now - _MINUTE_S:
            asked.popleft()
        if len(asked) < _LIMITS[path]:
            asked.append(now)
            return None
        wait_s = int(_MINUTE_S - (now - asked[0])) + 1
        words = "Too many requests. Please try again later."
        body = {"error": "Rate limit exceeded", "message": words, "retry_after": wait_s}
        return web.json_response(body, status=429, headers={"Retry-After": str(wait_s)})


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
