"""Netlify's stand-in and the site that it publishes, with a real repository and over HTTP, without the rest of a sandbox."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web

from pam_rollback.sandbox.faults import PlantedFaults
from pam_rollback.sandbox.front_end_server import FrontEndServer
from pam_rollback.sandbox.providers.netlify import BASE
from pam_rollback.sandbox.providers.netlify_deploys import FRONTEND, Deploys
from pam_rollback.sandbox.providers.netlify_site import NetlifySite
from pam_rollback.sandbox.releases import RELEASES
from pam_rollback.sandbox.repository import Repository
from tests.sandbox.answer import Answer, asked

STABLE, CANDIDATE = "1.41.3", "1.42.0"
WITHIN_S = 60.0


@dataclass
class Host:
    """The running stand-in."""

    site: NetlifySite
    repository: Repository
    faults: PlantedFaults
    api_url: str
    site_url: str

    @property
    def deploys(self) -> Deploys:
        """What only the sandbox may look into."""
        return self.site.deploys

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send one request to the API, with the token unless the headers have another."""
        return asked(self.api_url + path, method, body, {"Authorization": f"Bearer {self.site.token}", **headers})

    def on_site(self, method: str, path: str = "", body: object = None) -> Answer:
        """The same below the address of the site."""
        return self.call(method, f"/sites/{self.site.id}{path}", body)

    def visit(self, path: str = "/") -> Answer:
        """What a visitor of the site gets."""
        return asked(self.site_url + path)

    def release(self) -> str:
        """The release that visitors get."""
        return str(self.visit("/version.json").json["release"])

    def published(self) -> dict[str, Any]:
        """The deploy that the API calls published."""
        deploy: dict[str, Any] = self.on_site("GET").json["published_deploy"]
        return deploy

    def deploy_of(self, name: str) -> str:
        """The id of the first deploy of `stable` or `candidate`."""
        commit = self.repository.commits[name]
        listed = self.on_site("GET", "/deploys").json
        return str([deploy["id"] for deploy in listed if deploy.get("commit_ref") == commit][-1])

    def upload(self, files: Mapping[str, bytes], *, draft: bool = False) -> str:
        """Deploy files as their digests ask for; gives the id."""
        created = self.on_site("POST", "/deploys", {"draft": draft})
        assert created.status == 200, created
        deploy = str(created.json["id"])
        digests = {path: hashlib.sha1(body, usedforsecurity=False).hexdigest() for path, body in files.items()}
        declared = self.on_site("PUT", f"/deploys/{deploy}", {"files": digests})
        assert declared.status == 200, declared
        for sha1 in declared.json["required"]:
            path = next(path for path, digest in digests.items() if digest == sha1)
            sent = self.call(
                "PUT",
                f"/deploys/{deploy}/files/{quote(path, safe='')}",
                files[path],
                **{"Content-Type": "application/octet-stream"},
            )
            assert sent.status == 200, sent
        return deploy

    def until(self, holds: Callable[[], bool], *, what: str, within_s: float = WITHIN_S) -> None:
        """Wait for something that the host does later."""
        end_s = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < end_s, f"{what}: not within {within_s:g} s; published {self.published()}"
            time.sleep(0.2)  # the host counts requests, and 500 a minute are all it gives


@contextmanager
def running(folder: Path, *, deploys_per_min: int = 1000) -> Iterator[Host]:
    """A stand-in of one's own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    end = asyncio.Event()
    told: list[Host] = []
    began = threading.Event()
    try:
        work = asyncio.run_coroutine_threadsafe(_run(folder, deploys_per_min, told, began, end), loop)
        work.add_done_callback(lambda _: began.set())
        assert began.wait(WITHIN_S)
        if work.done():
            work.result()
        yield told[0]
        loop.call_soon_threadsafe(end.set)
        work.result(WITHIN_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WITHIN_S)
        loop.close()


async def _run(
    folder: Path, deploys_per_min: int, told: list[Host], began: threading.Event, end: asyncio.Event
) -> None:
    faults, repository = PlantedFaults(), await asyncio.to_thread(Repository.create, folder / "repository.git")
    api, pages = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    api_url, site_url = (f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in (api, pages))
    site = await NetlifySite.open(
        faults, repository, url=site_url, scratch=folder, latencies=FRONTEND["fast"], deploys_per_min=deploys_per_min
    )
    front_end = FrontEndServer(
        faults,
        published=lambda: site.deploys.build,
        builds=site.deploys.builds,
        of_deploy=site.deploys.build_of,
        versions={spec.name: spec.version for spec in RELEASES},
        api_url="http://127.0.0.1:9",
    )
    watch = asyncio.create_task(repository.watch())
    runners = []
    for handler, listener in ((site.api.handle, api), (front_end.handle, pages)):
        server = web.Server(handler, access_log=None, handler_cancellation=True)
        runners.append(web.ServerRunner(server, shutdown_timeout=0.5))
        await runners[-1].setup()
        await web.SockSite(runners[-1], listener).start()
    told.append(Host(site, repository, faults, api_url + BASE, site_url))
    began.set()
    await end.wait()
    watch.cancel()
    await site.deploys.close()
    for runner in runners:
        await runner.cleanup()


@pytest.fixture(scope="module")
def kept_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """One stand-in for each module."""
    with running(tmp_path_factory.mktemp("netlify")) as host:
        yield host


@pytest.fixture
def host(kept_host: Host) -> Iterator[Host]:
    """The stand-in as at the start: the candidate is published, nothing is locked or planted, and no request was counted."""
    kept_host.site.account.renew()
    yield kept_host
    kept_host.site.account.renew()
    kept_host.deploys.locked = kept_host.deploys.stop_builds = False
    for fault in kept_host.faults:
        kept_host.faults.remove(fault)
    kept_host.deploys.publish(kept_host.deploys.find(kept_host.deploy_of("candidate")))
