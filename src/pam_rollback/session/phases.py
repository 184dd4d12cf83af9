"""Tells how a session goes: each phase in a line, what matters most the moment it is known, what is not good at once.

Phases are seen by the fixtures that bring them about, so that neither a fixture nor a check has to say anything.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

import pytest

from pam_rollback.base.errors import ActionFailed
from pam_rollback.observation.rules.recovery import Recovery
from pam_rollback.report.verdict import Outcome
from pam_rollback.report.wording import duration, times_of_day, without_own_word
from pam_rollback.rollback.service.stories import SITUATIONS, objective_of
from pam_rollback.session import as_it_runs, detail
from pam_rollback.session import runbook as runbook_module
from pam_rollback.session.classification import MESSAGE, OUTCOME
from pam_rollback.session.detail import Detail
from pam_rollback.session.progress import Progress, progress_of
from pam_rollback.session.record import next_page
from pam_rollback.session.runbook import Runbook
from pam_rollback.session.seen import Seen
from pam_rollback.session.situations import AS_IS

_BEGINS = {
    "practice_range": ("sandbox", "starting"),
    "baseline_answers": ("baseline", "how it is now is recorded"),
    "held_window": ("window", "the success criteria are watched for their time"),
}
"""Fixtures whose beginning is told, with the phase and what it does."""
_ROLLBACK = "rollback"
_INCIDENT = "incident"
"""The last of a drill that is put back."""


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    """A phase begins, or what it brought about is known."""
    runbook = runbook_module.of(request.config)
    name = fixturedef.argname
    if runbook is not None and name in _BEGINS:
        progress_of(request.config, runbook).phase(*_BEGINS[name])
    found = yield
    if runbook is not None and (name in _TOLD or name == "in_situation"):
        for phase, text in _news(name, found, request, runbook):
            progress_of(request.config, runbook).phase(phase, text)
    return found


_TOLD = frozenset({_INCIDENT, "recovery"})


def _news(name: str, found: Any, request: pytest.FixtureRequest, runbook: Runbook) -> list[tuple[str, str]]:
    """Never a reason for anything to fail: what cannot be said is left out."""
    try:
        if name == _INCIDENT:
            return [("incident", str(found.description))]
        story = SITUATIONS.get(str(request.getfixturevalue("situation")))
        if story is None:
            return []
        if name == "recovery":
            return [("users", _users(found, runbook, objective_of(runbook.plan, story).max_s))]
        if isinstance(found, ActionFailed):
            return [("NOT DONE", f"{story.name}: {found}")]
        took = duration(max(0.0, found.finished_s - found.decided_s))
        return [("done", f"{story.name}: {len(found.steps)} steps, {took} after the decision")]
    except Exception:  # noqa: BLE001 - as the docstring says
        return []


def _users(found: Recovery, runbook: Runbook, objective_s: float) -> str:
    def at(moment_s: float) -> datetime:
        return runbook.started + timedelta(seconds=moment_s - runbook.started_s)

    return as_it_runs.users(found.within(objective_s), at, datetime.now().astimezone().tzinfo)


def pytest_fixture_post_finalizer(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    """A drill has put back what it changed."""
    runbook = runbook_module.of(request.config)
    if runbook is None or fixturedef.argname != _INCIDENT or runbook.options.real:
        return
    if runbook.journal.action_began and not runbook.journal.owed():
        progress_of(request.config, runbook).phase("undo", "everything is as it was before the drill")


class LiveReport:
    """In the process that hears of every test: groups of tests, and what is not good at once."""

    def __init__(self, config: pytest.Config, runbook: Runbook, progress: Progress) -> None:
        self._config = config
        self._runbook = runbook
        self._progress = progress
        self._groups = as_it_runs.Groups()
        self._running: dict[str, Seen] = {}
        self._causes: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """The first sign of life."""
        runbook = self._runbook
        began = times_of_day((runbook.started,), datetime.now().astimezone().tzinfo)
        mode = "for real" if runbook.options.real else "drill"
        text = f"{mode}, pace {runbook.pace:g}, run {runbook.id}, began {began}"
        self._progress.phase(runbook.environment.name, text)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """How much there is to do."""
        self._progress.expect(len(session.items))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One part of one test."""
        said = dict(report.user_properties)
        seen = self._running.setdefault(report.nodeid, Seen(report.nodeid))
        seen.properties.update((name, value) for name, value in said.items() if isinstance(value, str | bool))
        if report.failed:
            outcome = Outcome(said[OUTCOME]) if OUTCOME in said else Outcome.UNKNOWN
            seen.outcomes.append(outcome)
            self._tell_bad(outcome, without_own_word(str(said.get(MESSAGE) or "the process that ran it died")), seen)
        elif report.skipped:
            seen.outcomes.append(Outcome.KNOWN if said.get(OUTCOME) == Outcome.KNOWN.value else Outcome.NOT_RUN)
        elif report.when == "call":
            seen.outcomes.append(Outcome.PASSED)
        if report.when not in {"setup", "call"}:
            self._end(self._running.pop(report.nodeid))

    def _tell_bad(self, outcome: Outcome, message: str, seen: Seen) -> None:
        """One cause is told once, however many tests meet it."""
        properties = seen.properties
        criteria = str(properties.get("criterion", "")).split()
        self._progress.bad(criteria)
        if message in self._causes:
            return
        self._causes.add(message)
        title = str(properties.get("title", seen.nodeid))
        page = next_page(properties, criteria, self._runbook)
        self._progress.announce(as_it_runs.bad(outcome, " ".join(criteria), title, message, page))

    def _end(self, seen: Seen) -> None:
        properties = seen.properties
        if properties.get("advisory"):
            return  # it decides nothing
        self._progress.count(seen.outcome)
        kind = _ROLLBACK if seen.nodeid.startswith("drills/") else str(properties.get("kind", "")).partition(" ")[0]
        kind = kind or str(properties.get("phase", "")) or "tests"
        ended = self._groups.add(str(properties.get("situation", AS_IS)), kind, seen.outcome)
        if ended:
            self._progress.phase("", ended)
        self._progress.now(kind)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """What was the last of its kind."""
        for ended in self._groups.rest():
            self._progress.phase("", ended)


@pytest.hookimpl(wrapper=True)
def pytest_report_teststatus(config: pytest.Config) -> Generator[None, Any, Any]:
    """No letter for each test where pytest's own lines are not wanted; they are counted all the same."""
    status = yield
    quiet = runbook_module.of(config) is not None and detail.of(config) is not Detail.ALL
    return (status[0], "", "") if quiet and status else status


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Begin to tell, in the process that hears of every test."""
    runbook = runbook_module.of(config)
    if runbook is None or config.option.collectonly:
        return
    detail.keep_pytest_quiet(config)
    if not runbook.worker and detail.of(config) is not Detail.ALL:
        config.pluginmanager.register(LiveReport(config, runbook, progress_of(config, runbook)), "pam-told")
