"""What a baseline has beside its index: rows, who may reach them, flags and settings, barriers, pages, each in a file of its own.

Every run writes them into the folder of its situation. Only those that ``baseline.json`` lists are a baseline: ``--baseline FILE`` reads
them from beside that file, and refuses what is missing, changed or of another run.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.run_files import SETTINGS_FILE
from pam_rollback.environment.known_before import answered_on
from pam_rollback.session.runbook import Runbook

if TYPE_CHECKING:
    from pam_rollback.report.baseline_record import Baseline

BASELINE_FILE = "baseline.json"
ROWS_FILE = "rows-before.json"
ACCESS_FILE = "access-before.json"
SCHEMA_FILE = "schema-before.json"
BARRIERS_FILE = "barriers.json"
WEIGHT_FILE = "page-weight.json"
PARTS = {
    ROWS_FILE: ("rows", "were counted"),
    ACCESS_FILE: ("policies and privileges", "were recorded"),
    SCHEMA_FILE: ("objects of the schema", "were recorded"),
    SETTINGS_FILE: ("flags and settings", "were recorded"),
}
"""What each part has that checks compare with, and what was done with it."""


def vitals_file(page: str) -> str:
    """Where the web vitals of a page stand: ``vitals-front-page.json`` for "the front page"."""
    return f"vitals-{page.removeprefix('the ').replace(' ', '-')}.json"


def has(runbook: Runbook, name: str) -> bool:
    """Whether ``--baseline FILE`` lists a part of that name."""
    return runbook.stored is not None and name in runbook.stored.parts


def stored(runbook: Runbook, name: str) -> Path | None:
    """The part of that name that ``--baseline FILE`` lists; None when it lists none.

    Raises MeasurementFailed when the baseline is too old or of an ill service, or the part is not the one that is listed.
    """
    if runbook.stored is None or runbook.options.baseline is None or not has(runbook, name):
        return None
    stored_baseline(runbook)
    path = runbook.options.baseline.with_name(name)
    from pam_rollback.report.baseline_record import refuse_other_part  # noqa: PLC0415 - for sessions that have one

    refuse_other_part(path, runbook.stored.parts)
    return path


def stored_baseline(runbook: Runbook) -> "Baseline | None":
    """What ``--baseline FILE`` says; None when it was not given. Raises MeasurementFailed when it is too old, or of an ill service."""
    if runbook.stored is not None:
        runbook.stored.refuse_ill(answered_on(datetime.now(UTC).date(), runbook.environment.waivers))
        runbook.stored.refuse_stale(runbook.plan.baseline.age_max_d, datetime.now(UTC))
    return runbook.stored


def staleness(runbook: Runbook) -> str:
    """Why nothing is compared with ``--baseline FILE``; empty when it is young enough and of a healthy service, or was not given."""
    try:
        stored_baseline(runbook)
    except MeasurementFailed as stale:
        return str(stale)
    return ""


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
