"""Keeps the garbage collector out of the start: all that is made while modules are loaded and tests are collected lives to the end.

It takes a third of the processor time that a session needs before its first request (``benchmarks/strategies.py``).
"""

import gc

import pytest

gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """From here on there is garbage."""
    gc.freeze()
    gc.enable()
