"""Appends lines that survive a crash: the whole line is on the disk, or nothing of it is and the reason is raised."""

import contextlib
import fcntl
import os
from pathlib import Path

_OWNER_ONLY = 0o600
_FOLDER_OWNER_ONLY = 0o700


def make_private(folder: Path) -> None:
    """Make the folder and all that is missing above it, open to its owner only. Raises OSError."""
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=_FOLDER_OWNER_ONLY, exist_ok=True)


def append_line(path: Path, line: bytes) -> None:
    """Append the line, which ends with a newline, and its folder where that is missing. Raises OSError, and leaves no part of it then.

    A full disk takes the beginning of a line without a word: what was written is counted. After a line that somebody was kept from
    finishing, this one stands on a line of its own.
    """
    make_private(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, _OWNER_ONLY)
    try:
        # Several processes may write; a file system without locks is written to all the same.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        try:
            rest = line
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
    if not size:
        # The file's name, too, has to survive.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
