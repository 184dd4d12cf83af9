"""Ends the process when all is said and written, without taking thousands of objects down one by one first: nobody waits for that.

It took a twentieth of ``-m health``. Only where the process is pytest's own command: whoever calls ``pytest.main`` goes on afterwards.
"""

import atexit
import os
import sys
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest

_PROCESS = os.getpid()
_CODES: list[int] = []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main() -> Generator[None, int, int]:
    """Remember the exit code, which pytest gives its process."""
    code = yield
    _CODES.append(int(code))
    return code


def _end() -> None:
    """Registered before what a session registers, and so called after all of that. Not in a fork, nor while an error is being told."""
    if len(_CODES) != 1 or os.getpid() != _PROCESS or hasattr(sys, "last_type") or not _is_the_command(sys.argv[0]):
        return
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(_CODES[0])


def _is_the_command(program: str) -> bool:
    path = Path(program)
    return path.stem == "pytest" or path.parts[-2:] == ("pytest", "__main__.py")


atexit.register(_end)
