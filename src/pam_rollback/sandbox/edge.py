"""The one address of the API: a reverse proxy that sends each request to the live release, and the place where answers are spoilt."""

import re
from collections import Counter

import aiohttp
from aiohttp import web

from pam_rollback.sandbox.faults import PlantedFaults
from pam_rollback.sandbox.releases import Fleet
from pam_rollback.sandbox.spoilt_answers import spoil

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "content-length",
    }
)
"""RFC 9110, section 7.6.1; the lengths are set anew by both sides."""
_BODY_BYTES_MAX = 8 * 1024 * 1024
_PIECE_BYTES = 64 * 1024
_PRIVATE = "/__range__"
_ID = re.compile(r"/(?:\d+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22})(?=/|$)")


class Edge:
    """Forwards, counts, and spoils what it is told to."""

    def __init__(self, fleet: Fleet, faults: PlantedFaults, *, page: bytes) -> None:
        self._fleet = fleet
        self._faults = faults
        self._page = page
        self.counts: Counter[str] = Counter()

    def application(self) -> web.Application:
        """The server of the API port."""
        app = web.Application(client_max_size=_BODY_BYTES_MAX)
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path.startswith(_PRIVATE):
            return web.json_response({"detail": "Not Found"}, status=404)
        self.counts[f"{request.method} {_ID.sub('/{id}', path)}"] += 1
        spoilt = await spoil(
            request, self._faults, server="api", page=self._page, version=self._fleet.live.spec.version
        )
        return spoilt or await self._forward(request)

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        release = self._fleet.live
        address = release.address
        if address is None:
            return _unreachable(f"release {release.spec.version} does not run")
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP]
        body = await request.read()
        release.in_flight += 1
        try:
            async with release.session.request(
                request.method,
                f"{address}{request.raw_path}",
                headers=headers,
                data=body or None,
                allow_redirects=False,
            ) as upstream:
                return await _relay(request, upstream)
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            return _unreachable(f"release {release.spec.version}: {type(error).__name__}")
        finally:
            release.in_flight -= 1


async def _relay(request: web.Request, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=upstream.status, reason=upstream.reason)
    for name, value in upstream.headers.items():
        if name.lower() not in _HOP_BY_HOP:
            response.headers.add(name, value)
    if upstream.content_length is not None:
        response.content_length = upstream.content_length
    await response.prepare(request)
    async for piece in upstream.content.iter_chunked(_PIECE_BYTES):
        await response.write(piece)
    await response.write_eof()
    return response


def _unreachable(why: str) -> web.Response:
    return web.json_response({"detail": "bad gateway", "why": why}, status=502)
