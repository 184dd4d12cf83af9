"""What every pytest session of an environment loads in which the suite is installed: next to nothing, unless the session is ours.

A product's own tests have options, markers and settings of their own; the plug-in keeps out of them. In a checkout it is loaded by the
settings; where pytest did not find those, it is loaded from here and says so (``project_root``).
"""

from pathlib import Path

import pytest

from pam_rollback.http.files import project_of
from pam_rollback.plugin.pytest_options import PLUGIN


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Load the plug-in in a checkout; before the command line is read, because its options stand there."""
    project = project_of(Path.cwd())
    settings = None if project is None else project / "pyproject.toml"
    if settings is not None and settings.is_file() and f'"{PLUGIN}"' in settings.read_text("utf-8", "replace"):
        pluginmanager.import_plugin(PLUGIN)
