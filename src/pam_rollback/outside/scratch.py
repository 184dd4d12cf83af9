"""Folders for the length of a session. One that was killed leaves its own behind, which a later one sweeps."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "pam-rollback-scratch-"
_ABANDONED_AFTER_S = 3600.0
"""A folder is made before it is held, and what a killed session started may live a little longer than it."""


@contextmanager
def scratch_folder(use: str) -> Iterator[Path]:
    """A fresh folder, held while the block runs and gone afterwards; ``use`` is part of its name."""
    with (
        tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{use}-", ignore_cleanup_errors=True) as folder,
        contextlib.ExitStack() as stack,
    ):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        stack.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield Path(folder)


def sweep_abandoned(*, now_s: float | None = None) -> None:
    """Remove the folders that this user's killed sessions left. What cannot be removed stays: nobody waits for it."""
    now_s = time.time() if now_s is None else now_s
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            _sweep(folder, now_s)


def _sweep(folder: Path, now_s: float) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.getuid() or now_s - found.st_mtime < _ABANDONED_AFTER_S:
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where its session lives
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)
