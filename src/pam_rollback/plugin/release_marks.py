"""By what releases of the back end are told apart where none is named: looked at, written beside a baseline, and read again."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pam_rollback.core.environment import Environment
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.release_proof import MarksSeen
from pam_rollback.plugin.baseline_files import damaged, read_data, stored, write_data
from pam_rollback.plugin.provider_access import marked_api
from pam_rollback.plugin.runbook import Runbook

MARKS_FILE = "release-marks.json"
_WITHIN_S = 2.0
"""A broken API must not delay its own rollback."""


def look_at_marks(environment: Environment) -> MarksSeen | None:
    """What answers now; None where the product names its release."""
    marked = marked_api(environment)
    return replace(marked, deadline_s=min(_WITHIN_S, marked.deadline_s)).look() if marked is not None else None


def write_marks(folder: Path, seen: MarksSeen) -> None:
    """As a part of a baseline."""
    write_data(folder / MARKS_FILE, {"at": seen.at.isoformat(), "fingerprints": dict(seen.fingerprints)})


def stored_marks(runbook: Runbook) -> MarksSeen | None:
    """What ``--baseline FILE`` has; None when it has none, or is too old to be compared with."""
    try:
        path = stored(runbook, MARKS_FILE)
        return _read(path, read_data(path)) if path is not None else None
    except MeasurementFailed:
        return None  # said where it is compared; without it less is proven


def _read(path: Path, data: Any) -> MarksSeen:
    try:
        fingerprints = {str(name): str(value) for name, value in data["fingerprints"].items()}
        return MarksSeen(datetime.fromisoformat(data["at"]), fingerprints)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise damaged(path, error) from error
