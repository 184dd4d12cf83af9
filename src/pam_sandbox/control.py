"""The sandbox's own API: who it is, which faults are planted, which release is live, what the sinks received. Bearer token only."""

import asyncio
import hmac
import json
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import web

from pam_sandbox.backend_deploys import ServiceDeploys
from pam_sandbox.edge import Edge
from pam_sandbox.fault_catalogue import CATALOGUE
from pam_sandbox.planting import Planter
from pam_sandbox.problems import SandboxError
from pam_sandbox.providers.netlify import NetlifyApi
from pam_sandbox.providers.netlify_deploys import Deploys
from pam_sandbox.providers.render import RenderApi
from pam_sandbox.releases import RELEASES, ReleaseSpec
from pam_sandbox.remote import seal
from pam_sandbox.repository import BRANCH
from pam_sandbox.sinks import Sink, StatusPage

Handler = Callable[[web.Request], Awaitable[object]]
Change = dict[str, str]
"""``what``, ``expected``, ``found``; ``planted`` is the name of the fault where it is one, else empty."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """The routes of the control port, and what they need."""

    token: str
    addresses: Mapping[str, str]
    planter: Planter
    edge: Edge
    services: Sequence[ServiceDeploys]
    """The API first."""
    site: NetlifyApi
    render: RenderApi
    sinks: Mapping[str, Sink]
    status_page: StatusPage
    copy_database: Callable[[], None]
    ready_s: float

    def application(self) -> web.Application:
        """The server of the control port."""
        app = web.Application(middlewares=[self._guard])
        planter = self.planter
        handlers: tuple[tuple[str, str, Handler], ...] = (
            ("GET", "/identity", self._identity),
            ("GET", "/faults", self._list_faults),
            ("PUT", "/faults/{name}", self._plant),
            ("DELETE", "/faults/{name}", lambda asked: planter.clear(asked.match_info["name"])),
            ("DELETE", "/faults", lambda _: planter.clear_all()),
            ("DELETE", "/bans", self._let_everybody_in),
            ("POST", "/live", self._go_live),
            ("POST", "/push", self._push),
            ("GET", "/changes", lambda _: asyncio.to_thread(lambda: {"changes": list(self._different())})),
            ("POST", "/reset", self._be_as_at_the_start),
            ("POST", "/database/copy", lambda _: asyncio.to_thread(self.copy_database)),
            ("GET", "/sinks/{sink}", self._messages),
            ("DELETE", "/sinks/{sink}", self._forget_messages),
            ("PUT", "/status-page", self._set_status_page),
            ("GET", "/requests", self._requests),
        )
        for method, path, handler in handlers:
            app.router.add_route(method, path, partial(_told, handler))
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Let in whoever has the token."""
        given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self.token.encode()):
            words = "expected the sandbox's token as bearer token; it is in its state file"
            return web.json_response({"detail": words}, status=HTTPStatus.UNAUTHORIZED)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _identity(self, request: web.Request) -> dict[str, Any]:
        """Who this is. With a challenge, the addresses that are its own too, sealed for that challenge."""
        releases = {spec.name: self._release(spec) for spec in RELEASES}
        live = self.planter.fleet.live.spec
        who = {"sandbox": True, "pid": os.getpid(), "releases": releases, "live": live.name, "commit": live.commit}
        challenge = request.query.get("challenge", "")
        own = {"addresses": self.addresses, "proof": seal(self.token, challenge, self.addresses)}
        return {**who, "ready_s": self.ready_s, **(own if challenge else {})}

    def _release(self, spec: ReleaseSpec) -> dict[str, object]:
        """One of the two that have a name; without a process when it is not live."""
        running = next(iter(self.planter.fleet.running(spec.name)), None)
        return {
            "version": spec.version,
            "commit": self.planter.repository.commits[spec.name],
            "pid": running.pid if running is not None else None,
            "port": running.port if running is not None else None,
            "in_flight": running.in_flight if running is not None else 0,
        }

    async def _list_faults(self, _: web.Request) -> dict[str, Any]:
        catalogue = [asdict(kind) for kind in CATALOGUE.values()]
        return {"catalogue": catalogue, "active": [fault.described() for fault in self.planter.faults]}

    async def _plant(self, request: web.Request) -> dict[str, Any]:
        parameters = await _object(request)
        fault = await self.planter.plant(request.match_info["name"], parameters)
        return {"planted": fault.described()}

    async def _let_everybody_in(self, _: web.Request) -> None:
        """Whom the API has banned, and who asked the hosts too often."""
        if self.edge.door is not None:
            self.edge.door.forgive()
        for host in (self.render, self.site):
            host.renew()

    async def _go_live(self, request: web.Request) -> dict[str, Any]:
        release = str((await _object(request)).get("release", ""))
        for service in self.services:
            await service.go_live(release)
        self.site.deploys.publish_release(self.planter.fleet.live.spec.version)
        return {"live": self.planter.fleet.live.spec.name}

    async def _push(self, request: web.Request) -> dict[str, Any]:
        """As a colleague, who has not heard of the rollback."""
        wanted = await _object(request)
        files, message = wanted.get("files", {"docs/note.md": "A note.\n"}), str(wanted.get("message", "Add a note"))
        branch = str(wanted.get("branch", BRANCH))
        if not isinstance(files, dict) or not all(isinstance(text, str) for text in files.values()):
            raise SandboxError("push", expected="files: texts by path", found=repr(files)[:80])
        commit = await asyncio.to_thread(self.planter.repository.push_as_a_colleague, files, message, branch=branch)
        return {"commit": commit}

    def _different(self) -> Iterator[Change]:
        """What is not as it was at the start. Runs git, so it blocks for some milliseconds."""
        for fault in self.planter.faults:
            change = _change("faults", "none", f"{fault.kind.name} {dict(fault.settings) or ''}".strip())
            yield {**change, "planted": fault.kind.name}
        api, *workers = self.services
        yield from _back_end(api)
        for worker in workers:
            if worker.running != worker.at_start:
                yield _change("worker, live release", _named(worker.at_start), _named(worker.running))
        yield from _front_end(self.site.deploys)
        for ref, (expected, found) in self.planter.repository.moved().items():
            yield _change(f"repository, {ref}", expected, found)

    async def _be_as_at_the_start(self, request: web.Request) -> dict[str, Any]:
        await self.planter.clear_all()
        await self._let_everybody_in(request)
        for service in self.services:
            await service.reset()
        await self.site.reset()
        await self.planter.fleet.live.wait_healthy()  # what an outage left in its connections is over, too
        return {"live": self.planter.fleet.live.spec.name}

    async def _messages(self, request: web.Request) -> dict[str, Any]:
        return {"messages": list(self._sink(request).messages)}

    async def _forget_messages(self, request: web.Request) -> None:
        self._sink(request).forget()

    def _sink(self, request: web.Request) -> Sink:
        name = request.match_info["sink"]
        if name not in self.sinks:
            raise SandboxError(f"sink {name!r}", expected=f"one of {', '.join(self.sinks)}", found="none such")
        return self.sinks[name]

    async def _set_status_page(self, request: web.Request) -> None:
        wanted = await _object(request)
        self.status_page.set(str(wanted.get("indicator", "none")), wanted.get("incident"))

    async def _requests(self, _: web.Request) -> dict[str, Any]:
        return {"counts": self.edge.counts}


async def _told(handler: Handler, request: web.Request) -> web.StreamResponse:
    """What a handler gives, as JSON; or why it could not."""
    try:
        told = await handler(request)
        return web.json_response(told if isinstance(told, dict) else {"done": told})
    except SandboxError as error:
        return web.json_response({"detail": str(error)}, status=HTTPStatus.UNPROCESSABLE_ENTITY)


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


def _back_end(deploys: ServiceDeploys) -> Iterator[Change]:
    first, live = deploys.at_start, deploys.running
    if (live.version, live.commit) != (first.version, first.commit):
        yield _change("back end, live release", _named(first), _named(live))
    usual, now = type(deploys.settings)(), deploys.settings
    if now.branch != usual.branch:
        yield _change("back end, branch", usual.branch, now.branch)
    if now.auto_deploy != usual.auto_deploy:
        yield _change("back end, autodeploy", usual.auto_deploy, now.auto_deploy)
    if any(text != "false" for text in deploys.variables.values()):
        yield _change("back end, variables", "none, or false", str(deploys.variables))
    running = [deploy.id for deploy in deploys.deploys if deploy.is_running]
    if running:
        yield _change("back end, deploys under way", "none", ", ".join(running))


def _front_end(site: Deploys) -> Iterator[Change]:
    first, now = site.at_start, site.published
    if now.commit != first.commit:
        yield _change("front end, published commit", first.commit[:12], now.commit[:12])
    if site.locked:
        yield _change("front end, auto-publishing", "on", "locked")
    if site.stop_builds:
        yield _change("front end, builds", "on", "stopped")
    running = [deploy.id for deploy in site.kept() if not deploy.is_done]
    if running:
        yield _change("front end, deploys under way", "none", ", ".join(running))


def _named(spec: ReleaseSpec) -> str:
    return f"{spec.version} ({spec.commit[:12]})"


def _change(what: str, expected: str, found: str) -> Change:
    return {"what": what, "expected": expected, "found": found, "planted": ""}
