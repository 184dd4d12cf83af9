"""Where a run's notes go when the disk below its own folder takes none, and where a later run looks for them.

First the user's state folder (XDG Base Directory Specification), then the temporary folder: each may lie on a disk of its own, and the
second may be memory. Both are open to their owner only.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from pam_rollback.outside.durable import make_private
from pam_rollback.outside.user_folders import user_folders


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
