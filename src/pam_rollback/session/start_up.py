"""What pytest is told to load (``-p``): it loads the rest of the suite, and keeps the garbage collector out of the start.

What is made while modules are loaded and tests are collected lives to the end: to look at it again and again takes a third of the
processor time that a session needs before its first request (``benchmarks/strategies.py``). No part lies below this module by its name:
pytest would read it in a slower way of its own, to rewrite assertions, a thirtieth of the time of a session of health checks.
"""

import gc
import importlib
import os
import re
import shlex
from typing import Any

import pytest

from pam_rollback.session import pytest_options

gc.disable()

_OURS = "pam_rollback."
_FOR_WORKERS = re.compile(r"@|-[a-z]*[dhn]|--(numproc|max|dist|load|no-load|tx|px|rsync|testrun|help)", re.IGNORECASE)
"""How arguments begin that pytest-xdist could understand: its options, alone or together with others, or a file of arguments."""

pytest_plugins = (
    "pam_rollback.session.lasting_streams",
    "pam_rollback.session.options",
    "pam_rollback.session.entry",
    "pam_rollback.session.slices",
    "pam_rollback.session.browser_gate",
    "pam_rollback.session.markers",
    "pam_rollback.session.runbook",
    "pam_rollback.session.guard",
    "pam_rollback.session.situations",
    "pam_rollback.session.sql_files",
    "pam_rollback.session.unasked_files",
    "pam_rollback.session.selection",
    "pam_rollback.session.paced",
    "pam_rollback.session.completeness",
    "pam_rollback.session.stop",
    "pam_rollback.session.harmless_terminal",
    "pam_rollback.session.progress",
    "pam_rollback.session.phases",
    "pam_rollback.session.classification",
    "pam_rollback.session.time_frames",
    "pam_rollback.session.kinds_seen",
    "pam_rollback.session.allure_bridge",
    "pam_rollback.session.decision_alone",
    "pam_rollback.session.verdict",
)


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Load pytest-xdist where somebody asks for workers, and in a worker: it costs each start as much as all checks of health."""
    config: Any = pluginmanager.get_plugin("pytestconfig")
    given = [*map(str, config.invocation_params.args), *shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))]
    if "PYTEST_XDIST_WORKER" in os.environ or any(map(_FOR_WORKERS.match, given)):
        pluginmanager.import_plugin("xdist", consider_entry_points=True)


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    """Load the parts that a module names by our own names, and the parts of those.

    pytest itself looks for each name among the entry points of every installed package first, some milliseconds each: a quarter of
    what a session needs of a processor before its first request.
    """
    for name in getattr(plugin, "pytest_plugins", ()):
        if isinstance(name, str) and name.startswith(_OURS):
            load(manager, name)


def load(manager: pytest.PytestPluginManager, name: str) -> bool:
    """Whether it was not there yet. Its assertions need not be rewritten: each has words of its own."""
    if manager.hasplugin(name) or manager.is_blocked(name):
        return False
    manager.register(importlib.import_module(name), name)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Refuse, before anything else, a command line that takes away what the suite stands on.

    Here and not in a part of its own, which the command line could take away, too.
    """
    pytest_options.refuse(early_config)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """From here on there is garbage."""
    gc.freeze()
    gc.enable()
