"""A session with listeners to the suite's own hooks, and nothing else."""

from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.session import hookspecs


def listened_to(*plugins: object) -> Any:
    """A session with these listeners."""
    manager = pytest.PytestPluginManager()
    manager.add_hookspecs(hookspecs)
    for plugin in plugins:
        manager.register(plugin)
    return SimpleNamespace(hook=manager.hook, pluginmanager=manager)


NO_ONE: Any = None
"""Where nobody looks at what is given."""
