"""``pam-rollback``: pytest, or a command of the suite, in the repository of a product."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pam_rollback.installed.client import bring_home
from pam_rollback.installed.service import (
    WRITTEN_BY_COMMANDS,
    NotLaidOut,
    begin,
    joined,
    lay_out,
    repository_of,
    said_there,
)

USAGE_ERROR = 4
_PACKAGE = Path(__file__).resolve().parents[1]
HELP = """\
pam-rollback [pytest's arguments]     a session, as `pytest` in a checkout: pam-rollback -m post_rollback --env production
pam-rollback run COMMAND [arguments]  a command, as `make` in a checkout: drills, report, sandbox, connect, alerts, browser, forget …
pam-rollback init                     plan, products and environments to begin with; what is there stays
pam-rollback --help                   this, and then pytest's own help

Run it in the product's repository. The first command lays out .pam-rollback/docs: read how-to/install-in-a-repository.md there, and
runbook.md. Where a page says pytest, say pam-rollback.
"""
_COMMANDS = {
    "forget": "pam_rollback.session.forget",
    "browser": "pam_rollback.browser.client.browser",
    "packages": "pam_rollback.report.packages",
}
"""Those that are not a slice's own; a slice is called by its name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; gives the exit code of what ran, or 4 when nothing could."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    folder = Path.cwd()
    try:
        if given[:1] == ["init"]:
            return _begun(folder)
        if "--help" in given or "-h" in given:
            sys.stdout.write(f"{HELP}\n")
            sys.stdout.flush()
        command = ["pytest", *given] if given[:1] != ["run"] else [_module(given[1:2]), *given[2:]]
        repository = repository_of(folder)
        tree = lay_out(repository)
    except NotLaidOut as problem:
        sys.stderr.write(f"pam-rollback: {problem}\n")
        return USAGE_ERROR
    there = [sys.executable, "-m", command[0], *joined([*said_there(command[1:], folder, repository, tree)])]
    os.chdir(tree)
    if command[0] == "pytest":
        # Signals, the exit code and the terminal are the session's own.
        os.execv(sys.executable, there)  # noqa: S606 - the same program
    code = subprocess.call(there)  # noqa: S603 - the same program
    if tree != repository:
        bring_home(tree, repository, *WRITTEN_BY_COMMANDS)
    return code


def _begun(folder: Path) -> int:
    new = begin(folder)
    sys.stdout.write("".join(f"wrote {name}\n" for name in new) or "everything is there; nothing was written\n")
    return 0


def _module(name: Sequence[str]) -> str:
    there_are = f"there are {', '.join(_COMMANDS)}, and those of pam-rollback --help"
    if not name:
        raise NotLaidOut(f"run: a command is missing; {there_are}")
    if name[0] in _COMMANDS:
        return _COMMANDS[name[0]]
    if name[0].isidentifier() and (_PACKAGE / name[0] / "__main__.py").is_file():
        return f"pam_rollback.{name[0]}"
    raise NotLaidOut(f"run {name[0]}: no such command; {there_are}")


if __name__ == "__main__":
    sys.exit(main())
