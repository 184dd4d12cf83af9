"""Loads the parts of slices that a session may use. A slice takes part because its folder is there, and no list names it.

A package of ``pam_rollback`` whose ``__init__`` has ``LOADED_FOR`` brings fixtures: its ``fixtures`` are loaded when ``-m`` names one of
those markers. Tests of these phases run only when ``-m`` names them, so no test that runs misses a fixture.

A package with a module ``hooks`` listens to the suite's own hooks (``hookspecs``). All of them are about real runs, so no other session
loads it.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import pam_rollback
from pam_rollback.plugin import hookspecs, markers
from pam_rollback.plugin.project_root import only_own_tests


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Any conftest.py may listen, too."""
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Decide by the command line alone; workers of pytest-xdist come to the same answer."""
    known = early_config.known_args_namespace
    if only_own_tests(known.file_or_dir):
        return
    load = early_config.pluginmanager.import_plugin
    explained = known.showfixtures or known.show_fixtures_per_test
    named = markers.named_in(known.markexpr)
    for name, loaded_for in slices():
        if explained or named & loaded_for:
            load(f"{name}.fixtures")
    # A command line that takes our options away is refused a moment later.
    if getattr(known, "pam_mode", "") == "real":
        for name in listening():
            load(f"{name}.hooks")


def slices() -> Iterator[tuple[str, frozenset[str]]]:
    """Each slice that brings fixtures of its own, and the markers for which they are loaded."""
    for name in _packages():
        loaded_for = getattr(importlib.import_module(name), "LOADED_FOR", None)
        if loaded_for is not None:
            yield name, loaded_for


def listening() -> Iterator[str]:
    """Each slice that listens to the suite's hooks."""
    [root] = pam_rollback.__path__
    return (name for name in _packages() if Path(root, name.rpartition(".")[2], "hooks.py").is_file())


def _packages() -> Iterator[str]:
    return (
        found.name for found in pkgutil.iter_modules(pam_rollback.__path__, f"{pam_rollback.__name__}.") if found.ispkg
    )
