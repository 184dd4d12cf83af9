"""The range's own API: who it is, which faults are planted, which release is live, what the sinks received. Bearer token only."""

import hmac
import json
import os
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import web

from pam_rollback.sandbox.edge import Edge
from pam_rollback.sandbox.faults import CATALOGUE, PlantedFaults
from pam_rollback.sandbox.planting import Planter
from pam_rollback.sandbox.problems import RangeError
from pam_rollback.sandbox.releases import Fleet
from pam_rollback.sandbox.status_page import StatusPage

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Sink(Protocol):
    """What receives messages of one kind."""

    messages: deque[dict[str, Any]]

    def forget(self) -> None:
        """Have received nothing."""


class Control:
    """The routes of the control port."""

    def __init__(
        self,
        *,
        token: str,
        faults: PlantedFaults,
        planter: Planter,
        fleet: Fleet,
        edge: Edge,
        sinks: Mapping[str, Sink],
        status_page: StatusPage,
        ready_s: float,
    ) -> None:
        self._token = token
        self._faults = faults
        self._planter = planter
        self._fleet = fleet
        self._edge = edge
        self._sinks = sinks
        self._status_page = status_page
        self._ready_s = ready_s

    def application(self) -> web.Application:
        """The server of the control port."""
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/identity", self._identity)
        app.router.add_get("/faults", self._list_faults)
        app.router.add_put("/faults/{name}", self._plant)
        app.router.add_delete("/faults/{name}", self._clear)
        app.router.add_delete("/faults", self._clear_all)
        app.router.add_post("/live", self._go_live)
        app.router.add_get("/sinks/{sink}", self._messages)
        app.router.add_delete("/sinks/{sink}", self._forget_messages)
        app.router.add_put("/status-page", self._set_status_page)
        app.router.add_get("/requests", self._requests)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._token.encode()):
            return _problem(
                HTTPStatus.UNAUTHORIZED, "expected the sandbox's token as bearer token; it is in its state file"
            )
        try:
            return await handler(request)
        except RangeError as error:
            return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))

    async def _identity(self, _: web.Request) -> web.Response:
        releases = {
            name: {
                "version": release.spec.version,
                "pid": release.pid,
                "port": release.port,
                "in_flight": release.in_flight,
            }
            for name, release in self._fleet.releases.items()
        }
        who = {"sandbox": True, "pid": os.getpid(), "releases": releases, "live": self._fleet.live.spec.name}
        return web.json_response({**who, "ready_s": self._ready_s})

    async def _list_faults(self, _: web.Request) -> web.Response:
        catalogue = [
            {
                "name": kind.name,
                "summary": kind.summary,
                "layer": kind.layer,
                "flag": kind.flag,
                "parameters": [parameter.described() for parameter in kind.parameters],
            }
            for kind in CATALOGUE.values()
        ]
        return web.json_response({"catalogue": catalogue, "active": [fault.described() for fault in self._faults]})

    async def _plant(self, request: web.Request) -> web.Response:
        parameters = await _object(request)
        fault = await self._planter.plant(request.match_info["name"], parameters)
        return web.json_response({"planted": fault.described()})

    async def _clear(self, request: web.Request) -> web.Response:
        return web.json_response({"cleared": await self._planter.clear(request.match_info["name"])})

    async def _clear_all(self, _: web.Request) -> web.Response:
        return web.json_response({"cleared": await self._planter.clear_all()})

    async def _go_live(self, request: web.Request) -> web.Response:
        await self._fleet.go_live(str((await _object(request)).get("release", "")))
        return web.json_response({"live": self._fleet.live.spec.name})

    async def _messages(self, request: web.Request) -> web.Response:
        return web.json_response({"messages": list(self._sink(request).messages)})

    async def _forget_messages(self, request: web.Request) -> web.Response:
        sink = self._sink(request)
        forgotten = len(sink.messages)
        sink.forget()
        return web.json_response({"forgotten": forgotten})

    def _sink(self, request: web.Request) -> Sink:
        name = request.match_info["sink"]
        if name not in self._sinks:
            raise RangeError(f"sink {name!r}", expected=f"one of {', '.join(self._sinks)}", found="none such")
        return self._sinks[name]

    async def _set_status_page(self, request: web.Request) -> web.Response:
        wanted = await _object(request)
        unknown = sorted(set(wanted) - {"indicator", "incident"})
        incident = wanted.get("incident")
        if unknown or not (incident is None or isinstance(incident, dict)):
            found = f"{', '.join(unknown)} besides" if unknown else f"incident is {incident!r}"
            raise RangeError("status page", expected="indicator, and incident (an object or null)", found=found)
        board = self._status_page.board
        board.set(str(wanted.get("indicator", "none")), incident)
        return web.json_response({"indicator": board.indicator, "unresolved": len(board.unresolved)})

    async def _requests(self, _: web.Request) -> web.Response:
        return web.json_response({"counts": self._edge.counts.as_mapping()})


async def _object(request: web.Request) -> dict[str, Any]:
    """The JSON object of the body; none at all is an empty one."""
    raw = await request.read()
    try:
        body = json.loads(raw) if raw.strip() else {}
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise RangeError(f"{request.method} {request.path}", expected="a JSON object", found=repr(raw[:80]))
    return body


def _problem(status: HTTPStatus, detail: str) -> web.Response:
    return web.json_response({"detail": detail}, status=status)
