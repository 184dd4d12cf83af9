"""npm packages of the tests' own, as a lock file beside them says, installed once for all working copies of this account."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from pam_sandbox.builds import tools_folder

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


def installed_from(where: Path, name: str) -> Path:
    """The folder with ``node_modules``; installs it when it is not there. Fails with npm's words and what to do."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    cache = (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "pam-rollback-tests"
    folder = cache / f"{name}-{hashlib.sha256((where / 'package-lock.json').read_bytes()).hexdigest()[:16]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever comes second finds it done
        if not (folder / "complete").is_file():
            _install(where, folder)
            (folder / "complete").touch()
    return folder


def node() -> Path:
    """The Node.js that runs them."""
    return tools_folder() / "bin" / "node"


def passed_on() -> dict[str, str]:
    """What npm and its packages are told of this account's variables."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or name.lower().startswith("npm_config_")
    }


def _install(where: Path, folder: Path) -> None:
    print(f"installing the packages of tests/{where.name}/package-lock.json (once)…", flush=True)  # noqa: T201 - for whoever called make
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(where / name, folder)
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
    npm = tools_folder() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    kept = passed_on()
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
        f"the packages could not be installed; with a network: cd {where} && npm ci --ignore-scripts\n{done.stderr[-2000:]}"
    )
