"""What a run found beside its response times: rows, flags and settings, barriers, page weight, web vitals.

Each in a file of its own beside ``baseline.json``.

Every run writes them into the folder of its situation; ``--baseline FILE`` reads those that lie beside that file.
"""

import json
from pathlib import Path
from typing import Any

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plugin.runbook import Runbook

ROWS_FILE = "rows-before.json"
SETTINGS_FILE = "settings-before.json"
BARRIERS_FILE = "barriers.json"
WEIGHT_FILE = "page-weight.json"


def vitals_file(page: str) -> str:
    """Where the web vitals of a page stand: ``vitals-front-page.json`` for "the front page"."""
    return f"vitals-{page.removeprefix('the ').replace(' ', '-')}.json"


def stored(runbook: Runbook, name: str) -> Path | None:
    """The file of that name that belongs to ``--baseline FILE``; None when there is none."""
    baseline = runbook.options.baseline
    beside = baseline.with_name(name) if baseline is not None else None
    return beside if beside is not None and beside.is_file() else None


def stored_rows(runbook: Runbook) -> Path | None:
    """The file with the counts of rows that belong to ``--baseline FILE``; None when there is none."""
    return stored(runbook, ROWS_FILE)


def write_data(path: Path, data: Any) -> None:
    """Write JSON, in one piece or not at all."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def read_data(path: Path) -> Any:
    """Read JSON. Raises MeasurementFailed when it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> MeasurementFailed:
    """What to say of a file that is not what it should be."""
    return MeasurementFailed(
        f"{path}: expected a part of a baseline, found something else: {error}; take a new baseline"
    )
