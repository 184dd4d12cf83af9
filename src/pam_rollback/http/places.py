"""Where the files of the suite lie that are no modules: plan, checks, docs and the report's configuration. And how one is written whole."""

import os
from pathlib import Path
from typing import Final

PLAN: Final = "plan.toml"
HOME: Final = Path(__file__).resolve().parents[3]
REPORTS: Final = HOME / "reports"
"""The folder with the report's configuration and its locked generator; runs are below ``out``."""


def project_of(folder: Path) -> Path | None:
    """The project in which the folder lies, by its plan; None when it lies in none."""
    return next((one for one in (folder, *folder.parents) if (one / PLAN).is_file()), None)


def write_whole(path: Path, text: str) -> None:
    """Write all of it or nothing, also where the machine dies: a reader never sees half a file. Raises OSError."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("w", encoding="utf-8", errors="replace") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
