"""Finds the incident that an earlier run recorded: by its run, or the newest of the environment."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from pam_rollback.gate.rules.incident import RecordedIncident, asked_for_a_rollback, observed_in, of_the_service
from pam_rollback.report import run_record
from pam_rollback.report.latest_runs import latest
from pam_rollback.report.run_record import RunRecord
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
