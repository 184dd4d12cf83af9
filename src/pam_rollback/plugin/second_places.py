"""Where a run's notes go when the disk below its own folder takes none, and where a later run looks for them.

First the user's state folder (XDG Base Directory Specification), then the temporary folder: each may lie on a disk of its own, and the
second may be memory. Both are open to their owner only.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from pam_rollback.http.files import append_line, make_private

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


def folders(run_folder: Path) -> list[Path]:
    """The second places of the run of this folder, the best first. They need not exist."""
    run_folder = run_folder.absolute()
    name = f"{run_folder.name}-{hashlib.sha256(os.fsencode(run_folder)).hexdigest()[:8]}"
    return [place / "runs" / name for place in user_folders()]


def files(path: Path) -> list[Path]:
    """The second places of this file of a run's folder."""
    return [folder / path.name for folder in folders(path.parent)]


def kept(path: Path, write: Callable[[Path], object]) -> tuple[Path | None, str]:
    """Have the file of a run's folder written there, or in a second place. Gives where it is now, and why it is not in its own place."""
    problem = ""
    for place in (path, *files(path)):
        try:
            make_private(place.parent)
            write(place)
        except OSError as error:
            problem = problem or error.strerror or str(error)
            continue
        return place, problem
    return None, problem


def bring_home(path: Path) -> None:
    """Move all that the second places of this journal's run hold into the run's folder. What has no room there yet stays. Never raises."""
    run_folder = path.parent
    for folder in folders(run_folder):
        for found in sorted(folder.rglob("*")):
            with suppress(OSError):
                home = run_folder / found.relative_to(folder)
                if home == path and home.exists():
                    append_line(home, found.read_bytes())
                    found.unlink()
                elif found.is_file() and not home.exists():
                    make_private(home.parent)
                    try:
                        shutil.move(found, home)
                    except OSError:
                        home.unlink(missing_ok=True)
        for place in sorted((folder, *folder.rglob("*")), reverse=True):
            with suppress(OSError):
                place.rmdir()  # those that are empty now


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
