"""Serves the site as its host would: the live release's build, the page for every unknown path, and the few JSON files of a deploy."""

from collections.abc import Callable, Mapping

from aiohttp import web

from pam_rollback.sandbox.builds import Build, File
from pam_rollback.sandbox.faults import OTHER_RELEASE, Fault, PlantedFaults
from pam_rollback.sandbox.page_snippets import read_snippet, spoilt_page
from pam_rollback.sandbox.spoilt_answers import RELEASE_HEADER, Spoiler

_FILE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "microphone=(self), camera=()",
}
_FOR_EVER = "public, max-age=31536000, immutable"
"""For what has its content's hash in its address."""
_ASK_EACH_TIME = "no-cache"
"""For what keeps its address from release to release; 304 when nothing changed."""
_WORKER = "/sw.js"


class FrontEndServer:
    """The published files of the site: `builds` by release, of which `live` names the published one. `api_url` is where the API is."""

    def __init__(
        self, faults: PlantedFaults, *, builds: Mapping[str, Build], live: Callable[[], str], api_url: str
    ) -> None:
        self._faults = faults
        self._builds = builds
        self._live = live
        self._api_url = api_url
        self._spoiler = Spoiler(
            faults, server="frontend", page=lambda: self.page, version=lambda: self._published.release
        )

    @property
    def page(self) -> bytes:
        """What every unknown path answers."""
        return self._page().body

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request to the site's address."""
        spoilt = await self._spoiler.spoil(request, self._document)
        if spoilt is not None:
            return spoilt
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, text="method not allowed", headers={"Allow": "GET, HEAD"})
        document = await self._document(request)
        if document is not None:
            headers = {"Cache-Control": "no-store", RELEASE_HEADER: self._published.release}
            return web.json_response(document, headers=headers)
        if request.path == _WORKER:
            return _answer(request, self._worker(), _ASK_EACH_TIME)
        if request.path_qs == "/" and self._faults.named("old-error-served"):
            return web.Response(status=502, text="<!doctype html><title>Bad gateway</title>", content_type="text/html")
        asset = self._asset(request.path)
        return _answer(request, self._page(), _ASK_EACH_TIME) if asset is None else _answer(request, asset, _FOR_EVER)

    @property
    def _published(self) -> Build:
        return self._builds[self._live()]

    async def _document(self, request: web.BaseRequest) -> Mapping[str, object] | None:
        release = self._published.release
        documents: Mapping[str, Callable[[], Mapping[str, object]]] = {
            "/health": lambda: {"status": "healthy", "service": "frontend", "release": release},
            "/version.json": lambda: {"release": release},
            "/config.json": lambda: {"apiUrl": self._api_url, "release": release},
            "/asset-manifest.json": self._published.manifest,
        }
        return documents[request.path]() if request.path in documents else None

    def _page(self) -> File:
        old = self._newest("old-page-served")
        page = (self._published if old is None else self._build_of(old)).page
        bad = self._faults.named("page")
        if not bad:
            return page
        snippets = (read_snippet(str(fault.settings["what"])) for fault in bad)
        return File(page.kind, spoilt_page(page.body.decode(), snippets).encode(), page.release)

    def _worker(self) -> File:
        stuck = self._newest("service-worker-stuck")
        return self._published.worker if stuck is None else self._build_of(stuck).stuck_worker

    def _asset(self, path: str) -> File | None:
        fault = self._newest("old-asset-served")
        if fault is not None and path == self._published.address(str(fault.settings["asset"])):
            old = self._build_of(fault)
            return old.assets[old.address(str(fault.settings["asset"]))]
        found = self._published.assets.get(path)
        return found or next((build.assets[path] for build in self._still_cached() if path in build.assets), None)

    def _still_cached(self) -> tuple[Build, ...]:
        """The builds whose files the host's cache still has, although another one is live; a deploy alone leaves none."""
        faults = (
            *(fault for fault in self._faults.named("old-page-served") if fault.settings["assets"] == "cached"),
            *self._faults.named("service-worker-stuck"),
        )
        return tuple(self._build_of(fault) for fault in faults)

    def _newest(self, name: str) -> Fault | None:
        return next(reversed(self._faults.named(name)), None)

    def _build_of(self, fault: Fault) -> Build:
        name = str(fault.settings["release"])
        if name == OTHER_RELEASE:
            name = next(release for release in self._builds if release != self._live())
        return self._builds[name]


def _answer(request: web.BaseRequest, file: File, cache_control: str) -> web.Response:
    headers = {
        **_FILE_HEADERS,
        "Cache-Control": cache_control,
        "ETag": f'"{file.sha256}"',
        # A cache keeps headers with the content: an old file comes with the name of its own release.
        RELEASE_HEADER: file.release,
    }
    if any(tag.value in {file.sha256, "*"} for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=file.body, content_type=file.kind, charset="utf-8", headers=headers)
