"""Builds the front end with npm: a clean install, then the script, once, with none of the session's secrets in reach of it.

The plan builds with whatever packages the last checkout left behind, and then lets the provider's tool build a second time.
"""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pam_rollback.core.errors import ActionFailed, MeasurementFailed, ProviderError
from pam_rollback.http.programs import Ended, last_lines, run_program

_PROVIDER = "npm"
_LOCKS = ("package-lock.json", "npm-shrinkwrap.json")
_KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
_KEPT_BEGINNINGS = ("npm_config_", "NPM_CONFIG_", "VITE_")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy")
_SHOWN_LINES = 15


@dataclass(frozen=True)
class NpmBuild:
    """How an environment's front end is built: the tables ``[git]`` says so. ``log`` takes what npm prints, as it comes.

    ``npm`` is the command; the deadline holds for install and build together.
    """

    log: Path
    frontend_folder: str = ""
    script: str = "build:production"
    publish_folder: str = "dist"
    deadline_s: float = 600.0
    npm: Sequence[str] = ("npm",)

    def build(self, worktree: Path) -> Path:
        """Install and build once in a fresh worktree; gives the folder to be published."""
        folder = worktree / self.frontend_folder
        self._refuse_unbuildable(folder)
        published = folder / self.publish_folder
        # What is published is what was built now: a folder that is part of the commit would pass for it.
        shutil.rmtree(published, ignore_errors=True)
        took_s = self._run("ci", "--no-audit", "--no-fund", folder=folder, deadline_s=self.deadline_s)
        self._run("run", self.script, folder=folder, deadline_s=self.deadline_s - took_s)
        if not (published.is_dir() and any(path.is_file() for path in published.rglob("*"))):
            raise self._failed(
                f"run {self.script}",
                f"it ended with 0, but {self.publish_folder}/ holds no file; is [git] publish_folder right?\n{self._tail()}",
            )
        return published

    def _run(self, *arguments: str, folder: Path, deadline_s: float) -> float:
        operation = " ".join(argument for argument in arguments if not argument.startswith("-"))
        try:
            ended = call_npm(
                self.npm, arguments, folder=folder, variables=npm_variables(), deadline_s=deadline_s, log=self.log
            )
        except FileNotFoundError:
            raise self._failed(
                "start", f"there is no {self.npm[0]} on this machine; install Node.js with npm"
            ) from None
        if ended.exit_code is None:
            raise self._failed(
                operation,
                f"no end after {ended.took_s:.0f} s, so it was stopped; all of it: {self.log}\n{self._tail()}",
            )
        if not ended.succeeded:
            raise self._failed(operation, f"exit code {ended.exit_code}; all of it: {self.log}\n{self._tail()}")
        return ended.took_s

    def _refuse_unbuildable(self, folder: Path) -> None:
        package = folder / "package.json"
        where = "is [git] frontend_folder right?"
        try:
            scripts = json.loads(package.read_text(encoding="utf-8")).get("scripts", {})
        except FileNotFoundError:
            place = self.frontend_folder or "the root of the commit"
            raise self._failed("look", f"expected a package.json in {place}, found none; {where}") from None
        except (ValueError, AttributeError) as error:
            raise self._failed("look", f"{package.name} cannot be read: {error}") from None
        if not isinstance(scripts, dict) or self.script not in scripts:
            known = ", ".join(sorted(scripts)) or "none"
            raise self._failed(
                "look",
                f"expected the script {self.script!r} in package.json, found {known}; is [git] build_command right?",
            )
        if not is_locked(folder):
            raise self._failed(
                "look",
                "expected a package-lock.json beside package.json, found none: without it nobody knows which packages were "
                "built with then; restore the provider's own build of that commit instead (docs/runbook.md#frontend-rollback)",
            )

    def _failed(self, operation: str, what: str) -> ProviderError:
        return ProviderError(f"npm {operation}: {what}", provider=_PROVIDER, operation=operation)

    def _tail(self) -> str:
        return last_lines(self.log, _SHOWN_LINES)


def call_npm(npm: Sequence[str], arguments: Sequence[str], *, log: Path, **how: Any) -> Ended:
    """Run npm as ``run_program`` does; the log has its command first. Raises FileNotFoundError where there is no npm."""
    with log.open("a", encoding="utf-8") as file:
        file.write(f"$ npm {' '.join(arguments)}\n")
    log.chmod(0o600)
    return run_program([*npm, *arguments], log=log, **how)


def is_locked(folder: Path) -> bool:
    """Whether a lock file says which packages are meant."""
    return any((folder / lock).is_file() for lock in _LOCKS)


def npm_variables() -> dict[str, str]:
    """No secret of the session, and no NODE_ENV: npm would leave the tools out that build."""
    proxies = {spelling for name in _PROXIES for spelling in (name, name.upper())}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT_VARIABLES or name in proxies or name.startswith(_KEPT_BEGINNINGS)
    }
    return {**kept, "CI": "true", "NO_COLOR": "1", "FORCE_COLOR": "0"}


_SHOWN = 160


def programs_here(*names: str, deadline_s: float) -> str:
    """These programs start, and say their versions. Raises ActionFailed when one does not."""
    found = []
    for name in names:
        ended = _run([name, "--version"], deadline_s=deadline_s)
        if not ended.succeeded:
            raise ActionFailed(f"{name} --version failed: {_words(ended)}; install it anew")
        found.append(f"{name} {ended.out.split()[-1] if ended.out.split() else '?'}")
    return ", ".join(found)


def registry_answers(lock: str | None, *, deadline_s: float) -> str:
    """Whoever gives out the packages that a build installs answers. ``lock``: the package-lock.json of what would be built.

    Raises ActionFailed when it does not, MeasurementFailed when the lock does not say what a build needs.
    """
    if lock is None:
        raise MeasurementFailed(
            "there is no package-lock.json: what a build needs is not known, and it would be refused"
        )
    try:
        packages = [name for name in json.loads(lock)["packages"] if name]
    except (ValueError, KeyError, TypeError):
        raise MeasurementFailed("package-lock.json cannot be read: what a build needs is not known") from None
    if not packages:
        return "no build needs a package"
    ended = _run(["npm", "ping", "--fetch-retries=0"], deadline_s=deadline_s)
    if ended.exit_code is None:
        raise ActionFailed(
            f"the registry did not answer within {deadline_s:g} s; a build needs {len(packages)} packages of it"
        )
    if not ended.succeeded:
        raise ActionFailed(
            f"the registry cannot be reached: {_words(ended)}; a build needs {len(packages)} packages of it"
        )
    return f"the registry answers, for {len(packages)} packages"


def _run(command: Sequence[str], *, deadline_s: float) -> Ended:
    with TemporaryDirectory(prefix="pam-look-") as folder:
        try:
            return run_program(command, folder=Path(folder), variables=npm_variables(), deadline_s=deadline_s)
        except FileNotFoundError:
            raise ActionFailed(f"there is no {command[0]} on this machine; install it") from None


def _words(ended: Ended) -> str:
    lines = [line for line in f"{ended.err}\n{ended.out}".splitlines() if line.strip()]
    return (lines[0] if lines else f"exit code {ended.exit_code}")[:_SHOWN]
