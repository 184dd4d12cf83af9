"""pytest takes the value of ``--env FILE`` for a path to collect and looks for its settings beside that file, not in this project.

The options are not known yet when it decides that. ``--env=FILE`` avoids it, so the session is started again in that form.
"""

import os
import sys
from collections.abc import Sequence

import pytest

from pam_rollback.outside.places import PLAN

_WITH_PATHS = ("--env", "--run-dir", "--baseline", "--undo", "--state", "--state-dir")
_RESTARTED = "PAM_ROLLBACK_RESTARTED"


def is_found(config: pytest.Config) -> bool:
    """Pytest found this project's settings."""
    return (config.rootpath / PLAN).is_file()


def restart_if_missed(config: pytest.Config) -> None:
    """Start the same session again with the options written so that pytest finds the project; returns when it was found.

    Raises pytest.UsageError when that cannot help.
    """
    invocation = config.invocation_params
    args = joined(invocation.args)
    # The workers of pytest-xdist read the same arguments later, when the run's folder is there and would be taken for the project.
    is_read_again = bool(getattr(config.option, "numprocesses", None)) and args != list(invocation.args)
    if (is_found(config) and not is_read_again) or not (invocation.dir / PLAN).is_file():
        return
    ours = tuple(sys.argv[1:]) == tuple(invocation.args)
    if not ours or args == list(invocation.args) or os.environ.get(_RESTARTED):
        raise pytest.UsageError(
            f"pytest took {config.rootpath} for the project; write --env=FILE and --run-dir=DIR, with an equals sign"
        )
    os.execve(sys.executable, [sys.executable, "-m", "pytest", *args], {**os.environ, _RESTARTED: "1"})  # noqa: S606 - the same program


def only_own_tests(paths: Sequence[str]) -> bool:
    """Whether the command line names the suite's own tests and nothing else."""
    return bool(paths) and all(path.lstrip("./").startswith("tests") for path in paths)


def joined(args: Sequence[str]) -> list[str]:
    """``--env FILE`` as ``--env=FILE``, and likewise for the other options that take a path."""
    found: list[str] = []
    rest = iter(args)
    for arg in rest:
        value = next(rest, None) if arg in _WITH_PATHS else None
        found.append(arg if value is None else f"{arg}={value}")
    return found
