"""Whether a run is still going on: its session holds its folder as long as its process lives, however it ends."""

import contextlib
import fcntl
import os
from collections.abc import Callable
from pathlib import Path


def hold(folder: Path) -> Callable[[], None] | None:
    """Hold the folder of a run until the given function is called, or this process ends. None: somebody else holds it.

    Where the file system knows no locks nobody holds anything, and nobody is kept out.
    """
    place = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(place)
        return None
    except OSError:  # no locks there
        os.close(place)
        return lambda: None
    return lambda: _close(place)


def is_going_on(folder: Path) -> bool:
    """Whether a session on this machine is still at work in it."""
    try:
        let_go = hold(folder)
    except OSError:  # there is no such folder, or it cannot be read: whoever reads it says so
        return False
    if let_go is None:
        return True
    let_go()
    return False


def _close(place: int) -> None:
    with contextlib.suppress(OSError):  # it is closed already
        os.close(place)
