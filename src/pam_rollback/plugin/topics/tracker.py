"""What a session does in the tracker: an incident that a watch found, the record of a real rollback, its verdict, and PRE-4.

A real rollback never waits for it: a thread of its own has it on record, and what the tracker refuses is one line.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.runbook import Runbook, journal_in
from pam_rollback.plugin.topics.checklist import ON_RECORD
from pam_rollback.rollback.journal import TRACKED
from pam_rollback.target.environment import Environment

if TYPE_CHECKING:
    from pam_rollback.notify.tracker import Incidents
    from pam_rollback.report.watched_incident import IncidentNews, WatchedIncident

_WITHIN_S = 30.0
"""So long somebody who asks for it waits for what was begun beside the steps."""
_NO_TOKEN = "[tracker] names a repository, and the variable of [secrets] tracker_token_env is not set: export it"  # noqa: S105 - no token


@dataclass
class OnRecord:
    """The rollback of this session in the tracker, looked after by a thread."""

    incidents: "Callable[[], Incidents]"
    runbook: Runbook
    url: str = ""
    problem: str = ""
    _thread: threading.Thread | None = None

    def begin(self, strategy: str) -> None:
        """Have it on record, beside the steps; doing so twice changes nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._begin, args=(strategy,), name="tracker", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Until it is there, or was refused."""
        if self._thread is None:
            return
        self._thread.join(_WITHIN_S)
        if self._thread.is_alive():
            self.problem = f"the tracker did not answer within {_WITHIN_S:g} s: open the incident by hand"

    def there(self) -> str:
        """Its address, once it is there; empty where nothing was begun or it was refused."""
        self.wait()
        return self.url

    def judged(self, text: str, *, go: bool) -> str:
        """Tell it the verdict; gives why not."""
        self.wait()
        if not self.url:
            return self.problem
        return self._tried(lambda: self.incidents().judged(self.url, text, self.runbook.id, go=go))

    def _begin(self, strategy: str) -> None:
        options = self.runbook.options

        def ask() -> None:
            self.url = self.incidents().begun(strategy, options.initiated_by, options.reason, self.runbook.id)

        self.problem = self._tried(ask)
        if self.url:
            self.runbook.journal.append(TRACKED, url=self.url)

    def _tried(self, ask: Callable[[], object]) -> str:
        from pam_rollback.notify.tracker import why  # noqa: PLC0415 - loaded beside the steps

        try:
            ask()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the tracker, the rollback goes on
            return self.runbook.secrets.redact(f"the tracker: {why(error)}")
        return ""


def incidents_of(environment: Environment, redact: Callable[[str], str]) -> "Incidents":
    """The incidents of an environment that names a tracker. Raises ActionFailed where no token is set."""
    # Loaded here: a real run has to reach its provider soon, and this is not needed for that.
    from pam_rollback.notify.tracker import Incidents, github_issues  # noqa: PLC0415

    if environment.tracker is None or not environment.has_secret("tracker_token"):
        raise ActionFailed(_NO_TOKEN)
    return Incidents(github_issues(environment.tracker, environment.secret("tracker_token")), environment.name, redact)


def pytest_pam_situation_begins(situation: str, request: pytest.FixtureRequest) -> None:
    """A real rollback is about to begin."""
    ours = _of(request.config)
    if ours is not None and situation.startswith("after-"):
        ours.begin(situation.removeprefix("after-"))


def pytest_configure(config: pytest.Config) -> None:
    """Answer for PRE-4."""
    config.stash[ON_RECORD] = lambda environment: on_record(config, environment)


def on_record(config: pytest.Config, environment: Environment) -> tuple[bool, str] | None:
    """PRE-4: the incident of this session's rollback, open as it has to be until GO; else one that is open here now."""
    if environment.tracker is None:
        return None
    from pam_rollback.notify.tracker import why  # noqa: PLC0415

    ours = _of(config)
    url = "" if ours is None else ours.there()
    try:
        if not url and ours is not None and ours.problem:
            raise MeasurementFailed(ours.problem)
        found = incidents_of(environment, _redact(config)).at(url)
    except ActionFailed as error:
        raise MeasurementFailed(f"the tracker: {why(error)}") from error
    if found is None:
        raise MeasurementFailed(f"no incident of {environment.name} is open in {environment.tracker.repository}")
    return (
        found.is_open,
        found.url if found.is_open else f"{found.url} was closed before the verdict is GO: open it again",
    )


def pytest_pam_notes(run_folder: Path) -> list[str]:
    """Where it is on record."""
    found = _BY_FOLDER.get(run_folder)
    return [] if found is None else [f"incident: {found.url}"] if found.url else [*filter(None, [found.problem])]


def pytest_pam_run_ended(config: pytest.Config, run_folder: Path, environment: Environment, undone: str) -> str | None:
    """Its verdict, in the words of the record; or what came of its undo."""
    if undone:
        return _undone(config, run_folder, environment, undone)
    from pam_rollback.report.job_summary import in_short  # noqa: PLC0415
    from pam_rollback.report.run_record import read  # noqa: PLC0415

    found = _BY_FOLDER.get(run_folder)
    if found is None:
        return None
    record = read(run_folder / "run.json")
    return found.judged(in_short(record), go=record.verdict == "GO") or None


def _undone(config: pytest.Config, run_folder: Path, environment: Environment, undone: str) -> str | None:
    """In the incident that has the rollback on record: who put it back and why, and what came of it."""
    runbook = runbook_module.of(config)
    if runbook is None or environment.tracker is None:
        return None
    from pam_rollback.notify.tracker import why  # noqa: PLC0415 - as above

    tracked = journal_in(run_folder).latest(TRACKED)
    if tracked is None:
        return "the tracker: this run is on record in no incident, so that it was undone is said in none"
    options = runbook.options
    try:
        incidents = incidents_of(environment, runbook.secrets.redact)
        incidents.undone(str(tracked["url"]), run_folder.name, options.initiated_by, options.reason, undone)
    except ActionFailed as error:
        return f"the tracker: {why(error)}"
    return f"incident: {tracked['url']}"


def listener(config: pytest.Config) -> str:
    """What a watch calls it; nothing where the environment has no tracker."""
    runbook = runbook_module.of(config)
    return "" if runbook is None or runbook.environment.tracker is None else "the tracker"


def pytest_pam_incident(config: pytest.Config, incident: "WatchedIncident", what: "IncidentNews") -> str | None:
    """Have an incident of a watch there, keep it up to date, and close it."""
    found = _watched(config)
    if found is None:
        return None
    return {"opened": found.opened, "updated": found.updated, "closed": found.closed}[what](incident)


_ON_RECORD = pytest.StashKey[OnRecord]()
_BY_FOLDER: dict[Path, OnRecord] = {}


def _watched(config: pytest.Config) -> "Incidents | None":
    runbook = runbook_module.of(config)
    if runbook is None or runbook.environment.tracker is None:
        return None
    return incidents_of(runbook.environment, runbook.secrets.redact)


def _redact(config: pytest.Config) -> Callable[[str], str]:
    runbook = runbook_module.of(config)
    return str if runbook is None else runbook.secrets.redact


def _of(config: pytest.Config) -> OnRecord | None:
    """This session's; None where it is no real one, or there is no tracker."""
    runbook = runbook_module.of(config)
    if runbook is None or not runbook.options.real or runbook.options.dry_run or runbook.environment.tracker is None:
        return None
    if _ON_RECORD not in config.stash:
        made = OnRecord(lambda: incidents_of(runbook.environment, runbook.secrets.redact), runbook)
        config.stash[_ON_RECORD] = _BY_FOLDER[runbook.folder] = made
    return config.stash[_ON_RECORD]
