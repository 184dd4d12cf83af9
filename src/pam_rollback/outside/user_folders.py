"""Folders of this user on this machine that are none of a run: what its sessions share, and what finds no room elsewhere."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_NAME = "pam-rollback"


def user_folders() -> Iterator[Path]:
    """The best first: the state folder (XDG Base Directory Specification), then one in the temporary folder. They need not exist."""
    state = os.environ.get("XDG_STATE_HOME", "")
    with suppress(RuntimeError):  # nobody's home is known here
        yield (Path(state) if state.startswith("/") else Path.home() / ".local" / "state") / _NAME
    shared = Path(tempfile.gettempdir()) / f"{_NAME}-{os.getuid()}"
    if _is_ours(shared):
        yield shared


def _is_ours(folder: Path) -> bool:
    """Nobody else made it before us: everybody may write into the folder above."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
