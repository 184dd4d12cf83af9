"""Serves the site as its host would: files, a page for every unknown path, and the few JSON files that a deploy publishes."""

import mimetypes
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from pam_rollback.sandbox.faults import PlantedFaults
from pam_rollback.sandbox.spoilt_answers import spoil

SITE = Path(__file__).with_name("site")
_PAGE = "index.html"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}


class FrontEndServer:
    """The published files of one site. `release` says which release they belong to, `api_url` where the API is."""

    def __init__(
        self, faults: PlantedFaults, *, release: Callable[[], str], api_url: Callable[[], str], site: Path = SITE
    ) -> None:
        self._faults = faults
        self._release = release
        self._api_url = api_url
        self._site = site.resolve()

    @property
    def page(self) -> bytes:
        """What every unknown path answers."""
        return (self._site / _PAGE).read_bytes()

    def application(self) -> web.Application:
        """The server of the site's port."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        spoilt = await spoil(request, self._faults, server="frontend", page=self.page, version=self._release())
        return spoilt or self._answer(request.path)

    def _answer(self, path: str) -> web.Response:
        release = self._release()
        published = {
            "/health": {"status": "healthy", "service": "frontend", "release": release},
            "/version.json": {"release": release},
            "/config.json": {"apiUrl": self._api_url(), "release": release},
        }
        headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        if path in published:
            return web.json_response(published[path], headers=headers)
        file = (self._site / path.lstrip("/")).resolve()
        if not (file.is_relative_to(self._site) and file.is_file()):
            file = self._site / _PAGE
        kind = _TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        charset = "utf-8" if kind.startswith("text/") else None
        return web.Response(body=file.read_bytes(), content_type=kind, charset=charset, headers=headers)
