"""Which incident the gate looks for: the run that ``--incident RUN`` names, else the newest that is recorded of the environment."""

from dataclasses import replace
from pathlib import Path

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.recorded_incident import RecordedIncident
from pam_rollback.observation.timeline import Timeline
from pam_rollback.plugin.runbook import Runbook, shown
from pam_rollback.reporting.recorded_incidents import incident_in, newest_incident
from pam_rollback.reporting.run_record import UnreadableRecord


def chosen(root: Path, runbook: Runbook) -> RecordedIncident | None:
    """The incident, with its load where a timeline is there; None when nothing is recorded. Raises pytest.UsageError for a wrong run."""
    out = root / "reports" / "out"
    run = runbook.options.incident
    if run:
        folder = _folder(out, run)
        try:
            found = incident_in(folder)
        except UnreadableRecord as error:
            raise pytest.UsageError(f"--incident {run}: {error}") from None
        if found is None:
            raise pytest.UsageError(
                f"--incident {run}: expected a run in which a criterion of the service went red, found none in {shown(folder)}"
            )
    else:
        newest = newest_incident(out, runbook.environment.name)
        if newest is None:
            return None
        found, folder = newest
    return replace(found, rate_hz=_rate_hz(folder))


def _folder(out: Path, run: str) -> Path:
    """Raises pytest.UsageError when there is none."""
    folders = (Path(run), out / run)
    found = next((folder for folder in folders if (folder / "run.json").is_file()), None)
    if found is None:
        raise pytest.UsageError(
            f"--incident {run}: expected a run's id or folder with a run.json, found none at {' or '.join(map(shown, folders))}"
        )
    return found


def _rate_hz(folder: Path) -> float | None:
    """The requests a second of the run's own observation; the most, where there are several."""
    rates = []
    for path in sorted(folder.glob("*/timeline.jsonl")):
        try:
            rates.append(Timeline(path).header.rate_hz)
        except MeasurementFailed:
            continue
    return max(rates, default=None)
