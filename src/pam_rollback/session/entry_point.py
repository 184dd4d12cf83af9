"""What every pytest session of an environment loads in which the suite is installed: next to nothing, unless the session is ours.

A product's own tests have options, markers and settings of their own; the plug-in keeps out of them. In a checkout, and in the folder that
``pam-rollback`` laid out, it is loaded by the settings; where pytest did not find those, it is loaded from here and says so
(``project_root``). ``pytest --pyargs pam_rollback …`` in the repository of a product is ``pam-rollback …``.
"""

import os
import sys
from pathlib import Path

import pytest

from pam_rollback.outside.places import is_whole, project_of
from pam_rollback.session.pytest_options import PLUGIN

_COMMAND = "pam_rollback.installed"
_PACKAGE = "pam_rollback"


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Load the plug-in where the project is whole; before the command line is read, because its options stand there."""
    project = project_of(Path.cwd())
    if project is not None and is_whole(project):
        pluginmanager.import_plugin(PLUGIN)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Go on as ``pam-rollback`` when the package was named. Raises pytest.UsageError where no other program can be started."""
    known, invocation = early_config.known_args_namespace, early_config.invocation_params
    if not (known.pyargs and _PACKAGE in known.file_or_dir):
        return
    if tuple(sys.argv[1:]) != tuple(invocation.args):
        raise pytest.UsageError("--pyargs pam_rollback: start it from a command line, or run pam-rollback")
    rest = [argument for argument in invocation.args if argument not in {"--pyargs", _PACKAGE}]
    capture = early_config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.suspend_global_capture(in_=True)  # else the other program would write into pytest's file
    os.execv(sys.executable, [sys.executable, "-m", _COMMAND, *map(str, rest)])  # noqa: S606 - the same program
