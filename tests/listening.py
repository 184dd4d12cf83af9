"""A session with listeners to the suite's own hooks, and nothing else."""

import importlib
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.plugin import hookspecs

_CONFTEST = runpy.run_path(str(Path(__file__).resolve().parents[1] / "conftest.py"))
FIXTURES = [importlib.import_module(name) for name in _CONFTEST["pytest_plugins"]]
"""What the project's conftest.py names."""
TOPICS: list[Any] = [module for module in FIXTURES if any(name.startswith("pytest_pam_") for name in vars(module))]
"""Those that answer a hook of the suite."""


def listened_to(*plugins: object) -> Any:
    """A session with these listeners."""
    manager = pytest.PytestPluginManager()
    manager.add_hookspecs(hookspecs)
    for plugin in plugins:
        manager.register(plugin)
    return SimpleNamespace(hook=manager.hook, pluginmanager=manager)


NO_ONE: Any = None
"""Where nobody looks at what is given."""
