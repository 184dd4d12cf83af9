"""Faults in front of the real API and Supabase, which have none inside; planted by the sandbox's own controls, as those of its own are."""

import asyncio
import contextlib
import gzip
import json
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any, Literal

import psycopg
from aiohttp import web

from pam_sandbox.faults import FaultKind, Parameter, PlantedFaults, Value

Server = Literal["api", "supabase"]
Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_LAYER: Literal["page"] = "page"
"""The planter leaves these alone, and the sandbox's own spoiler does not take them for its own."""
_HEALTH = ("/health", "/health/*", "/api/health", "/api/metrics")
_READS = frozenset({"GET", "HEAD"})
_PATH = Parameter("path", "/*", "the path it applies to; * stands for anything")
_SERVER = Parameter("server", "api", "which server answers so", choices=("api", "supabase"))
_ASKED = Parameter(
    "asked",
    "any",
    "who or what asks so; browsers: by User-Agent, Origin or Sec-Fetch; cached: whoever does not ask past a cache",
    choices=("any", "reads", "writes", "browsers", "cached"),
)
KINDS: Mapping[str, FaultKind] = {
    kind.name: kind
    for kind in (
        FaultKind(
            "fails",
            "a share of the requests is answered with an error, health only where its own path is named",
            _LAYER,
            (
                _PATH,
                _SERVER,
                _ASKED,
                Parameter("share", 1, "share of the requests that fail", low=0, high=1),
                Parameter("status", 500, "the status", low=400, high=599),
            ),
        ),
        FaultKind(
            "late",
            "answers come late",
            _LAYER,
            (_PATH, _SERVER, _ASKED, Parameter("ms", 1000, "how late", low=0, high=120_000)),
        ),
        FaultKind(
            "says-besides",
            "good answers say something else, too",
            _LAYER,
            (_PATH, _SERVER, _ASKED, Parameter("what", '{"success": false}', "an object of JSON")),
        ),
        FaultKind(
            "reads-behind",
            "whoever reads rows is shown those of some time ago",
            _LAYER,
            (Parameter("seconds", 90, "how long ago", low=1, high=300),),
        ),
        FaultKind("shared-cache", "the profile of another account is handed out", _LAYER, (_ASKED,)),
        FaultKind("chat-mixes-users", "PAM answers what somebody else has asked", _LAYER),
        FaultKind(
            "chunks-gone",
            "half of the site's lazily loaded scripts are gone",
            _LAYER,
            (Parameter("how", "status", "status: 404; page: 200 and the page", choices=("status", "page")),),
        ),
    )
}
"""Beside those of the sandbox's catalogue."""
OF_A_RELEASE = {"code-errors": "fails", "latency": "late", "chat-apologises": ""}
"""Faults that the sandbox's releases have inside, and which of these stands for them."""
ALSO_BROWSERS_HEALTH = "browsers"


class Trouble:
    """Spoils the answers of one server; `of_release` are the faults of the release that is live."""

    def __init__(
        self,
        faults: PlantedFaults,
        server: Server,
        of_release: Callable[[], Mapping[str, Mapping[str, object]]] = dict,
    ) -> None:
        self._faults = faults
        self._server = server
        self._of_release = of_release
        self._random = random.Random(38)

    async def answer(self, request: web.BaseRequest, true_answer: Answer) -> web.StreamResponse:
        """What is answered: late, with an error, or the truth and something besides."""
        if request.method == "OPTIONS":
            return await true_answer(request)  # a browser's preflight is not what the fault is about
        for settings in self._concerning("late", request):
            await asyncio.sleep(float(settings["ms"]) / 1000)
        for settings in self._concerning("fails", request):
            if self._random.random() < float(settings["share"]):
                status = int(float(settings["status"]))
                return web.json_response({"error": "Internal server error", "path": request.path}, status=status)
        answer = await true_answer(request)
        for settings in self._concerning("says-besides", request):
            answer = _with_words(answer, json.loads(str(settings["what"])))
        return answer

    def _concerning(self, name: str, request: web.BaseRequest) -> Iterator[Mapping[str, Value]]:
        usual = {parameter.name: parameter.default for parameter in KINDS[name].parameters}
        inside: list[Mapping[str, Any]] = [
            {**usual, **given} for fault, given in self._of_release().items() if OF_A_RELEASE.get(fault) == name
        ]
        for settings in (*(fault.settings for fault in self._faults.named(name)), *inside):
            path, asked = str(settings["path"]), str(settings["asked"])
            spared = "*" in path and asked != ALSO_BROWSERS_HEALTH and _is_health(request.path)
            meant = settings["server"] == self._server and fnmatchcase(request.path, path) and not spared
            if meant and is_asked_so(request, asked):
                yield settings


def is_asked_so(request: web.BaseRequest, asked: str) -> bool:
    """Whether a request is one of those."""
    headers = request.headers
    match asked:
        case "reads" | "writes":
            return (request.method in _READS) == (asked == "reads")
        case "browsers":
            return "Mozilla/" in headers.get("User-Agent", "") or "Origin" in headers or "Sec-Fetch-Mode" in headers
        case "cached":
            past_it = f"{headers.get('Cache-Control', '')} {headers.get('Pragma', '')}"
            return not any(word in past_it for word in ("no-cache", "no-store", "max-age=0"))
    return True


def _is_health(path: str) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in _HEALTH)


def _with_words(answer: web.StreamResponse, words: Mapping[str, Any]) -> web.StreamResponse:
    if not isinstance(answer, web.Response) or answer.status >= HTTPStatus.MULTIPLE_CHOICES:
        return answer
    body = answer.body if isinstance(answer.body, bytes) else b""
    packed = answer.headers.get("Content-Encoding") == "gzip"
    try:
        told = json.loads(gzip.decompress(body) if packed else body)
    except ValueError:
        return answer
    if not isinstance(told, dict):
        return answer
    headers = answer.headers.copy()
    for name in ("Content-Encoding", "Content-Length", "Content-Type"):
        headers.popall(name, None)
    return web.json_response({**told, **words}, status=answer.status, headers=headers)


class Past:
    """The database as it was some seconds ago: transactions that were opened then, and show what was there then.

    Stands in for a pool of connections where `reads-behind` is planted. Until that time has passed, it shows the moment of planting,
    as a copy does that stopped following.
    """

    _EVERY_S = 5.0
    _LOOK_S = 0.2

    def __init__(self, faults: PlantedFaults, dsn: str) -> None:
        self._faults = faults
        self._dsn = dsn
        self._kept: deque[tuple[float, psycopg.AsyncConnection[Any], str]] = deque()

    @property
    def is_shown(self) -> bool:
        """Whether reads get it."""
        return bool(self._kept)

    async def keep(self) -> None:
        """Open one every few seconds as long as the fault is planted; ends when it is cancelled."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(self._LOOK_S)
        finally:
            await self._forget()

    async def _look(self) -> None:
        behind = [float(fault.settings["seconds"]) for fault in self._faults.named("reads-behind")]
        if not behind:
            await self._forget()
            return
        now_s = time.monotonic()
        if not self._kept or now_s - self._kept[-1][0] >= self._EVERY_S:
            with contextlib.suppress(psycopg.OperationalError):
                self._kept.append((now_s, *await self._opened()))
        while len(self._kept) > 1 and now_s - self._kept[1][0] >= behind[-1]:
            await self._kept.popleft()[1].close()

    async def _opened(self) -> tuple[psycopg.AsyncConnection[Any], str]:
        connection = await psycopg.AsyncConnection.connect(self._dsn, connect_timeout=2)
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        found = await (await connection.execute("SELECT pg_export_snapshot()")).fetchone()
        return connection, str(found[0] if found else "")

    async def _forget(self) -> None:
        while self._kept:
            await self._kept.popleft()[1].close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """One whose transaction sees what was there then."""
        name = self._kept[0][2]
        async with await psycopg.AsyncConnection.connect(self._dsn, connect_timeout=2) as connection:
            await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            await connection.execute(f"SET TRANSACTION SNAPSHOT '{name}'".encode())
            yield connection
