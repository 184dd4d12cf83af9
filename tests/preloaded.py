"""Imported by the fork server alone, before the first fork; see tests/forked.py."""

from tests.forked import preload

preload()
