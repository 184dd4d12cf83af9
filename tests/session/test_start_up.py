"""The start does without what costs time and helps nobody: the garbage collector, and searches of all installed packages."""

import gc
import subprocess
import sys

from tests.sessions import ROOT, as_by_hand

_COUNTING = """
import importlib.metadata, sys
import pytest

searched = []
distributions = importlib.metadata.distributions
importlib.metadata.distributions = lambda **given: searched.append(given) or distributions(**given)
code = pytest.main(["-m", "health", "--env=sandbox", "--collect-only", "-q"])
print("searched", len(searched), "times, exit code", int(code))
"""
_OF_PYTEST = 3
"""pytest's own: one for each ``-p`` of pyproject.toml, and what it reads for its plugins."""


def test_garbage_is_collected_while_tests_run() -> None:
    """In this very session: switched on again, and what the start made is left alone."""
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_no_part_of_ours_is_searched_for_among_all_packages() -> None:
    """Pytest reads the entry points of every installed package for each name of a plugin; there are fifty of ours."""
    counted = subprocess.run(
        [sys.executable, "-c", _COUNTING],
        cwd=ROOT,
        env=as_by_hand(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    words = counted.stdout.splitlines()[-1].split()

    assert words[-1] == "0", counted.stdout + counted.stderr
    assert int(words[1]) <= _OF_PYTEST, words
