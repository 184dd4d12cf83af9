"""Netlify's own command line tool and its description of the API, installed once for all working copies of this account."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from pam_rollback.sandbox.site_builder import tools_folder

HERE = Path(__file__).parent
ON_LOOPBACK = HERE / "on_loopback.cjs"
"""What Node.js loads first, so that the tool asks nobody but the stand-in."""
_LOCK = HERE / "package-lock.json"
_WITHIN_S = 600
_PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)


def installed() -> Path:
    """The folder with ``node_modules``; installs it when it is not there. Fails with npm's words and what to do."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    cache = (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "pam-rollback-tests"
    folder = cache / f"netlify-{hashlib.sha256(_LOCK.read_bytes()).hexdigest()[:16]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "netlify.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever comes second finds it done
        if not (folder / "complete").is_file():
            _install(folder)
            (folder / "complete").touch()
    return folder


def node() -> Path:
    """The Node.js that runs it."""
    return tools_folder() / "bin" / "node"


def _install(folder: Path) -> None:
    print("installing the packages of tests/netlify_cli/package-lock.json (once)…", flush=True)  # noqa: T201 - for whoever called make
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
    npm = tools_folder() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or name.lower().startswith("npm_config_")
    }
    done = subprocess.run(
        [node(), npm, "ci", *options],
        cwd=folder,
        env={**kept, "PATH": f"{node().parent}{os.pathsep}{kept.get('PATH', os.defpath)}"},
        capture_output=True,
        text=True,
        timeout=_WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, (
        f"Netlify's tools could not be installed; with a network: cd {HERE} && npm ci --ignore-scripts\n{done.stderr[-2000:]}"
    )
