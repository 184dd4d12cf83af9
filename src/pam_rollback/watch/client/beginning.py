"""The mark that a rollback by standing consent began: made once, whoever tries. Imports next to nothing: users wait meanwhile."""

import os
from pathlib import Path

BEGUN = "begun"
_OWNER_ONLY = 0o600


def begin(place: Path) -> bool:
    """Whether it begins here and now: true for one caller only. Raises OSError."""
    try:
        os.close(os.open(place / BEGUN, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY))
    except FileExistsError:
        return False
    settle(place)
    return True


def settle(folder: Path) -> None:
    """Have the names in a folder on the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
