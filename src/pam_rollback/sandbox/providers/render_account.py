"""Who may ask Render, and how often: the key, and the limits with their headers."""

import hmac
import math
import secrets
import time
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

_WINDOW_S = 60
GETS_PER_MIN = 400
_CHANGES_PER_MIN = 30
_SERVICE_CHANGES_PER_MIN = 10
"""For one service: its settings, and deploys."""


class Refusal(Exception):  # noqa: N818 - an answer, not a defect
    """An answer that is no success."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class _Budget:
    limit: int
    left: int
    until: float = 0.0

    def take(self) -> bool:
        now = time.time()
        if now >= self.until:
            self.left, self.until = self.limit, now + _WINDOW_S
        self.left -= 1
        return self.left >= 0

    def headers(self) -> dict[str, str]:
        return {
            "Ratelimit-Limit": str(self.limit),
            "Ratelimit-Remaining": str(max(0, self.left)),
            "Ratelimit-Reset": str(max(1, math.ceil(self.until - time.time()))),
        }


class Account:
    """One account."""

    def __init__(self, key: str, *, gets_per_min: int = GETS_PER_MIN) -> None:
        self._key = key
        self._gets_per_min = gets_per_min
        self.renew()

    def renew(self) -> None:
        """Forget what was asked so far."""
        self._gets = _Budget(self._gets_per_min, self._gets_per_min)
        self._changes = _Budget(_CHANGES_PER_MIN, _CHANGES_PER_MIN)
        self._service_changes = _Budget(_SERVICE_CHANGES_PER_MIN, _SERVICE_CHANGES_PER_MIN)

    def let_in(self, request: web.BaseRequest, *, changes_service: bool = False) -> None:
        """Raise Refusal when the key is wrong or the limit is reached."""
        given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._key.encode()):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "unauthorized")
        has_left = (self._gets if request.method == "GET" else self._changes).take()
        if not has_left or (changes_service and not self._service_changes.take()):
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, "rate limit exceeded")

    def limits(self, request: web.BaseRequest, *, changes_service: bool = False) -> dict[str, str]:
        """The headers that tell how much may still be asked."""
        if changes_service:
            return self._service_changes.headers()
        return (self._gets if request.method == "GET" else self._changes).headers()


def refused(refusal: Refusal, headers: dict[str, str]) -> web.Response:
    """A refusal as Render words it."""
    body = {"id": secrets.token_hex(8), "message": str(refusal)}
    return web.json_response(body, status=refusal.status, headers=headers)
