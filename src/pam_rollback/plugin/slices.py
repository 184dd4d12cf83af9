"""Loads the fixtures of the slices that a session may use. A slice takes part because its folder is there, and no list names it.

A package of ``pam_rollback`` whose ``__init__`` has ``LOADED_FOR`` is such a slice: its ``fixtures`` are loaded when ``-m`` names one of
those markers. Tests of these phases run only when ``-m`` names them, so no test that runs misses a fixture.
"""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import pam_rollback
from pam_rollback.plugin import markers
from pam_rollback.plugin.project_root import only_own_tests


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Decide by the command line alone; workers of pytest-xdist come to the same answer."""
    known = early_config.known_args_namespace
    if only_own_tests(known.file_or_dir):
        return
    explained = known.showfixtures or known.show_fixtures_per_test
    named = markers.named_in(known.markexpr)
    for name, loaded_for in slices():
        if explained or named & loaded_for:
            early_config.pluginmanager.import_plugin(f"{name}.fixtures")


def slices() -> Iterator[tuple[str, frozenset[str]]]:
    """Each slice that brings fixtures of its own, and the markers for which they are loaded."""
    for package in pkgutil.iter_modules(pam_rollback.__path__, f"{pam_rollback.__name__}."):
        loaded_for = getattr(importlib.import_module(package.name), "LOADED_FOR", None) if package.ispkg else None
        if loaded_for is not None:
            yield package.name, loaded_for
