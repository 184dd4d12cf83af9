"""What a ramp did and when to come back, kept in the run's folder for the end of the report."""

from collections.abc import Iterable
from pathlib import Path

_FILE = "ramp.txt"


def note(folder: Path, lines: Iterable[str]) -> None:
    """Keep the lines."""
    (folder / _FILE).write_text("".join(f"ramp: {line}\n" for line in lines), encoding="utf-8")


def noted(folder: Path) -> tuple[str, ...]:
    """What was kept; nothing in a session without a ramp."""
    file = folder / _FILE
    return tuple(file.read_text(encoding="utf-8").splitlines()) if file.is_file() else ()
