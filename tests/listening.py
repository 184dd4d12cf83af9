"""A session with listeners to the suite's own hooks, and nothing else."""

import importlib
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.session import hookspecs

_NAMED = runpy.run_path(str(Path(__file__).resolve().parents[1] / "conftest.py"))["pytest_plugins"]
TOPICS = [importlib.import_module(name) for name in _NAMED if name.endswith(".hooks")]
"""What the project's conftest.py names: the modules of hooks, and those of fixtures."""
FIXTURES = [importlib.import_module(name) for name in _NAMED if not name.endswith(".hooks")]


def listened_to(*plugins: object, **topics: object) -> Any:
    """A session with these listeners, which lets these functions do what topics do."""
    manager = pytest.PytestPluginManager()
    manager.add_hookspecs(hookspecs)
    for plugin in plugins:
        manager.register(plugin)
    if topics:
        manager.register(SimpleNamespace(pytest_pam_topics=lambda: SimpleNamespace(**topics)))
    return SimpleNamespace(hook=manager.hook, pluginmanager=manager)


NO_ONE: Any = None
"""Where nobody looks at what is given."""
