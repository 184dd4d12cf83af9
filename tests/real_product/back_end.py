"""The real API: a process of the product's own code for each release, behind the sandbox's one address."""

import asyncio
import os
import re
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from pam_sandbox.children import Children
from pam_sandbox.database import OTHER_ACCOUNT_EMAIL, TEST_ACCOUNT_EMAIL, account_id
from pam_sandbox.edge import Edge, forward
from pam_sandbox.faults import PlantedFaults
from pam_sandbox.problems import SandboxError
from pam_sandbox.product.tokens import issue
from pam_sandbox.releases import Fleet, ProductSecrets, Release, ReleaseSpec
from tests.real_product.faults import OF_A_RELEASE, Trouble, is_asked_so
from tests.real_product.stand_ins import Model, RealSupabase

_APOLOGY = "chat-apologises"
_PROFILE = re.compile(r"/api/v1/users/(?P<whose>[0-9a-f-]{36})/profile")
STARTED_WITHIN_S = 300.0
"""It loads for a minute or two where others use the machine, too."""
_IDLE_CONNECTION_S = 2.0
_OWN_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_NOT_PASSED_ON = ("host", "connection", "upgrade", "content-length")


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


@dataclass(frozen=True)
class Around:
    """What the API is told of: where its parts are, and what it runs on."""

    python: Path
    folders: Mapping[str, Path]
    """The folder with the package `app`, for each release."""
    supabase_url: str
    redis_url: str
    model_url: str
    model: Model
    supabase: list[RealSupabase]
    """The one of this sandbox, as soon as it is there."""

    async def ask_supabase(self, request: web.BaseRequest) -> web.StreamResponse:
        """What Supabase answers."""
        return await self.supabase[-1].handle(request)

    def variables(self, product: ProductSecrets) -> Mapping[str, str]:
        """Those of the service at its host; no secret is a real one."""
        keys = self.supabase[-1]
        return {
            "NODE_ENV": "production",
            "ENVIRONMENT": "production",
            "SECRET_KEY": product.jwt_secret,
            "SUPABASE_URL": self.supabase_url,
            "SUPABASE_KEY": keys.service_key,
            "SUPABASE_ANON_KEY": keys.anon_key,
            "SUPABASE_SERVICE_ROLE_KEY": keys.service_key,
            "SUPABASE_JWT_SECRET": product.jwt_secret,
            "CORS_ADDITIONAL_ORIGINS": product.frontend_origin,
            "REDIS_URL": self.redis_url,
            "ANTHROPIC_API_KEY": "sk-ant-api03-of-a-stand-in",
            "ANTHROPIC_BASE_URL": self.model_url,
        }


class RealRelease(Release):
    """One release of the real API. Of the sandbox's faults of a release it has those that can be planted around it."""

    def __init__(self, spec: ReleaseSpec, around: Around, *, children: Children, logs: Path) -> None:
        super().__init__(spec, children=children, logs=logs)
        self._around = around

    def spawn(self) -> None:
        """Nothing yet: what it is told are variables of its process."""

    async def configure(self, product: ProductSecrets) -> None:
        """Start the process, and wait until it listens. Raises SandboxError with its last words."""
        self._secrets = product
        port = free_port()
        self._process = self._children.start(
            (
                *(self._around.python, "-m", "uvicorn", "app.main:app"),
                *("--host", "127.0.0.1", "--port", str(port), "--app-dir", self._around.folders[self.spec.name]),
            ),
            environment={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **self._around.variables(product)},
            output=self._output,
            errors=self._errors,
            death_signal=signal.SIGKILL,
        )
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_CONNECTION_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            skip_auto_headers=_OWN_HEADERS,
        )
        self.port = port
        for name in tuple(self.faults):
            await self._switch("PUT", name, {})

    async def _switch(self, method: str, name: str, parameters: Mapping[str, object]) -> None:
        del parameters
        if name not in OF_A_RELEASE:
            raise SandboxError(
                f"fault {name!r}",
                expected=f"{', '.join(OF_A_RELEASE)}, of the real API",
                found="one of the sandbox's own",
            )
        if name == _APOLOGY:
            self._around.model.is_reachable = method == "DELETE"

    def token_of(self, email: str) -> str:
        """What Supabase would give this account."""
        secret = "" if self._secrets is None else self._secrets.jwt_secret
        return issue(account_id(email), email, secret=secret)


class RealEdge(Edge):
    """The sandbox's, which lets WebSockets through to the release, and has faults in front of it."""

    def __init__(self, fleet: Fleet, faults: PlantedFaults, **more: Any) -> None:
        super().__init__(fleet, faults, **more)
        self._faults = faults
        self._trouble = Trouble(faults, "api", lambda: fleet.live.faults)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._trouble.answer(request, super()._answer)

    async def _forward(self, request: web.BaseRequest) -> web.StreamResponse:
        release = self._fleet.live
        if request.headers.get("Upgrade", "").lower() != "websocket" or release.address is None:
            return await self._of_another(request, release) or await super()._forward(request)
        try:
            return await _relay(request, release, release.address)
        except aiohttp.WSServerHandshakeError as refused:
            return web.Response(status=refused.status)

    async def _of_another(self, request: web.BaseRequest, release: Release) -> web.StreamResponse | None:
        """A cache's answer, which it has from another account's request; None: it has none for this one."""
        asked_for, kept = _PROFILE.fullmatch(request.path), self._faults.named("shared-cache")
        if asked_for is None or not any(is_asked_so(request, str(one.settings["asked"])) for one in kept):
            return None
        if request.method != "GET" or not isinstance(release, RealRelease):
            return None
        email = OTHER_ACCOUNT_EMAIL if asked_for["whose"] == str(account_id(TEST_ACCOUNT_EMAIL)) else TEST_ACCOUNT_EMAIL
        headers = request.headers.copy()
        headers["Authorization"] = f"Bearer {release.token_of(email)}"
        path = request.rel_url.with_path(f"/api/v1/users/{account_id(email)}/profile")
        return await forward(request.clone(rel_url=path, headers=headers), release)


async def _relay(request: web.BaseRequest, release: Release, address: str) -> web.StreamResponse:
    headers = {
        name: value
        for name, value in request.headers.items()
        if name.lower() not in _NOT_PASSED_ON and not name.lower().startswith("sec-websocket-")
    }
    async with release.session.ws_connect(address + request.path_qs, headers=headers) as far:
        near = web.WebSocketResponse()
        await near.prepare(request)

        async def pass_on(source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse, to: object) -> None:
            async for frame in source:
                send = to.send_str if frame.type is aiohttp.WSMsgType.TEXT else to.send_bytes  # type: ignore[attr-defined]
                await send(frame.data)

        ways = {asyncio.create_task(pass_on(near, far)), asyncio.create_task(pass_on(far, near))}
        _, left = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in left:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await near.close(code=far.close_code or aiohttp.WSCloseCode.OK)
    return near
