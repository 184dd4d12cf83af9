"""Leaves files unread that name no marker of a plain ``-m`` expression: health checks do not load what journeys are made of."""

import os
from pathlib import Path

import pytest

from pam_rollback.session import runbook as runbook_module
from pam_rollback.session.completeness import names_a_marker, shared_tests
from pam_rollback.session.runbook import FOLDERS, folder_of

_ALL = pytest.StashKey[bool]()


def read_all(config: pytest.Config) -> None:
    """Read every file in this session, for those who look at tests that ``-m`` does not select."""
    config.stash[_ALL] = True


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave a file out whose text has none of the markers. A test's markers are therefore written in its own file."""
    if collection_path.suffix != ".py" or runbook_module.of(config) is None or config.stash.get(_ALL, False):
        return None
    if folder_of(config, collection_path) not in FOLDERS or collection_path.name == "conftest.py":
        return None
    text = collection_path.read_text(encoding="utf-8", errors="replace")
    texts = [text, *shared_tests(text, config.rootpath).values()]
    return None if _is_named(collection_path, config) or names_a_marker(texts, config.option.markexpr) else True


def _is_named(path: Path, config: pytest.Config) -> bool:
    return any(Path(os.path.normpath(config.invocation_params.dir / arg.split("::")[0])) == path for arg in config.args)
