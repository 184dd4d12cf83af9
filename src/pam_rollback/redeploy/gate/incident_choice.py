"""Which incident the gate looks for: that of the run that ``--incident RUN`` names, else all that went red since the service was well."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.outside_text import cut
from pam_rollback.decision.decision import State
from pam_rollback.redeploy.gate.incident import OF_THE_SERVICE, VOUCH, RecordedIncident
from pam_rollback.report import run_record
from pam_rollback.report.earlier_runs import begun, newest
from pam_rollback.report.run_record import RunRecord, UnreadableRecord
from pam_rollback.report.verdict import Outcome

_WITHIN = timedelta(hours=24)
"""So much belongs to one incident, where no verification says when the one before it was over."""
_VERIFICATION = "post_rollback"
_PHASES = frozenset({"decision", _VERIFICATION, "rollback"})
"""Other phases ask whether something may be done, not how a service is that has an incident."""
_PERSON = "observed by a person: "


def incident_of(record: RunRecord) -> RecordedIncident | None:
    """What went red in a run; None when nothing did that says how the service is."""
    criteria = tuple(dict.fromkeys(one for one in _red(record) if one.startswith(OF_THE_SERVICE)))
    return RecordedIncident((record.run_id,), criteria) if criteria else None


def _red(record: RunRecord) -> Iterator[str]:
    """What asked for a rollback, or to consider one, what a person saw, and what was broken; not what was watched or not known."""
    if record.decision is not None:
        yield from (found.id for found in record.decision.criteria if found.state in {State.HOLDS, State.CONSIDER})
    for note in record.notes:
        if note.startswith(_PERSON):
            yield note.removeprefix(_PERSON).partition("=")[0]
    for result in record.results:
        if result.outcome is Outcome.BROKEN_CRITERION and result.phase in _PHASES and not result.advisory:
            yield from result.criteria


def _recorded(out: Path, environment: str) -> list[RecordedIncident]:
    """What went red in the newest incident of that environment, run by run, the newest first.

    One run often asks one question, and the newest is seldom the one that asked for the rollback. Nobody knows what is red in a run that a
    clock dates into the future.
    """
    found = list[RecordedIncident]()
    now = until = datetime.now(UTC)
    young = 0
    for _, record in newest(out, environment):
        if begun(record) > now:
            continue
        if found and _well(record):
            return found
        if (incident := incident_of(record)) is not None:
            until = until if found else begun(record)
            found.append(incident)
            young += until - begun(record) <= _WITHIN
    return found[:young]


def _well(record: RunRecord) -> bool:
    """A whole verification after a rollback found the service well: the one of a real rollback, too, and no drill's."""
    whole = record.scope == _VERIFICATION or (record.mode == "real" and bool(record.actions))
    return record.verdict == "GO" and whole and any(one.phase == _VERIFICATION for one in record.results)


def chosen(out: Path, environment: str, run: str = "") -> RecordedIncident | None:
    """The incident; None when nothing is recorded. ``out`` holds the folders of runs.

    Raises MeasurementFailed when ``run`` is none, or has no incident.
    """
    if not run:
        several = _recorded(out, environment)
        criteria = dict.fromkeys(name for one in several for name in one.criteria)
        return RecordedIncident(tuple(run for one in several for run in one.runs), tuple(criteria)) if several else None
    folder = _folder(out, run)
    try:
        found = incident_of(run_record.read(folder / "run.json"))
    except UnreadableRecord as error:
        raise MeasurementFailed(f"--incident {run}: {error}") from None
    if found is None:
        raise MeasurementFailed(
            f"--incident {run}: expected a run in which a criterion of the service went red, found none in {_shown(folder)}"
        )
    return found


def known_incident(out: Path, environment: str, run: str = "") -> RecordedIncident:
    """Return it. Raises MeasurementFailed for nothing, which is a gap in what is known."""
    found = chosen(out, environment, run)
    if found is None:
        raise MeasurementFailed(
            f"no run of {environment} with a red decision, check or drill is recorded here, so it is not known what must not "
            f"come back: give --incident RUN, or vouch for the fix with {VOUCH}"
        )
    return found


def left_out(out: Path, environment: str, run: str) -> str:
    """What went red in the newest incident and not in the run that ``--incident`` names: in words, empty where that is nothing.

    Raises MeasurementFailed as ``chosen`` does.
    """
    named = chosen(out, environment, run)
    asked = set() if named is None else {*named.criteria}
    left = {one.runs[0]: [name for name in one.criteria if name not in asked] for one in _recorded(out, environment)}
    words = "; ".join(f"{', '.join(names)} of run {of}" for of, names in left.items() if names)
    return f"--incident {run} leaves out what else went red: {words}" if words else ""


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
