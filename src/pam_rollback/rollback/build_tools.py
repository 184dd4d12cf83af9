"""What building or pushing a commit needs on this machine and beside it: programs, and the registry of packages."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.outside.programs import Ended, run_program
from pam_rollback.rollback.npm_build import npm_variables

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
