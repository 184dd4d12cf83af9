"""Netlify's account: who may ask, how often, and how a refusal is worded."""

import hmac
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

REQUESTS_PER_MIN = 500
DEPLOYS_PER_MIN = 3
_WINDOW_S = 60


class Refusal(Exception):  # noqa: N818 - an answer, not a defect
    """The answer is an error: a status, the message of its envelope, and headers of its own."""

    def __init__(self, status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})

    @property
    def envelope(self) -> dict[str, object]:
        """Its body."""
        return {"code": int(self.status), "message": str(self)}


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

    def headers(self) -> dict[str, str]:
        """What each answer says about it; the reset is a moment, in unix seconds."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.left)),
            "X-RateLimit-Reset": str(math.ceil(max(self.until, time.time()))),
        }


class Account:
    """One personal access token, which may do everything."""

    def __init__(
        self, token: str, *, requests_per_min: int = REQUESTS_PER_MIN, deploys_per_min: int = DEPLOYS_PER_MIN
    ) -> None:
        self._token = token
        self.requests = Allowance(requests_per_min)
        self.deploys = Allowance(deploys_per_min)

    def renew(self) -> None:
        """Forget what was asked for so far."""
        self.requests.until = self.deploys.until = 0.0

    def let_in(self, authorization: str, *, creates_deploy: bool) -> Allowance:
        """Count a request; gives the allowance that its answer speaks of. Raises Refusal."""
        given = authorization.removeprefix("Bearer ").encode("utf-8", "surrogateescape")
        if not authorization.startswith("Bearer ") or not hmac.compare_digest(given, self._token.encode()):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "Access Denied")
        if not self.requests.take():
            raise _too_many(self.requests)
        if not creates_deploy:
            return self.requests
        if not self.deploys.take():
            raise _too_many(self.deploys)
        return self.deploys


def _too_many(allowance: Allowance) -> Refusal:
    return Refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too Many Requests", allowance.headers())
