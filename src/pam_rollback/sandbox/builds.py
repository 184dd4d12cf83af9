"""The site as each release builds it: files below an address that names their content, a page that refers to them, a service worker."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

SITE = Path(__file__).with_name("site")
_STUCK_WORKER = Path(__file__).with_name("stuck_worker.js")
_PAGE = "index.html"
_WORKER = "sw.js"
_HASH_DIGITS = 12
_KINDS: Mapping[str, str] = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
_WITH_BANNER = {".js", ".css"}


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


@dataclass(frozen=True)
class Build:
    """The site of one release. `assets` are by address; the page and the worker are made for exactly these."""

    release: str
    hash: str
    assets: Mapping[str, File]
    page: File
    worker: File
    stuck_worker: File
    """A worker that never again asks the network for a page, once it is installed."""

    def address(self, name: str) -> str:
        """Where the file `name` of the site is published."""
        return f"/assets/{self.hash}/{name}"

    def manifest(self) -> Mapping[str, object]:
        """What the deploy says about itself."""
        return {"release": self.release, "files": {address: file.sha256 for address, file in self.assets.items()}}


def asset_names(site: Path = SITE) -> tuple[str, ...]:
    """The files of the site that are published below a hash: all but the page and the worker, which keep their address."""
    return tuple(
        sorted(
            file.relative_to(site).as_posix()
            for file in site.rglob("*")
            if file.suffix in _KINDS and file.name not in {_PAGE, _WORKER}
        )
    )


def build(release: str, site: Path = SITE) -> Build:
    """Build the site for a release. Scripts and styles begin with its name, so that no two releases have the same content."""
    contents = {name: _content(site / name, release) for name in asset_names(site)}
    digest = hashlib.sha256()
    for name, body in contents.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(body).digest())
    found = digest.hexdigest()[:_HASH_DIGITS]
    assets = {
        f"/assets/{found}/{name}": File(_KINDS[Path(name).suffix], body, release) for name, body in contents.items()
    }
    known = {"__RELEASE__": release, "__BUILD__": found}
    page = _filled(site / _PAGE, release, known)
    known |= {"__PAGE__": json.dumps(page.body.decode()), "__FILES__": json.dumps(list(assets))}
    return Build(
        release,
        found,
        assets,
        page,
        worker=_filled(site / _WORKER, release, known),
        stuck_worker=_filled(_STUCK_WORKER, release, known),
    )


def _content(file: Path, release: str) -> bytes:
    body = file.read_bytes()
    return f"/*! Wheels & Wins {release} */\n".encode() + body if file.suffix in _WITH_BANNER else body


def _filled(file: Path, release: str, known: Mapping[str, str]) -> File:
    text = file.read_text(encoding="utf-8")
    for placeholder, value in known.items():
        text = text.replace(placeholder, value)
    return File(_KINDS[file.suffix], text.encode(), release)
