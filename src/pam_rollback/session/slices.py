"""Loads the parts of slices that a session may use. A slice takes part because its folder is there, and no list names it.

The fixtures of a topic are there in every session. A package whose ``__init__`` has ``LOADED_FOR`` is a leaf: its ``fixtures`` are loaded
when ``-m`` names one of those markers. Tests of these phases run only when ``-m`` names them, so no test that runs misses a fixture.

A package with a module ``hooks`` listens to the suite's own hooks (``hookspecs``). With ``LOADED_FOR`` they are loaded with its fixtures;
without, by real runs, by what undoes them, and by sessions that name a marker of its ``HEARD_BY``; with ``LOADED_WITH``, an option's
and a variable's name, by sessions for which one of the two is set. Those of a topic (``HEARD_BY_ALL``) are loaded by every session, and
load what is behind them when they are called.
"""

import importlib
import os
import pkgutil
from functools import cache
from pathlib import Path

import pytest

import pam_rollback
from pam_rollback.session import hookspecs, markers
from pam_rollback.session.project_root import only_own_tests
from pam_rollback.session.pytest_options import FIXTURES as NAMED_BY_CONFTEST
from pam_rollback.session.start_up import load


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Any conftest.py may listen, too."""
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Decide by the command line alone; workers of pytest-xdist come to the same answer."""
    known = early_config.known_args_namespace
    if only_own_tests(known.file_or_dir):
        return
    manager = early_config.pluginmanager
    explained = known.showfixtures or known.show_fixtures_per_test
    named = markers.named_in(known.markexpr)
    # A command line that takes our options away is refused a moment later. What is undone may be a real run.
    real = getattr(known, "pam_mode", "") == "real" or bool(getattr(known, "pam_undo", ""))
    for name, loaded_for in slices().items():
        if explained or named & loaded_for:
            load(manager, f"{name}.fixtures")
    for name in fixtures_of_topics():
        load(manager, name)
    for name in topics():
        load(manager, f"{name}.hooks")
    for name, (option, variable) in asked_for().items():
        if getattr(known, option, "") or os.environ.get(variable):
            load(manager, f"{name}.hooks")
    for name, heard_in in listening().items():
        if named & _heard_by(name) or (real if heard_in is None else named & heard_in):
            load(manager, f"{name}.hooks")


def fixtures_of_topics() -> list[str]:
    """Each module of fixtures that every session has: those of packages without ``LOADED_FOR``, but for what conftest.py names."""
    [root] = pam_rollback.__path__
    folders = [Path(root, name.rpartition(".")[2]) for name in packages() if name not in slices()]
    found = [
        path for folder in folders for path in sorted([*folder.glob("fixtures.py"), *folder.glob("fixtures/**/*.py")])
    ]
    files = [path for path in found if path.name != "__init__.py"]
    names = [".".join([pam_rollback.__name__, *path.relative_to(root).with_suffix("").parts]) for path in files]
    return [name for name in names if name not in NAMED_BY_CONFTEST]


def slices() -> dict[str, frozenset[str]]:
    """Each slice that brings fixtures of its own, and the markers for which they are loaded."""
    return {name: loaded_for for name in packages() if (loaded_for := _loaded_for(name)) is not None}


def listening() -> dict[str, frozenset[str] | None]:
    """Each slice that listens to the suite's hooks, and the markers for which it does; None: to those of real runs."""
    [root] = pam_rollback.__path__
    others = {*asked_for(), *topics()}
    return {
        name: _loaded_for(name)
        for name in packages()
        if name not in others and Path(root, name.rpartition(".")[2], "hooks.py").is_file()
    }


def asked_for() -> dict[str, tuple[str, str]]:
    """Each slice whose hooks are loaded by what a session is asked for: the option's name among the known ones, and a variable."""
    found = ((name, getattr(importlib.import_module(name), "LOADED_WITH", None)) for name in packages())
    return {name: asked for name, asked in found if asked is not None}


def topics() -> list[str]:
    """Each slice whose hooks every session loads."""
    return [name for name in packages() if getattr(importlib.import_module(name), "HEARD_BY_ALL", False)]


def _heard_by(name: str) -> frozenset[str]:
    found: frozenset[str] = getattr(importlib.import_module(name), "HEARD_BY", frozenset())
    return found


def _loaded_for(name: str) -> frozenset[str] | None:
    found: frozenset[str] | None = getattr(importlib.import_module(name), "LOADED_FOR", None)
    return found


@cache
def packages() -> tuple[str, ...]:
    """The name of each slice."""
    found = pkgutil.iter_modules(pam_rollback.__path__, f"{pam_rollback.__name__}.")
    return tuple(one.name for one in found if one.ispkg)
