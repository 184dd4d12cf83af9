"""Serves the site as its host would: the files of the published deploy, the page for every unknown path, and a few JSON files."""

import re
from collections.abc import Mapping

from aiohttp import web

from pam_sandbox.builds import Build, File, spoilt_page
from pam_sandbox.faults import Fault, PlantedFaults
from pam_sandbox.personalities import PAM_PLAN, Personality
from pam_sandbox.providers.netlify_deploys import Deploys
from pam_sandbox.releases import RELEASES
from pam_sandbox.spoilt_answers import RELEASE_HEADER, Spoiler, true_document

_FILE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "microphone=(self), camera=()",
}
_FOR_EVER = "public, max-age=31536000, immutable"
"""For what has its content's hash in its address."""
_ASK_EACH_TIME = "no-cache"
"""For what keeps its address from release to release; 304 when nothing changed."""
_WORKER, _PAGE = "/sw.js", "/index.html"
OWN_ADDRESS = "deploy"
"""The name in a query by which one deploy is asked for: it stands for the host name that each deploy has of its own."""
_NOT_FOUND_PAGE = "<!doctype html><title>Page not found</title><h1>Page not found</h1>"
"""What the host itself answers where a deploy has no page."""
_ERROR_PAGE = (
    '<!doctype html><html lang="en"><title>Wheels &amp; Wins</title><h1>Oops! Something went wrong</h1>'
    "<p>Please try again later.</p></html>"
)
_WITHHELD: Mapping[str, Mapping[str, str]] = {
    "no-scripts": {"Content-Security-Policy": "default-src 'none'; style-src 'self'"},
    "sent-on": {"Refresh": "0; url=https://elsewhere.example/"},
    "reloads": {"Refresh": "8"},
    "download": {"Content-Disposition": 'attachment; filename="index.html"'},
    "not-gzip": {"Content-Encoding": "gzip"},
}
_LAZY = re.compile("/app/(?:pages|views)/")
_DOCUMENTS = frozenset({"/version.json", "/asset-manifest.json"})


class FrontEndServer:
    """The files of the published deploy, of all `deploys` that there ever were. `api_url` is where the API is."""

    def __init__(
        self, faults: PlantedFaults, deploys: Deploys, *, api_url: str, personality: Personality = PAM_PLAN
    ) -> None:
        self._faults = faults
        self._deploys = deploys
        self._versions = {spec.name: spec.version for spec in RELEASES}
        self._api_url = api_url
        self._tells_release = personality.tells_release
        self._spoiler = Spoiler(
            faults, server="frontend", page=lambda: self.page, version=lambda: self._published.release
        )

    @property
    def page(self) -> bytes:
        """What every unknown path answers."""
        page = self._page()
        return b"" if page is None else page.body

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request to the site's address."""
        spoilt = await self._spoiler.spoil(request, self._document)
        if spoilt is not None:
            return spoilt
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, text="method not allowed", headers={"Allow": "GET, HEAD"})
        return self._special(request) or await self._usual(request)

    def _special(self, request: web.BaseRequest) -> web.StreamResponse | None:
        """The answer where there is no page at all, and at a deploy's own address; None: the usual one is due."""
        missing = {self._versions[str(fault.settings["release"])] for fault in self._faults.named("site-missing")}
        if self._published.release in missing:
            return web.Response(status=404, text=_NOT_FOUND_PAGE, content_type="text/html")
        if OWN_ADDRESS in request.query:
            own = self._own_page(request.query[OWN_ADDRESS])
            return (
                web.Response(status=404, text="Not Found")
                if own is None
                else self._answer(request, own, _ASK_EACH_TIME)
            )
        if request.path_qs == "/" and self._faults.named("old-error-served"):
            return web.Response(status=502, text="<!doctype html><title>Bad gateway</title>", content_type="text/html")
        return None

    async def _usual(self, request: web.BaseRequest) -> web.StreamResponse:
        document = await self._document(request)
        if document is not None:
            headers = {"Cache-Control": "no-store", RELEASE_HEADER: self._published.release}
            return web.json_response(document, headers=headers)
        found, gone = None, self._took_away(request.path)
        if gone is not None and gone.settings["how"] == "404":
            return web.Response(status=404, text="Not Found")
        if gone is None and not self._is_gone(request.path):
            asset = self._asset(request.path)
            if asset is not None:
                return self._answer(request, asset, _FOR_EVER)
            found = self._worker() if request.path == _WORKER else self._published.files.get(request.path)
        found = (None if request.path == _PAGE or self._is_hidden(request.path) else found) or self._page()
        if found is None:
            return web.Response(status=404, text="Not Found")
        return self._answer(request, found, _ASK_EACH_TIME)

    def _is_gone(self, path: str) -> bool:
        faults = self._built_so("missing-script-served-as-html")
        if path.endswith(".svg") and self._faults.named("pictures-are-pages"):
            return True
        return path == _PAGE or any(path == self._published.address(str(one.settings["asset"])) for one in faults)

    def _took_away(self, path: str) -> Fault | None:
        """The fault that took away this script, one of the pages' own: as evenly spread over them as its share is."""
        lazy = [address for address in self._published.assets if address.endswith(".js") and _LAZY.search(address)]
        place = lazy.index(path) if path in lazy else -1
        faults = self._built_so("lazy-scripts-gone")
        shares = ((fault, float(fault.settings["share"])) for fault in faults if place >= 0)
        return next((fault for fault, share in shares if int((place + 1) * share) > int(place * share)), None)

    def _is_hidden(self, path: str) -> bool:
        """What the build writes for its host, and a product that does not tell its release keeps to itself."""
        return not self._tells_release and path in _DOCUMENTS

    @property
    def _published(self) -> Build:
        published = self._deploys.build
        if self._tells_release or not self._built_so("front-end-built-without-variables"):
            return published
        return published.without_variables

    async def _document(self, request: web.BaseRequest) -> Mapping[str, object] | None:
        if not self._tells_release:
            return None  # its page is the answer to everything
        release = self._published.release
        if request.path == "/health":
            return {"status": "healthy", "service": "frontend", "release": release}
        if request.path == "/config.json":
            # What a build without its variables leaves of them.
            unset = self._built_so("front-end-built-without-variables")
            return {"release": release} if unset else {"apiUrl": self._api_url, "release": release}
        file = self._published.files.get(request.path) if request.path in _DOCUMENTS else None
        return None if file is None else true_document(file.body)

    def _own_page(self, deploy_id: str) -> File | None:
        """The page of one deploy, past the host's cache and whatever is published."""
        build = self._deploys.build_of(deploy_id)
        return None if build is None else self._as_faulty(build.page)

    def _page(self) -> File | None:
        old = self._faults.newest("old-page-served")
        return self._as_faulty((self._published if old is None else self._build_of(old)).page)

    def _as_faulty(self, page: File | None) -> File | None:
        if page is not None and self._built_so("error-page-served"):
            return File(page.kind, _ERROR_PAGE.encode(), page.release)
        bad = [fault for fault in self._faults.named("page") if page is not None and self._is_hit(fault, page.release)]
        if page is None or not bad:
            return page
        names = [str(fault.settings["what"]) for fault in bad]
        return File(page.kind, spoilt_page(page.body.decode(), names).encode(), page.release)

    def _built_so(self, name: str) -> list[Fault]:
        """The faults of that name that what is published has by its build."""
        return [fault for fault in self._faults.named(name) if self._is_hit(fault, self._deploys.build.release)]

    def _is_hit(self, fault: Fault, release: str) -> bool:
        name = str(fault.settings["release"])
        return name == "any" or release == self._versions[name]

    def _worker(self) -> File | None:
        stuck = self._faults.newest("service-worker-stuck")
        return self._published.worker if stuck is None else self._build_of(stuck).stuck_worker

    def _asset(self, path: str) -> File | None:
        fault = self._faults.newest("old-asset-served")
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

    def _build_of(self, fault: Fault) -> Build:
        """The newest build of the release that a fault names, which may be gone from the list of deploys."""
        name, live = str(fault.settings["release"]), self._published.release
        return next(
            build
            for build in self._deploys.builds()
            if (build.release not in {"", live} if name == "other" else build.release == self._versions[name])
        )

    def _answer(self, request: web.BaseRequest, file: File, cache_control: str) -> web.Response:
        headers = {**_FILE_HEADERS, "Cache-Control": cache_control, "ETag": f'"{file.sha256}"'}
        if self._tells_release:
            # A cache keeps headers with the content: an old file comes with the name of its own release.
            headers[RELEASE_HEADER] = file.release
        if any(tag.value in {file.sha256, "*"} for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        if file.kind == "text/html":
            for fault in self._faults.named("page-withheld"):
                headers |= _WITHHELD[str(fault.settings["how"])]
        return web.Response(body=file.body, content_type=file.kind, charset="utf-8", headers=headers)
