"""What a session has of the watch beside its tests: options that make sense, and what it found in its notes."""

from pathlib import Path

import pytest

from pam_rollback.session import markers
from pam_rollback.watch.tools import NOTES
from pam_rollback.watch.turn import length_s

PHASE = "watch"


def pytest_pam_begins(config: pytest.Config) -> None:
    """Refuse times that are none."""
    if not markers.asks_for(config.option.markexpr, PHASE):
        return
    for option in ("--turn", "--look-every"):
        text = getattr(config.option, f"pam{option[1:].replace('-', '_')}")
        try:
            _ = length_s(text) if text else 0
        except ValueError as error:
            raise pytest.UsageError(f"{option} {error}") from None


def pytest_pam_notes(run_folder: Path) -> list[str]:
    """What it said."""
    file = run_folder / NOTES
    return file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
