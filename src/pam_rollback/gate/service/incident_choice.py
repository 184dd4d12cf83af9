"""Which incident the gate looks for: the run that ``--incident RUN`` names, else the newest that is recorded of the environment."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.outside_text import cut
from pam_rollback.gate.rules.incident import RecordedIncident, asked_for_a_rollback, observed_in, of_the_service
from pam_rollback.observation.service.requests_record import counted_in, probed_in
from pam_rollback.report import run_record
from pam_rollback.report.latest_runs import latest
from pam_rollback.report.run_record import RunRecord, UnreadableRecord
from pam_rollback.report.verdict import Outcome

_EVER = timedelta(days=3650)
_PHASES = frozenset({"decision", "post_rollback", "rollback"})
"""Other phases ask whether something may be done, not how a service is that has an incident."""


def incident_of(record: RunRecord) -> RecordedIncident | None:
    """What went red in a run; None when nothing did that says how the service is."""
    criteria = of_the_service(_red(record))
    return RecordedIncident(record.run_id, criteria) if criteria else None


def newest_incident(out: Path, environment: str) -> tuple[RecordedIncident, Path] | None:
    """The newest run of that environment in which something went red, and its folder."""
    record = latest(out, environment=environment, holds=lambda one: incident_of(one) is not None, within=_EVER)
    found = None if record is None else incident_of(record)
    return None if record is None or found is None else (found, out / record.run_id)


def incident_in(folder: Path) -> RecordedIncident | None:
    """That of the run in this folder. Raises UnreadableRecord."""
    return incident_of(run_record.read(folder / "run.json"))


def _red(record: RunRecord) -> Iterator[str]:
    if record.decision is not None:
        yield from asked_for_a_rollback((found.id, found.state) for found in record.decision.criteria)
    yield from observed_in(record.notes)
    for result in record.results:
        if result.outcome is Outcome.BROKEN_CRITERION and result.phase in _PHASES and not result.advisory:
            yield from result.criteria


_WHOLE_SHARE = 0.9
"""Of the probes: their rate is what was intended, and a count is an average of some seconds."""


def chosen(out: Path, environment: str, run: str = "") -> RecordedIncident | None:
    """The incident, with its load where the run recorded it; None when nothing is recorded. ``out`` holds the folders of runs.

    Raises MeasurementFailed when ``run`` is none, or has no incident.
    """
    if run:
        folder = _folder(out, run)
        try:
            found = incident_in(folder)
        except UnreadableRecord as error:
            raise MeasurementFailed(f"--incident {run}: {error}") from None
        if found is None:
            raise MeasurementFailed(
                f"--incident {run}: expected a run in which a criterion of the service went red, found none in {_shown(folder)}"
            )
    else:
        newest = newest_incident(out, environment)
        if newest is None:
            return None
        found, folder = newest
    return under_its_load(found, folder)


def under_its_load(incident: RecordedIncident, folder: Path) -> RecordedIncident:
    """With the most requests a second of its run: as counted, and at least as many as the run's own observation sent.

    A count below the prober's own rate is incomplete, and the users' load is unknown.
    """
    counted, probed = counted_in(folder), probed_in(folder)
    load = max(filter(None, (counted, probed)), key=lambda known: known.rate_hz, default=None)
    if load is None:
        return incident
    whole = counted is not None and (probed is None or counted.rate_hz >= _WHOLE_SHARE * probed.rate_hz)
    return replace(incident, rate_hz=load.rate_hz, counted_by=load.counted_by, users_counted=whole)


def _folder(out: Path, run: str) -> Path:
    """Raises MeasurementFailed when there is none."""
    folders = (Path(run), out / run)
    try:
        found = next((folder for folder in folders if (folder / "run.json").is_file()), None)
    except OSError as error:
        raise MeasurementFailed(f"--incident {cut(run, 80)}: {error.strerror}") from None
    if found is None:
        raise MeasurementFailed(
            f"--incident {run}: expected a run's id or folder with a run.json, found none at {' or '.join(map(_shown, folders))}"
        )
    return found


def _shown(path: Path) -> str:
    """As a person would type it from here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
