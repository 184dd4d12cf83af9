"""The sandbox's own API: who it is, which faults are planted, which release is live, what the sinks received. Bearer token only."""

import asyncio
import hmac
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from pam_rollback.sandbox import at_start
from pam_rollback.sandbox.backend_deploys import BackendDeploys
from pam_rollback.sandbox.edge import Edge
from pam_rollback.sandbox.fault_catalogue import CATALOGUE
from pam_rollback.sandbox.faults import PlantedFaults
from pam_rollback.sandbox.fleet import Fleet
from pam_rollback.sandbox.own_addresses import seal
from pam_rollback.sandbox.planting import Planter
from pam_rollback.sandbox.problems import SandboxError
from pam_rollback.sandbox.providers.netlify_deploys import Deploys
from pam_rollback.sandbox.releases import RELEASES, ReleaseSpec
from pam_rollback.sandbox.repository import BRANCH, Repository
from pam_rollback.sandbox.sinks import Sink, StatusPage
from pam_rollback.sandbox.worker_deploys import WorkerDeploys

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """The routes of the control port."""

    def __init__(
        self,
        *,
        token: str,
        addresses: Mapping[str, str],
        faults: PlantedFaults,
        planter: Planter,
        fleet: Fleet,
        edge: Edge,
        deploys: BackendDeploys,
        worker: WorkerDeploys | None,
        repository: Repository,
        site: Deploys,
        sinks: Mapping[str, Sink],
        status_page: StatusPage,
        reset: Callable[[], Awaitable[None]],
        forgive: Callable[[], None],
        copy_database: Callable[[], None],
        ready_s: float,
    ) -> None:
        self._token = token
        self._addresses = addresses
        self._faults = faults
        self._planter = planter
        self._fleet = fleet
        self._edge = edge
        self._deploys = deploys
        self._worker = worker
        self._repository = repository
        self._site = site
        self._sinks = sinks
        self._status_page = status_page
        self._reset = reset
        self._forgive_all = forgive
        self._copy_database = copy_database
        self._ready_s = ready_s

    def application(self) -> web.Application:
        """The server of the control port."""
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/identity", self._identity)
        app.router.add_get("/faults", self._list_faults)
        app.router.add_put("/faults/{name}", self._plant)
        app.router.add_delete("/faults/{name}", self._clear)
        app.router.add_delete("/faults", self._clear_all)
        app.router.add_delete("/bans", self._forgive)
        app.router.add_post("/live", self._go_live)
        app.router.add_post("/push", self._push)
        app.router.add_get("/changes", self._changes)
        app.router.add_post("/reset", self._be_as_at_the_start)
        app.router.add_post("/database/copy", self._copy)
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
        except SandboxError as error:
            return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))

    async def _identity(self, request: web.Request) -> web.Response:
        """Who this is. With a challenge, the addresses that are its own too, sealed for that challenge."""
        releases = {spec.name: self._release(spec) for spec in RELEASES}
        live = self._fleet.live.spec
        who = {"sandbox": True, "pid": os.getpid(), "releases": releases, "live": live.name, "commit": live.commit}
        challenge = request.query.get("challenge", "")
        own = {"addresses": self._addresses, "proof": seal(self._token, challenge, self._addresses)}
        return web.json_response({**who, "ready_s": self._ready_s, **(own if challenge else {})})

    def _release(self, spec: ReleaseSpec) -> dict[str, object]:
        """One of the two that have a name; without a process when it is not live."""
        running = next(iter(self._fleet.running(spec.name)), None)
        return {
            "version": spec.version,
            "commit": self._repository.commits[spec.name],
            "pid": running.pid if running is not None else None,
            "port": running.port if running is not None else None,
            "in_flight": running.in_flight if running is not None else 0,
        }

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

    async def _forgive(self, _: web.Request) -> web.Response:
        """Let everybody in again whom the API has banned, or who asked the hosts too often."""
        self._forgive_all()
        return web.json_response({"banned": 0})

    async def _go_live(self, request: web.Request) -> web.Response:
        release = str((await _object(request)).get("release", ""))
        await self._deploys.go_live(release)
        if self._worker is not None:
            await self._worker.go_live(release)
        self._site.publish_release(self._fleet.live.spec.version)
        return web.json_response({"live": self._fleet.live.spec.name})

    async def _push(self, request: web.Request) -> web.Response:
        """As a colleague, who has not heard of the rollback."""
        wanted = await _object(request)
        files, message = wanted.get("files", {"docs/note.md": "A note.\n"}), str(wanted.get("message", "Add a note"))
        branch = str(wanted.get("branch", BRANCH))
        if not isinstance(files, dict) or not all(isinstance(text, str) for text in files.values()):
            raise SandboxError("push", expected="files: texts by path", found=repr(files)[:80])
        commit = await asyncio.to_thread(self._repository.push_as_a_colleague, files, message, branch=branch)
        return web.json_response({"commit": commit})

    async def _changes(self, _: web.Request) -> web.Response:
        """What is not as it was at the start."""

        def look() -> list[at_start.Change]:
            return list(
                at_start.changes(
                    fleet=self._fleet,
                    deploys=self._deploys,
                    worker=self._worker,
                    repository=self._repository,
                    site=self._site,
                    faults=self._faults,
                )
            )

        return web.json_response({"changes": await asyncio.to_thread(look)})

    async def _be_as_at_the_start(self, _: web.Request) -> web.Response:
        await self._reset()
        return web.json_response({"live": self._fleet.live.spec.name})

    async def _copy(self, _: web.Request) -> web.Response:
        await asyncio.to_thread(self._copy_database)
        return web.json_response({"copied": True})

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
            raise SandboxError(f"sink {name!r}", expected=f"one of {', '.join(self._sinks)}", found="none such")
        return self._sinks[name]

    async def _set_status_page(self, request: web.Request) -> web.Response:
        wanted = await _object(request)
        unknown = sorted(set(wanted) - {"indicator", "incident"})
        incident = wanted.get("incident")
        if unknown or not (incident is None or isinstance(incident, dict)):
            found = f"{', '.join(unknown)} besides" if unknown else f"incident is {incident!r}"
            raise SandboxError("status page", expected="indicator, and incident (an object or null)", found=found)
        page = self._status_page
        page.set(str(wanted.get("indicator", "none")), incident)
        return web.json_response({"indicator": page.indicator, "unresolved": len(page.incidents)})

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
        raise SandboxError(f"{request.method} {request.path}", expected="a JSON object", found=repr(raw[:80]))
    return body


def _problem(status: HTTPStatus, detail: str) -> web.Response:
    return web.json_response({"detail": detail}, status=status)
