"""Tells how a session goes: each phase in a line, what matters most the moment it is known, what is not good at once.

Phases are seen by the fixtures that bring them about, so that neither a fixture nor a check has to say anything.
"""

from collections.abc import Generator
from datetime import datetime
from typing import Any

import pytest

from pam_rollback.report import wording
from pam_rollback.report.verdict import Outcome
from pam_rollback.report.wording import cause_of, says_where, stated, times_of_day, without_own_word, without_title
from pam_rollback.session import as_it_runs, detail, listeners, workers
from pam_rollback.session import runbook as runbook_module
from pam_rollback.session.classification import CAUSE, MESSAGE, NOTHING_NEW, OUTCOME
from pam_rollback.session.detail import Detail
from pam_rollback.session.progress import Progress, progress_of
from pam_rollback.session.record import next_page
from pam_rollback.session.runbook import Runbook
from pam_rollback.session.seen import Seen
from pam_rollback.session.situations import AS_IS, SITUATIONS_KEY

_ROLLBACK = "rollback"
_OWN_SANDBOX = "sandbox_controls"


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    """A phase begins, or what it brought about is known."""
    runbook = runbook_module.of(request.config)
    if runbook is None:
        return (yield)
    name, config = fixturedef.argname, request.config
    attached = name == _OWN_SANDBOX and not runbook.own_sandbox
    for phase, text in () if attached else listeners.phase_begins(config, name):
        progress_of(config, runbook).phase(phase, text)
    found = yield
    for phase, text in listeners.phase_ended(config, name, found, request):
        progress_of(config, runbook).phase(phase, text)
    return found


def pytest_pam_phase_begins(fixture: str) -> tuple[str, str] | None:
    """The session's own."""
    return ("sandbox", "starting") if fixture == _OWN_SANDBOX else None


class LiveReport:
    """In the process that hears of every test: groups of tests, and what is not good at once."""

    def __init__(self, config: pytest.Config, runbook: Runbook, progress: Progress) -> None:
        self._config = config
        self._runbook = runbook
        self._progress = progress
        self._groups = as_it_runs.Groups()
        self._running: dict[str, Seen] = {}
        self._causes: set[str] = set()
        self._in_full = as_it_runs.ToldInFull()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """The first sign of life."""
        detail.keep_workers_quiet(self._config)
        runbook = self._runbook
        began = times_of_day((runbook.started,), datetime.now().astimezone().tzinfo)
        drill = bool(self._config.stash[SITUATIONS_KEY].stories)
        elsewhere = "rehearsal, " if runbook.on_sandbox else ""
        mode = "for real, " if runbook.options.real else "drill, " if drill else elsewhere
        text = f"{mode}pace {runbook.pace:g}, run {runbook.id}, began {began}"
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
            seen.say(outcome)
            message, cause = without_own_word(str(said.get(MESSAGE) or workers.DIED)), str(said.get(CAUSE, ""))
            # What a test's own docstring says is not what kept it from beginning.
            kept_from_looking = report.when == "setup" and outcome is Outcome.UNKNOWN and cause not in message
            instead = cause if kept_from_looking else ""
            self._tell_bad(outcome, message, cause, seen, instead=instead)
        elif report.skipped:
            seen.say(Outcome.KNOWN if said.get(OUTCOME) == Outcome.KNOWN.value else Outcome.NOT_RUN)
        elif report.when == "call":
            seen.say(Outcome.PASSED)
        if report.when not in {"setup", "call"}:
            self._end(self._running.pop(report.nodeid))

    def _tell_bad(self, outcome: Outcome, message: str, cause: str, seen: Seen, *, instead: str) -> None:
        """One cause is told once, however many tests meet it, and one test once, whatever its cases find.

        All that is nothing new of a plan item is one cause. The screen in the end has each.
        """
        properties = seen.properties
        criteria = str(properties.get("criterion", "")).split()
        named = criteria or [wording.name_of(seen.nodeid)]
        self._progress.bad(named)
        of_old = bool(properties.get(NOTHING_NEW))
        # What is new is told, also where the same test has found what was there before.
        test = f"{outcome} {of_old} {properties.get('situation', AS_IS)} {seen.nodeid.partition('[')[0]}"
        cause = f"{NOTHING_NEW} {criteria}" if of_old else f"{outcome} {cause_of(message, outcome, cause)}"
        told = not self._causes.isdisjoint({test, cause})
        self._causes |= {test, cause}
        if told:
            return
        title = str(properties.get("title", seen.nodeid))
        message, title = without_title(message, title), instead or stated(outcome, title)
        # The page of a test that did not begin is about something else, too.
        told_where = instead and says_where(message)
        page = "" if told_where else next_page(properties, criteria, self._runbook, outcome, message)
        message = self._in_full.shortened(message)
        self._progress.announce(as_it_runs.bad(outcome, " ".join(named), title, message, page))

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
