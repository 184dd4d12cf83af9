"""The real front end: folders that its own tools built, with placeholders for the addresses that only a running sandbox knows."""

import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from aiohttp import web

from pam_sandbox.builds import Build, File
from pam_sandbox.front_end_server import FrontEndServer
from pam_sandbox.problems import SandboxError
from pam_sandbox.releases import RELEASES

BLANK = "blank"
_HOST = "realproduct.supabase.co.localhost"
"""Where pages ask Supabase: they and their service worker believe no other host, and a browser finds it on this machine."""
SUPABASE = f"http://{_HOST}:9"
"""What it is built with for ``VITE_SUPABASE_URL``."""
KEY = "eyJhbGciOiJIUzI1NiJ9.the-public-key-stands-here.x"
"""What it is built with for ``VITE_SUPABASE_ANON_KEY``."""
PUBLIC_HOSTS = ("pam-backend.onrender.com", "wheels-wins-backend-staging.onrender.com", "api.wheelsandwins.com")
"""Where its scripts look for the API, whatever its variables say: all of them lead to the one that runs here, and nothing leaves."""
_SCRIPTS = re.compile(rb"https://cdn\.jsdelivr\.net(/npm/[\w@./-]+\.js)")
"""Of another company, and loaded twice at once: without a network it fails with other words each time."""
_NO_MODEL = b"window.tf = { loadGraphModel: () => Promise.reject(new Error('no model here')) };"
_TEXTS = frozenset({".html", ".js", ".css", ".json", ".webmanifest"})
_ASSETS = "/assets/"


@dataclass(frozen=True)
class RealBuild(Build):
    """A folder that Vite built: the content's hash is part of a file's name."""

    blank: Build | None = None
    """The same site, built without its variables."""

    @cached_property
    def assets(self) -> Mapping[str, File]:
        """The files below an address that names their content."""
        return {address: file for address, file in self.files.items() if address.startswith(_ASSETS)}

    @cached_property
    def without_variables(self) -> Build:
        """What was built without them."""
        if self.blank is None:
            raise SandboxError("front end", expected=f"--front-end {BLANK}=FOLDER", found="none")
        return self.blank

    @cached_property
    def half_of_the_lazy(self) -> frozenset[str]:
        """Every other script that the page loads only when somebody goes there."""
        scripts = [address for address in self.assets if address.endswith(".js")]
        page = b"" if self.page is None else self.page.body
        first = {address for address in scripts if address.encode() in page}
        return frozenset(sorted(set(scripts) - first)[::2])

    def address(self, name: str) -> str:
        """The script that the page names, for each file of the sandbox's own site."""
        page = b"" if self.page is None else self.page.body
        return next(
            (path for path in self.assets if path.endswith(".js") and path.encode() in page), f"{_ASSETS}{name}"
        )


class FrontEnds:
    """Stands in for the site's build: which folder belongs to a commit, and what is in it with the addresses put in."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders
        self._replaced: Mapping[bytes, bytes] = {}
        self._constants: Mapping[bytes, bytes] = {}
        """What stands in every build, whatever its variables: without them, too."""

    async def build(self, source: Path, *, commit: str, variables: Mapping[str, str], with_npm: bool = True) -> Path:
        """The folder of the release whose sources these are. `variables` are those of the sandbox's own site."""
        del commit, with_npm  # the sources say which release they are
        api, supabase = variables["VITE_BACKEND_URL"], variables["VITE_SUPABASE_URL"]
        self._constants = {
            **{f"https://{host}".encode(): api.encode() for host in PUBLIC_HOSTS},
            **{f"wss://{host}".encode(): api.replace("http", "ws", 1).encode() for host in PUBLIC_HOSTS},
        }
        self._replaced = {
            SUPABASE.encode(): supabase.replace("127.0.0.1", _HOST).encode(),
            KEY.encode(): variables["VITE_SUPABASE_ANON_KEY"].encode(),
            **self._constants,
        }
        version = (source / "package.json").read_text(encoding="utf-8")
        return self._folders[next(spec.name for spec in RELEASES if f'"{spec.version}"' in version)]

    def load(self, folder: Path) -> Build:
        """Read one."""
        name = next(name for name, one in self._folders.items() if one == folder)
        release = next(spec.version for spec in RELEASES if spec.name == name)
        blank = (
            Build(_files(self._folders[BLANK], release, self._constants), release) if BLANK in self._folders else None
        )
        return RealBuild(_files(folder, release, self._replaced), release, blank)


class RealSite(FrontEndServer):
    """The sandbox's, of which half of what is loaded lazily can be gone."""

    def _special(self, request: web.BaseRequest) -> web.StreamResponse | None:
        build, gone = self._published, self._faults.named("chunks-gone")
        if not gone or not isinstance(build, RealBuild) or request.path not in build.half_of_the_lazy:
            return super()._special(request)
        if gone[-1].settings["how"] == "status":
            return web.Response(status=404, text="Not Found")
        return web.Response(body=self.page, content_type="text/html", charset="utf-8")


def _files(folder: Path, release: str, replaced: Mapping[bytes, bytes]) -> Mapping[str, File]:
    files = {
        f"/{file.relative_to(folder).as_posix()}": File(
            mimetypes.guess_type(file.name)[0] or "application/octet-stream", _read(file, replaced), release
        )
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    others = {found.decode() for file in files.values() for found in _SCRIPTS.findall(file.body)}
    ours = {address: replace(file, body=_SCRIPTS.sub(rb"\1", file.body)) for address, file in files.items()}
    return ours | {address: File("text/javascript", _NO_MODEL, release) for address in others}


def _read(file: Path, replaced: Mapping[bytes, bytes]) -> bytes:
    body = file.read_bytes()
    if file.suffix in _TEXTS:
        for placeholder, value in replaced.items():
            body = body.replace(placeholder, value)
    return body
