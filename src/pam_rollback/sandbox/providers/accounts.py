"""Who may ask the hosts, and how often: Netlify's account and Render's, each with its own headers and words."""

import hmac
import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from aiohttp import web

_WINDOW_S = 60
_NETLIFY_DEPLOYS_PER_MIN = 3
RENDER_GETS_PER_MIN = 400
_NETLIFY_PER_MIN = 500
_RENDER_CHANGES_PER_MIN = 30
_RENDER_SERVICE_CHANGES_PER_MIN = 10
"""For one service: its settings, and deploys."""


class Refusal(Exception):  # noqa: N818 - an answer, not a defect
    """The answer is an error: a status, a message, and headers of its own."""

    def __init__(self, status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})


@dataclass
class Allowance:
    """So many in a minute. The window begins with the first request after the last one ended."""

    limit: int
    left: int = field(init=False)
    until: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.limit

    def take(self) -> bool:
        """Use one up; False when none is left."""
        now = time.time()
        if now >= self.until:
            self.left, self.until = self.limit, now + _WINDOW_S
        self.left -= 1
        return self.left >= 0

    def told(self, prefix: str, reset: float) -> dict[str, str]:
        """What an answer says about it."""
        return {
            f"{prefix}-Limit": str(self.limit),
            f"{prefix}-Remaining": str(max(0, self.left)),
            f"{prefix}-Reset": str(math.ceil(reset)),
        }


def _fits(request: web.BaseRequest, token: str) -> bool:
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    return kind == "Bearer" and hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode())


class NetlifyAccount:
    """One personal access token, which may do everything."""

    def __init__(self, token: str) -> None:
        self._token = token
        self.requests = Allowance(_NETLIFY_PER_MIN)
        self.deploys = Allowance(_NETLIFY_DEPLOYS_PER_MIN)

    def renew(self) -> None:
        """Forget what was asked for so far."""
        self.requests.until = self.deploys.until = 0.0

    def let_in(self, request: web.BaseRequest, *, creates_deploy: bool) -> dict[str, str]:
        """Count a request; gives the limits that its answer tells, with the reset as a moment. Raises Refusal."""
        if not _fits(request, self._token):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "Access Denied")
        headers: dict[str, str] = {}
        for allowance in (self.requests, self.deploys) if creates_deploy else (self.requests,):
            may_pass = allowance.take()
            headers = allowance.told("X-RateLimit", max(allowance.until, time.time()))
            if not may_pass:
                raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too Many Requests", headers)
        return headers


class RenderAccount:
    """One account with one key."""

    def __init__(self, key: str, *, gets_per_min: int = RENDER_GETS_PER_MIN) -> None:
        self._key = key
        self._gets = Allowance(gets_per_min)
        self._changes = Allowance(_RENDER_CHANGES_PER_MIN)
        self._service_changes = Allowance(_RENDER_SERVICE_CHANGES_PER_MIN)

    def renew(self) -> None:
        """Forget what was asked so far."""
        self._gets.until = self._changes.until = self._service_changes.until = 0.0

    def let_in(self, request: web.BaseRequest, *, changes_service: bool = False) -> None:
        """Raise Refusal when the key is wrong or the limit is reached."""
        if not _fits(request, self._key):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "unauthorized")
        has_left = (self._gets if request.method == "GET" else self._changes).take()
        if not has_left or (changes_service and not self._service_changes.take()):
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, "rate limit exceeded")

    def limits(self, request: web.BaseRequest, *, changes_service: bool = False) -> dict[str, str]:
        """The headers that tell how much may still be asked; the reset is in seconds."""
        usual = self._gets if request.method == "GET" else self._changes
        allowance = self._service_changes if changes_service else usual
        return allowance.told("Ratelimit", max(1, allowance.until - time.time()))


def refused_by_render(refusal: Refusal, headers: Mapping[str, str]) -> web.Response:
    """A refusal as Render words it."""
    body = {"id": secrets.token_hex(8), "message": str(refusal)}
    return web.json_response(body, status=refusal.status, headers=headers)
