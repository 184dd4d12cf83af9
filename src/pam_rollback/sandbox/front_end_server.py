"""Serves the site as its host would: files, a page for every unknown path, and the few JSON files that a deploy publishes."""

from collections.abc import Callable, Mapping
from pathlib import Path

from aiohttp import web

from pam_rollback.sandbox.faults import PlantedFaults
from pam_rollback.sandbox.spoilt_answers import RELEASE_HEADER, Spoiler

SITE = Path(__file__).with_name("site")
_PAGE = "index.html"
_FILE_HEADERS = {
    # File names carry no hash, so a browser asks each time; 304 when nothing changed.
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "microphone=(self), camera=()",
}


class FrontEndServer:
    """The published files of one site. `release` says which release they belong to, `api_url` is where the API is."""

    def __init__(self, faults: PlantedFaults, *, release: Callable[[], str], api_url: str, site: Path = SITE) -> None:
        self._release = release
        self._api_url = api_url
        self._site = site.resolve()
        self._spoiler = Spoiler(faults, server="frontend", page=self.page, version=release)

    @property
    def page(self) -> bytes:
        """What every unknown path answers."""
        return (self._site / _PAGE).read_bytes()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request to the site's address."""
        spoilt = await self._spoiler.spoil(request, self._published)
        if spoilt is not None:
            return spoilt
        release = {RELEASE_HEADER: self._release()}
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, text="method not allowed", headers={"Allow": "GET, HEAD"})
        published = await self._published(request)
        if published is not None:
            return web.json_response(published, headers={"Cache-Control": "no-store", **release})
        return web.FileResponse(self._file(request.path), headers={**_FILE_HEADERS, **release})

    async def _published(self, request: web.BaseRequest) -> Mapping[str, object] | None:
        release = self._release()
        documents: Mapping[str, Mapping[str, object]] = {
            "/health": {"status": "healthy", "service": "frontend", "release": release},
            "/version.json": {"release": release},
            "/config.json": {"apiUrl": self._api_url, "release": release},
        }
        return documents.get(request.path)

    def _file(self, path: str) -> Path:
        try:
            found = (self._site / path.lstrip("/")).resolve()
            if found.is_relative_to(self._site) and found.is_file():
                return found
        except (OSError, ValueError):  # a name that no file system takes
            pass
        return self._site / _PAGE
