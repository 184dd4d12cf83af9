"""What the APIs of both hosts have in common: routes, who may ask and how often, what a request may name, and what a fault makes of it."""

import hmac
import json
import math
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar

from aiohttp import web

from pam_sandbox.faults import Fault, PlantedFaults
from pam_sandbox.spoilt_answers import cut_off

_WINDOW_S = 60
Described = Mapping[str, tuple[frozenset[str], frozenset[str]]]
"""By method and operation: what query and body may name."""


class Refusal(Exception):  # noqa: N818 - an answer, not a defect
    """The answer is an error: a status, and a message."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


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


@dataclass(frozen=True)
class Asked:
    """One request: the parts of its path that have a name, and the object in its body."""

    request: web.BaseRequest
    named: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Route:
    """One method of one path. `operation` is what faults call it."""

    method: str
    path: re.Pattern[str]
    operation: str
    answer: Callable[[Asked], Awaitable[web.Response]]
    takes_file: bool = False

    @property
    def name(self) -> str:
        """What `DESCRIBED` calls it."""
        return f"{self.method} {self.operation}"


async def told(document: object, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Answer with this document; a coroutine, as every answer is one."""
    return web.json_response(document, status=status)


class HostApi:
    """One account with one token, which may do everything. A provider adds its routes, its limits and its words."""

    base: ClassVar[str]
    fault_name: ClassVar[str]
    described: ClassVar[Described]
    wrong: ClassVar[HTTPStatus]
    """The status of a request that is not described."""
    unauthorized: ClassVar[str]
    too_many: ClassVar[str]
    phrase: ClassVar[Callable[[str], str]] = str
    """How the words of a status are written."""
    limit_prefix: ClassVar[str]
    tells_moment: ClassVar[bool]
    """Whether a limit is told to be renewed at a moment, or in so many seconds."""
    routes: tuple[Route, ...] = ()

    def __init__(self, faults: PlantedFaults, token: str, *limits: Allowance) -> None:
        self._faults = faults
        self.token = token
        self._all_limits = limits

    def renew(self) -> None:
        """Forget what was asked for so far."""
        for allowance in self._all_limits:
            allowance.until = 0.0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer as the host does, or as the planted fault says."""
        path = request.path.removeprefix(self.base) if request.path.startswith(f"{self.base}/") else ""
        found = [(route, match) for route in self.routes if (match := route.path.fullmatch(path)) is not None]
        route, match = next((one for one in found if one[0].method == request.method), (None, None))
        if route is None or match is None:
            return self.elsewhere(request, path, is_known=bool(found))
        fault = self.fault_of(route)
        how = "" if fault is None else str(fault.settings["what"])
        if fault is not None and how == "hangs":
            await fault.cleared.wait()
        if how in {"hangs", "reset"}:
            return cut_off(request)
        allowances = self.allowances(route)
        try:
            self._let_in(request, allowances)
            answer = self.spoilt(how)
            if answer is None:
                body = {} if route.takes_file else await self._body(request, route)
                named = {name: value or "" for name, value in match.groupdict().items()}
                answer = await route.answer(Asked(request, named, body))
        except Refusal as refusal:
            answer = self.refused(refusal)
        if how == "answer-lost":
            return cut_off(request)
        if how == "garbage" and answer.status < HTTPStatus.BAD_REQUEST:
            answer = web.Response(body=b'{"id": "', content_type="application/json")
        answer.headers.update(self.limits(allowances[-1]))
        return answer

    def fault_of(self, route: Route) -> Fault | None:
        """Give the newest planted fault that concerns this route."""
        planted = self._faults.named(self.fault_name)
        return next((one for one in reversed(planted) if one.settings["operation"] in {"all", route.operation}), None)

    def spoilt(self, how: str) -> web.Response | None:
        """Give what is answered in place of the truth; None when nothing is spoilt before it is done."""
        if how.startswith("error-"):
            status = HTTPStatus(int(how.removeprefix("error-")))
            return self.refused(Refusal(status, type(self).phrase(status.phrase)))
        return None

    def allowances(self, route: Route) -> tuple[Allowance, ...]:
        """Give what a request of this route uses up; its answer tells of the last one."""
        raise NotImplementedError

    def limits(self, allowance: Allowance) -> dict[str, str]:
        """Give the headers that tell how much may still be asked."""
        now = time.time()
        reset = max(allowance.until, now) if self.tells_moment else max(1, allowance.until - now)
        return {
            f"{self.limit_prefix}-Limit": str(allowance.limit),
            f"{self.limit_prefix}-Remaining": str(max(0, allowance.left)),
            f"{self.limit_prefix}-Reset": str(math.ceil(reset)),
        }

    def refused(self, refusal: Refusal) -> web.Response:
        """Word a refusal as the host does."""
        raise NotImplementedError

    def elsewhere(self, request: web.BaseRequest, path: str, *, is_known: bool) -> web.Response:
        """Answer where there is no route; the path has one for another method where it is known."""
        raise NotImplementedError

    def _let_in(self, request: web.BaseRequest, allowances: Iterable[Allowance]) -> None:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self.token.encode()):
            raise Refusal(HTTPStatus.UNAUTHORIZED, self.unauthorized)
        if not all(allowance.take() for allowance in allowances):
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, self.too_many)

    async def _body(self, request: web.BaseRequest, route: Route) -> Mapping[str, Any]:
        """Give the object in the body. Raises Refusal for a request that the host does not describe, so that a wrong one is noticed."""
        raw = await request.read()
        try:
            body = json.loads(raw) if raw.strip() else {}
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Refusal(self.wrong, "the body must be a JSON object")
        if body and request.content_type != "application/json":
            raise Refusal(self.wrong, f"expected a body of the type application/json, found {request.content_type}")
        queries, names = self.described.get(route.name, (frozenset(), frozenset()))
        if unknown := sorted((request.query.keys() - queries) | (body.keys() - names)):
            raise Refusal(self.wrong, f"{route.operation}: not described: {', '.join(unknown)}")
        return body
