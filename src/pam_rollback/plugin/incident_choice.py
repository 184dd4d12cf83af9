"""Which incident the gate looks for: the run that ``--incident RUN`` names, else the newest that is recorded of the environment."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.recorded_incident import RecordedIncident
from pam_rollback.observation.timeline import Timeline
from pam_rollback.plugin import requests_seen
from pam_rollback.plugin.probed_journeys import PAGES
from pam_rollback.plugin.requests_seen import RequestsSeen
from pam_rollback.plugin.runbook import Runbook, shown
from pam_rollback.reporting.recorded_incidents import incident_in, newest_incident
from pam_rollback.reporting.run_record import UnreadableRecord


def chosen(root: Path, runbook: Runbook) -> RecordedIncident | None:
    """The incident, with its load where the run recorded it; None when nothing is recorded. Raises pytest.UsageError for a wrong run."""
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
    load = _load(folder)
    return found if load is None else replace(found, rate_hz=load.rate_hz, counted_by=load.counted_by)


def _folder(out: Path, run: str) -> Path:
    """Raises pytest.UsageError when there is none."""
    folders = (Path(run), out / run)
    found = next((folder for folder in folders if (folder / "run.json").is_file()), None)
    if found is None:
        raise pytest.UsageError(
            f"--incident {run}: expected a run's id or folder with a run.json, found none at {' or '.join(map(shown, folders))}"
        )
    return found


def _load(folder: Path) -> RequestsSeen | None:
    """The most requests a second that the back end had then: as counted, and at least those of the run's own observation."""
    known = [found for file in sorted(folder.glob(f"*/{requests_seen.FILE}")) if (found := requests_seen.kept(file))]
    known += [RequestsSeen(rate_hz, "its own probes") for rate_hz in _probes_hz(folder)]
    return max(known, key=lambda found: found.rate_hz, default=None)


def _probes_hz(folder: Path) -> Iterator[float]:
    for path in sorted(folder.glob("*/timeline.jsonl")):
        timeline = Timeline(path)
        try:
            asked = [name for name in timeline.header.journeys if name not in PAGES]
            if asked:
                yield timeline.rate_hz(*asked)
        except MeasurementFailed:
            continue
