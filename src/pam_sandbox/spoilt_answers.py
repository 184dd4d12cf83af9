"""Answers that a broken proxy, a half-dead server or a single-page fallback would give; true on the wire, not simulated by headers.

Some are true answers that are made something else on their way: writes that fail from some moment on, reads of before, other contents.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from aiohttp import web

from pam_sandbox.doorkeeper import is_from_elsewhere
from pam_sandbox.faults import Fault, PlantedFaults

TrueAnswer = Callable[[web.BaseRequest], Awaitable[Mapping[str, object] | None]]
RELEASE_HEADER = "X-Release"
_JSON = "application/json"
_DRIP_S = 0.05
_PROMISED_BYTES = 4096
_ASKING_AS = {"browsers-refused": "Mozilla", "phones-refused": "Mobile"}
"""Faults that only meet who says so of itself."""
_OF_THE_API = {"rate-limited-login": "/api/v1/auth/login", "path-missing": "*"}
"""Faults that only the API can have, and their paths where they name none."""
_REFUSING = {
    "we-are-banned": 403,
    "everybody-is-banned": 403,
    "rate-limited-login": 429,
    "path-missing": 404,
    "browsers-refused": 503,
    "answers-fail": 500,
    "phones-refused": 500,
}
"""Faults that are nothing but a status, and which where the fault does not say."""
_LIES: Mapping[str, Mapping[str, object]] = {
    "not-a-number": {"load": float("nan")},
    "part-down": {"checks": {"database": {"status": "unhealthy"}, "redis": "down"}},
    "flag": {"healthy": False},
    "issues": {"issues": ["database: no route"]},
    "maintenance": {"maintenance": True},
    "warnings": {"warnings": ["database: 97 of 100 connections are used"]},
    "alerts": {"alerts": [{"name": "high error rate", "status": "firing"}]},
    "breaker-open": {"circuit_breakers": {"model": "OPEN"}},
    "traceback": {"detail": "Traceback (most recent call last):\n  File"},
}
_START = b'{"status": "healthy", '
_BOTH = frozenset({"api", "frontend"})
_GOLDEN = 0.6180339887498949
"""Multiples of it spread evenly over 0 to 1: any run of requests holds the wanted share."""


class Spoiler:
    """Spoils the answers of one server (`api`, `frontend` or `supabase`). `page` is the site's page, `version` the live release's."""

    def __init__(
        self, faults: PlantedFaults, *, server: str, page: Callable[[], bytes], version: Callable[[], str]
    ) -> None:
        self._faults = faults
        self._server = server
        self._page = page
        self._version = version
        self._of_the_other = False
        self._asked: Counter[str] = Counter()

    async def spoil(self, request: web.BaseRequest, true_answer: TrueAnswer) -> web.StreamResponse | None:
        """The answer that the planted faults give to this request; None when the true one is due. Delays are served here too.

        Delays add up; of the other faults the newest counts. `true_answer` gives the JSON that a changed answer starts from.
        """
        if request.method == "OPTIONS":
            return None  # a browser's preflight is not what the fault is about
        shape: Fault | None = None
        for fault in self._faults:
            if self._concerns(fault, request):
                if "ms" in fault.settings:
                    await _hold(fault, float(fault.settings["ms"]) / 1000)
                else:
                    shape = fault
        return None if shape is None else await self._shaped(request, shape, true_answer)

    def _concerns(self, fault: Fault, request: web.BaseRequest) -> bool:
        name, settings = fault.kind.name, fault.settings
        if fault.kind.layer != "edge" or (name == "we-are-banned" and is_from_elsewhere(request)):
            return False
        if _ASKING_AS.get(name, "") not in request.headers.get("User-Agent", ""):
            return False
        server = str(settings.get("server", "api" if name in _OF_THE_API else "both"))
        own = self._server in (_BOTH if server == "both" else {server})
        pattern = str(settings.get("path", _OF_THE_API.get(name, "*")))
        return own and fnmatchcase(request.path, pattern) and self._is_of_the_share(fault, request)

    def _is_of_the_share(self, fault: Fault, request: web.BaseRequest) -> bool:
        """Whether this request is one of those that fail: each path meets the share by itself."""
        if "share" not in fault.settings:
            return True
        self._asked[request.path] += 1
        return (self._asked[request.path] * _GOLDEN) % 1 < float(fault.settings["share"])

    async def _shaped(
        self, request: web.BaseRequest, fault: Fault, true_answer: TrueAnswer
    ) -> web.StreamResponse | None:
        name, settings = fault.kind.name, fault.settings
        match name:
            case _ if name in _REFUSING:
                return _refusal(int(str(settings.get("status", _REFUSING[name]))))
            case "answers-html":
                return web.Response(body=self._page(), content_type="text/html", charset="utf-8")
            case "answers-garbage":
                return web.Response(body=_START, content_type=_JSON)
            case "answers-never-ending" | "answers-silence" | "answers-half-closed":
                return await _unfinished(request, fault)
        told = dict(await true_answer(request) or {})
        if name in {"answers-without-commit", "answers-of-two-builds"}:
            return self._of_another_commit(told, settings.get("commit"))
        told = {"timestamp": datetime.now(UTC).isoformat(), **told}
        return self._lying(told, str(settings["how"])) if name == "answers-lying" else self._changed(told, fault)

    def _of_another_commit(self, told: dict[str, object], commit: object) -> web.Response | None:
        """Without the commit, or every other time with another one; None: there was none to begin with."""
        if commit is None:
            named = {name: value for name, value in told.items() if name != "commit"}
            return web.json_response(named if told else {"detail": "bad gateway"}, status=200 if told else 502)
        if "commit" not in told:
            return None
        self._of_the_other = not self._of_the_other
        return web.json_response(told | {"commit": commit} if self._of_the_other else told)

    def _lying(self, body: dict[str, object], how: str) -> web.Response:
        body |= {"status": "healthy", **_LIES.get(how, {})}
        if how == "nameless":
            body |= dict.fromkeys({"release", "version"} & set(body), "unknown")
        text = json.dumps(body)
        if how == "twice":
            text = '{"status": "unhealthy", ' + text.removeprefix("{")
        kept = {"Age": "86400", "X-Cache": "HIT"} if how == "kept" else {}
        return web.Response(text=text, content_type=_JSON, headers={RELEASE_HEADER: self._version(), **kept})

    def _changed(self, body: dict[str, object], fault: Fault) -> web.Response:
        version = str(fault.settings.get("version", self._version()))
        named = {"version": version} if "version" in body else {}
        unhealthy = fault.kind.name == "answers-unhealthy"
        told = {**body, "release": version, **named, "status": "unhealthy" if unhealthy else "healthy"}
        status = HTTPStatus.SERVICE_UNAVAILABLE if fault.kind.name == "answers-503-healthy" else HTTPStatus.OK
        return web.json_response(told, status=status, headers={RELEASE_HEADER: version})


def cut_off(request: web.BaseRequest) -> web.Response:
    """Abort the connection; nobody gets the answer that this returns."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _refusal(status: int) -> web.Response:
    if status == HTTPStatus.NOT_FOUND or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return web.json_response({"detail": HTTPStatus(status).phrase}, status=status)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return web.json_response({"detail": "too many requests"}, status=status, headers={"Retry-After": "3600"})
    return web.json_response({"detail": "blocked"}, status=status)


def true_document(text: bytes) -> Mapping[str, object] | None:
    """The JSON object in `text`; None when it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


async def _hold(fault: Fault, seconds: float) -> None:
    """Wait, but no longer than the fault is planted."""
    try:
        await asyncio.wait_for(fault.cleared.wait(), seconds)
    except TimeoutError:
        return


async def _unfinished(request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
    """An answer that never comes to its end. What a fault held back does not turn into a good one when the fault goes."""
    if fault.kind.name == "answers-silence":
        await fault.cleared.wait()
        return cut_off(request)
    ends = fault.kind.name == "answers-half-closed"
    promised = {"Content-Length": str(_PROMISED_BYTES)} if ends else {}
    response = web.StreamResponse(headers={"Content-Type": _JSON, **promised})
    await response.prepare(request)
    if ends:
        await response.write(_START)
        if request.transport is not None:
            request.transport.close()  # in order: what was written arrives first
        return response
    while not fault.cleared.is_set():
        await response.write(b" ")
        await _hold(fault, _DRIP_S)
    cut_off(request)
    return response


_PARTS = {
    **{name: name for name in ("chat", "expenses", "settings", "profile", "tickets", "history")},
    "pam_messages": "history",
    "user_settings": "settings",
    "profiles": "profile",
}
"""By the last part of a path that says what it is about: the API's, and tables."""
_OLD = timedelta(hours=1)
_HUNDRED = 100
_DAY_S = 86_400
_IDLE_BYTES = 30_000_000

Answering = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class AlteredAnswers:
    """What one host answers, as the planted faults of the layer `answers` change it."""

    def __init__(self, faults: PlantedFaults) -> None:
        self._faults = faults
        self._kept: dict[tuple[object, ...], tuple[float, bytes]] = {}
        self._reads = 0

    async def give(self, request: web.BaseRequest, answer: Answering) -> web.StreamResponse:
        """The answer to one request."""
        planted = [fault for fault in self._faults if fault.kind.layer == "answers"]
        part = next((_PARTS[one] for one in reversed(request.path.split("/")) if one in _PARTS), "")
        if any(_fails(fault, request, part) for fault in planted):
            return web.json_response({"detail": "something went wrong on our side"}, status=500)
        found = await answer(request)
        if (
            not planted
            or request.method != "GET"
            or found.status != HTTPStatus.OK
            or not isinstance(found, web.Response)
        ):
            return found
        body = found.body if isinstance(found.body, bytes) else b""
        for fault in planted:
            body = self._changed(fault, request, part, body)
        headers = found.headers.copy()
        headers.popall("Content-Length", None)
        return web.Response(body=body, headers=headers)

    def _changed(self, fault: Fault, request: web.BaseRequest, part: str, body: bytes) -> bytes:
        what = fault.settings.get("what", "")
        match fault.kind.name:
            case "reads-behind" if part in {"expenses", "history"}:
                return self._of_before(fault, request, body, float(fault.settings["s"]))
            case "metrics-lie" if request.path.endswith("/metrics"):
                return self._of_another() if what == "of-another" else self._of_before(fault, request, body, _DAY_S)
            case "contents-altered" if part:
                return json.dumps(_altered(json.loads(body), str(what), part)).encode()
        return body

    def _of_before(self, fault: Fault, request: web.BaseRequest, body: bytes, seconds: float) -> bytes:
        query = tuple((name, value) for name, value in request.query.items() if name != "probe")
        key = (fault.planted_s, request.path, query, request.headers.get("Authorization", ""))
        now_s = time.monotonic()
        since_s, kept = self._kept.get(key, (0.0, b""))
        if not kept or now_s - since_s > seconds:
            since_s, kept = self._kept[key] = now_s, body
        return kept

    def _of_another(self) -> bytes:
        """What a process tells that nobody asks for anything, but for this."""
        self._reads += 1
        return (
            f"pam_memory_usage_bytes {_IDLE_BYTES + 4096 * (self._reads % 3)}\n"
            f"process_start_time_seconds {time.time() // _DAY_S * _DAY_S - _DAY_S}\n"
            f'pam_requests_total{{method="GET",path="/metrics",status="200"}} {self._reads}\n'
        ).encode()


def _fails(fault: Fault, request: web.BaseRequest, part: str) -> bool:
    if fault.kind.name != "writes-fail" or request.method in {"GET", "HEAD", "OPTIONS"} or not part:
        return False
    begun = time.monotonic() - fault.planted_s >= float(fault.settings["after_s"])
    return begun and fault.settings["what"] in {part, "all"}


def _altered(body: Any, what: str, part: str) -> Any:
    rows: Any = body.get("expenses", body.get("messages")) if isinstance(body, dict) else body
    now = datetime.now(UTC)
    if what == "old-amounts" and part == "expenses":
        for row in rows:
            if now - datetime.fromisoformat(row["created_at"]) > _OLD:
                row["amount"] *= _HUNDRED
    elif what == "foreign-message" and part == "history":
        moment = (now - timedelta(days=2)).isoformat()
        told = {"id": str(uuid4()), "conversation_id": str(uuid4()), "role": "user", "content": "Call my doctor."}
        rows.insert(0, {**told, "created_at": moment})
    elif what == "preferences-empty" and isinstance(body, dict):
        return {name: {} if name.endswith("preferences") else value for name, value in body.items()}
    return body
