"""Runs the scripts of a package with npm: a clean install, once, then each script by itself, with what it leaves behind.

Unlike a build for users (``npm_build``) a script that fails is a finding and no error. What keeps a script from being run at all (no npm,
no lock file, an install that fails) is an error: then nothing is known of the candidate.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http.programs import Ended
from pam_rollback.plan.plan_items import GateCommand
from pam_rollback.redeploy.gate.stages import Stage, scripts_of, telling_words
from pam_rollback.rollback.npm_build import call_npm, is_locked, npm_variables
from pam_rollback.target.environment import Environment

_SHOWN_LINES = 4
_READ_BYTES = 200_000
_REPORTS = ("reports", "coverage", "test-results", "playwright-report", "junit.xml")
"""Where test runners of the JavaScript world leave JUnit, coverage and pages."""
_KEPT_FILES_MAX = 500
_KEPT_BYTES_MAX = 20_000_000
_SHOWN_BYTES = 1_000_000
_LOG_BYTES_MAX = 200_000_000


@dataclass(frozen=True)
class NpmPackage:
    """The package in ``folder``, at that commit. ``meanwhile`` hears the log's path while something runs, and may raise to end it."""

    folder: Path
    commit: str
    meanwhile: Callable[[Path], None]
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Beside those that every call gets: the test account of the end-to-end tests."""
    npm: Sequence[str] = ("npm",)

    def install(self, log: Path, *, deadline_s: float) -> None:
        """Install what the lock file says, and nothing else. Raises MeasurementFailed when that cannot be done."""
        if not (self.folder / "package.json").is_file():
            raise MeasurementFailed(
                f"commit {self.commit[:12]}: expected a package.json in the front end's folder, found none; is [git] frontend_folder right?"
            )
        if not is_locked(self.folder):
            raise MeasurementFailed(
                f"commit {self.commit[:12]}: expected a package-lock.json beside package.json, found none: without it nobody knows "
                "which packages would be tested; commit the lock file"
            )
        ended = self._call(("ci", "--no-audit", "--no-fund"), log, deadline_s)
        if ended.exit_code is None:
            raise MeasurementFailed(f"npm ci: no end within {deadline_s:g} s, so it was ended: {self._words(log)}")
        if not ended.succeeded:
            raise MeasurementFailed(f"npm ci: exit code {ended.exit_code}: {self._words(log)}")

    def run(self, command: GateCommand, log: Path, *, keep_in: Path) -> Stage:
        """Run one script to its end; what it left behind is copied. A script that is not there, or does nothing, is a finding, too."""
        package = (self.folder / "package.json").read_text(encoding="utf-8")
        scripts = scripts_of(package, f"package.json at {self.commit[:12]}")
        stage = Stage(command, self.commit, scripts)
        if stage.missing:
            return stage
        began_s = time.time()
        ended = self._call(("run", command.script), log, command.deadline_s)
        kept = sum(1 for _ in self._keep(keep_in, since_s=began_s))
        words = self._words(log)
        return replace(stage, exit_code=ended.exit_code, took_s=ended.took_s, last_words=words, kept=kept)

    def _call(self, arguments: Sequence[str], log: Path, deadline_s: float) -> Ended:
        variables = {**npm_variables(), **self.variables}
        try:
            return call_npm(
                self.npm,
                arguments,
                folder=self.folder,
                variables=variables,
                deadline_s=deadline_s,
                log=log,
                meanwhile=lambda: self.meanwhile(log),
            )
        except FileNotFoundError:
            raise MeasurementFailed(
                f"npm: there is no {self.npm[0]} on this machine; install Node.js with npm, as the candidate's package.json asks for it"
            ) from None

    def _words(self, log: Path) -> str:
        text = _tail(log, _READ_BYTES)
        return telling_words(text.rpartition("\n$ npm ")[2].splitlines()[1:] or text.splitlines(), _SHOWN_LINES)

    def _keep(self, place: Path, *, since_s: float) -> Iterator[Path]:
        """Copy what is new since then; links are not followed out of the checkout."""
        left, bytes_left = _KEPT_FILES_MAX, _KEPT_BYTES_MAX
        for file in self._left_behind():
            about = file.stat()
            if about.st_mtime < since_s - 1 or not left or about.st_size > bytes_left:
                continue
            target = place / file.relative_to(self.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
            left, bytes_left = left - 1, bytes_left - about.st_size
            yield target

    def _left_behind(self) -> Iterator[Path]:
        for name in _REPORTS:
            found = self.folder / name
            if found.is_file() and not found.is_symlink():
                yield found
            for folder, _, files in os.walk(found):
                yield from (path for file in sorted(files) if not (path := Path(folder) / file).is_symlink())


def account_variables(environment: Environment) -> dict[str, str]:
    """Return the test account, by the names that the product's end-to-end tests read. Not on production: the candidate's code sees it."""
    if "test_account" not in environment.abilities or environment.kind == "production":
        return {}
    return {
        "TEST_USER_EMAIL": environment.secret("test_user_email"),
        "TEST_USER_PASSWORD": environment.secret("test_user_password"),
    }


def refuse_endless(log: Path) -> None:
    """Raise MeasurementFailed for a log that fills the disk."""
    if log.stat().st_size > _LOG_BYTES_MAX:
        raise MeasurementFailed(f"{log.stem} was ended: it printed more than {_LOG_BYTES_MAX // 1_000_000} MB")


def last_line(log: Path) -> str:
    """Return the last line that says something."""
    return next((line.strip() for line in reversed(_tail(log, 2000).splitlines()) if line.strip()), "")


def end_of(log: Path) -> str:
    """Return the end of a log, and how much stands before it."""
    before = log.stat().st_size - _SHOWN_BYTES
    text = _tail(log, _SHOWN_BYTES)
    return f"[… {before} bytes before this: {log.name} in the run's folder]\n{text}" if before > 0 else text


def _tail(log: Path, most: int) -> str:
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - most))
        return file.read().decode(errors="replace")
