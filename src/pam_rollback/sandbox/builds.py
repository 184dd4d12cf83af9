"""The site as it was built: files by their address, and what they say about the release that they were built for.

Only ``site/build.mjs`` builds; this reads what it made, from a folder or from files that somebody uploaded.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

SITE = Path(__file__).with_name("site")
TODAYS_SITE = Path(__file__).with_name("site_today")
"""Its build script is that of the other one."""
_STUCK_WORKER = Path(__file__).with_name("stuck_worker.js")
_PAGE, _WORKER = "/index.html", "/sw.js"
_VERSION = "/version.json"
_ASSETS = re.compile(r"/assets/(?P<hash>[0-9a-f]+)/")
_VARIABLE = re.compile(rb'^(const (?:BACKEND_URL|SUPABASE_URL|SUPABASE_ANON_KEY) = )"[^"]*";$', re.MULTILINE)
_KINDS: Mapping[str, str] = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".txt": "text/plain",
}
_HASHED = {".js", ".css", ".svg"}


@dataclass(frozen=True)
class File:
    """What is published below one address, and the release that it was built for."""

    kind: str
    body: bytes
    release: str

    @cached_property
    def sha256(self) -> str:
        """The hash of its content."""
        return hashlib.sha256(self.body).hexdigest()

    @cached_property
    def sha1(self) -> str:
        """The hash by which its host knows it."""
        return hashlib.sha1(self.body, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Build:
    """A site that was built. ``files`` are by address; ``release`` is empty when they do not say which they are."""

    files: Mapping[str, File]
    release: str

    @cached_property
    def hash(self) -> str:
        """What stands in the address of the assets; empty when there are none."""
        found = next((match for match in map(_ASSETS.match, self.files) if match is not None), None)
        return "" if found is None else found["hash"]

    @cached_property
    def assets(self) -> Mapping[str, File]:
        """The files below an address that names their content."""
        return {address: file for address, file in self.files.items() if _ASSETS.match(address) is not None}

    @property
    def page(self) -> File | None:
        """What every unknown path answers; None when it was not published."""
        return self.files.get(_PAGE)

    @property
    def worker(self) -> File | None:
        """The service worker; None when it was not published."""
        return self.files.get(_WORKER)

    @cached_property
    def stuck_worker(self) -> File:
        """A worker that never again asks the network for a page, once it is installed."""
        known = {
            "__RELEASE__": self.release,
            "__BUILD__": self.hash,
            "__PAGE__": json.dumps("" if self.page is None else self.page.body.decode()),
            "__FILES__": json.dumps(list(self.assets)),
        }
        text = _STUCK_WORKER.read_text(encoding="utf-8")
        for placeholder, value in known.items():
            text = text.replace(placeholder, value)
        return File(_KINDS[".js"], text.encode(), self.release)

    @cached_property
    def without_variables(self) -> "Build":
        """What a build leaves that was told none of its variables: other content, and so other addresses."""
        own = self.hash.encode()
        other = hashlib.sha256(own).hexdigest()[: len(own)].encode()
        files = {
            address.replace(own.decode(), other.decode()): File(
                file.kind, _VARIABLE.sub(rb'\1"";', file.body).replace(own, other), file.release
            )
            for address, file in self.files.items()
        }
        return Build(files, self.release)

    def address(self, name: str) -> str:
        """Where the file `name` of the site is published."""
        return f"/assets/{self.hash}/{name}"


def asset_names() -> tuple[str, ...]:
    """The files of the site that are published below a hash: all but the page and the worker, which keep their address."""
    return tuple(
        sorted(
            file.relative_to(SITE).as_posix()
            for file in SITE.rglob("*")
            if file.suffix in _HASHED and file != SITE / _WORKER.lstrip("/")
        )
    )


def load(folder: Path) -> Build:
    """Read a build from the folder that it was built into."""
    return from_files(
        {f"/{file.relative_to(folder).as_posix()}": file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    )


def from_files(bodies: Mapping[str, bytes]) -> Build:
    """A build from its files, by their address."""
    release = _release(bodies.get(_VERSION, b""))
    files = {
        address: File(_KINDS.get(Path(address).suffix, "application/octet-stream"), body, release)
        for address, body in sorted(bodies.items())
    }
    return Build(files, release)


def _release(version: bytes) -> str:
    try:
        document = json.loads(version)
    except ValueError:
        return ""
    return str(document.get("release", "")) if isinstance(document, dict) else ""
