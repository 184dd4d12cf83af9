"""What pytest is told to load (``-p``): it loads the rest of the suite, and keeps the garbage collector out of the start.

What is made while modules are loaded and tests are collected lives to the end: looking at it again takes a third of the start's time. No
part lies below this module by its name: pytest would read it in a slower way of its own, to rewrite assertions.

A slice takes part because its folder is there, and no list names it. The fixtures of a topic are there in every session. A package whose
``__init__`` has ``LOADED_FOR`` is a leaf: its ``fixtures`` are loaded when ``-m`` names one of those markers. Tests of these phases run
only when ``-m`` names them, so no test that runs misses a fixture.

A package with a module ``hooks`` listens to the suite's own hooks (``hookspecs``). With ``LOADED_FOR`` they are loaded with its fixtures;
without, by real runs, by what undoes them, and by sessions that name a marker of its ``HEARD_BY``; with ``LOADED_WITH``, an option's
and a variable's name, by sessions for which one of the two is set. Those of a topic (``HEARD_BY_ALL``) are loaded by every session, and
load what is behind them when they are called.
"""

import argparse
import gc
import importlib.util
import os
import pkgutil
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import pam_rollback
from pam_rollback.session import hookspecs, markers, pytest_options
from pam_rollback.session.project_root import only_own_tests

gc.disable()

_OURS = "pam_rollback."
_FOR_WORKERS = re.compile(r"@|-[a-z]*[dhn]|--(numproc|max|dist|load|no-load|tx|px|rsync|testrun|help)", re.IGNORECASE)
"""How arguments begin that pytest-xdist could understand: its options, alone or together with others, or a file of arguments."""

pytest_plugins = (
    "pam_rollback.session.lasting_streams",
    "pam_rollback.session.options",
    "pam_rollback.session.entry",
    "pam_rollback.session.browser_gate",
    "pam_rollback.session.markers",
    "pam_rollback.session.runbook",
    "pam_rollback.session.guard",
    "pam_rollback.session.situations",
    "pam_rollback.session.sql_files",
    "pam_rollback.session.selection",
    "pam_rollback.session.completeness",
    "pam_rollback.session.stop",
    "pam_rollback.session.progress",
    "pam_rollback.session.phases",
    "pam_rollback.session.classification",
    "pam_rollback.session.time_frames",
    "pam_rollback.session.allure_bridge",
    "pam_rollback.session.deciding",
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


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Any conftest.py may listen, too."""
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Refuse a command line that takes away what the suite stands on, and load the slices that it asks for.

    Here and not in a part of its own, which the command line could take away, too. It decides alone: workers of pytest-xdist come to the
    same answer.
    """
    pytest_options.refuse(early_config)
    known = early_config.known_args_namespace
    if only_own_tests(known.file_or_dir):
        return
    manager = early_config.pluginmanager
    explained = known.showfixtures or known.show_fixtures_per_test
    named = markers.named_in(known.markexpr)
    for name, loaded_for in slices().items():
        if (explained or named & loaded_for) and importlib.util.find_spec(f"{name}.fixtures"):
            load(manager, f"{name}.fixtures")
    for name in fixtures_of_topics():
        load(manager, name)
    for name in sorted(packages(), key=lambda one: one not in topics()):
        if _listens(name, known, named):
            load(manager, f"{name}.hooks")


def _listens(name: str, known: argparse.Namespace, named: set[str]) -> bool:
    package = importlib.import_module(name)
    if name in topics():
        return True
    if asked := getattr(package, "LOADED_WITH", None):
        option, variable = asked
        return bool(getattr(known, option, "") or os.environ.get(variable))
    if not Path(package.__path__[0], "hooks.py").is_file():
        return False
    # A command line that takes our options away is refused a moment later. What is undone may be a real run.
    real = getattr(known, "pam_mode", "") == "real" or bool(getattr(known, "pam_undo", ""))
    heard_in = slices().get(name)
    return bool(getattr(package, "HEARD_BY", frozenset()) & named or (real if heard_in is None else heard_in & named))


def fixtures_of_topics() -> list[str]:
    """Each module of fixtures that every session has: those of packages without ``LOADED_FOR``, but for what conftest.py names."""
    [root] = pam_rollback.__path__
    folders = [Path(root, name.rpartition(".")[2]) for name in packages() if name not in slices()]
    found = [
        path for folder in folders for path in sorted([*folder.glob("fixtures.py"), *folder.glob("fixtures/**/*.py")])
    ]
    files = [path for path in found if path.name != "__init__.py"]
    names = [".".join([pam_rollback.__name__, *path.relative_to(root).with_suffix("").parts]) for path in files]
    return [name for name in names if name not in pytest_options.FIXTURES]


@cache
def slices() -> dict[str, frozenset[str]]:
    """Each slice that brings fixtures of its own, and the markers for which they are loaded."""
    found = ((name, getattr(importlib.import_module(name), "LOADED_FOR", None)) for name in packages())
    return {name: loaded_for for name, loaded_for in found if loaded_for is not None}


def topics() -> list[str]:
    """Each slice whose hooks every session loads."""
    return [name for name in packages() if getattr(importlib.import_module(name), "HEARD_BY_ALL", False)]


@cache
def packages() -> tuple[str, ...]:
    """The name of each slice."""
    found = pkgutil.iter_modules(pam_rollback.__path__, f"{pam_rollback.__name__}.")
    return tuple(one.name for one in found if one.ispkg)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """From here on there is garbage."""
    gc.freeze()
    gc.enable()
