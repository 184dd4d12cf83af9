"""Tells how a session goes: each phase in a line, what matters most the moment it is known, what is not good at once.

Phases are seen by the fixtures that bring them about, so that neither a fixture nor a check has to say anything.
"""

import re
from collections.abc import Callable, Generator
from datetime import datetime
from functools import partial
from typing import Any, Final

import pytest

from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.classification import HEARD, NOTHING_NEW, Seen, what_failed
from pam_rollback.plugin.options import Detail, detail
from pam_rollback.plugin.progress import BAD, OnScreen, close, line, progress_of
from pam_rollback.plugin.record import next_page
from pam_rollback.plugin.runbook import Runbook, shown
from pam_rollback.plugin.situations import AS_IS, SITUATIONS_KEY
from pam_rollback.report import scorecard, screen, wording
from pam_rollback.report.terminal_page import WORDS
from pam_rollback.report.verdict import Outcome
from pam_rollback.report.wording import cause_of, says_where, stated, times_of_day, without_own_word, without_title

_ROLLBACK: Final = "rollback"
_BODY: Final = re.compile(r"(?<=: HTTP \d\d\d) [\w/+.-]+ '[^']*'(?=\))")


def bad(outcome: Outcome, criteria: str, title: str, message: str, runbook: str) -> str:
    """Return what is red, with its reason and where to go on. The body of an answer stands on the screen in the end."""
    said = _BODY.sub("", message.removeprefix("AssertionError: "))
    where = f"; {runbook}" if runbook else ""
    return f"{BAD}{WORDS[outcome][0]} {criteria} {title.rstrip('.')}: {said}{where}"


_QUIET = -2
"""The verbosity with which pytest's own lines stay away: header, files, percentages, summary."""
_USUAL_LIST = "fE"
"""What pytest lists in the end unless ``-r`` says otherwise: failures and errors, which the screen has."""


def view(config: pytest.Config) -> Callable[..., list[str]]:
    """Return what renders the record of a session for its terminal."""
    if detail(config) is Detail.ALL:
        return scorecard.render
    zone = datetime.now().astimezone().tzinfo
    return partial(screen.render, zone=zone, only_bad=detail(config) is Detail.ONLY_BAD)


class LiveReport:
    """In the process that hears of every test: how many are over, and what is not good at once."""

    def __init__(self, config: pytest.Config, runbook: Runbook, progress: OnScreen) -> None:
        self._config = config
        self._runbook = runbook
        self._progress = progress
        self._causes: set[str] = set()
        self._asked = self._over = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """The first sign of life."""
        reporter: Any = self._config.pluginmanager.get_plugin("terminaldistreporter")
        if reporter is not None:  # how many workers of pytest-xdist there are is nobody's question
            reporter._isatty = False  # noqa: SLF001 - else it renews a line, amid the session's own picture
            reporter.ensure_show_status = lambda: None
        runbook = self._runbook
        began = times_of_day((runbook.started,), datetime.now().astimezone().tzinfo)
        drill = bool(self._config.stash[SITUATIONS_KEY].stories)
        elsewhere = "rehearsal, " if runbook.on_sandbox else ""
        mode = "for real, " if runbook.options.real else "drill, " if drill else elsewhere
        text = f"{mode}pace {runbook.pace:g}, run {runbook.id}, began {began}"
        self._progress.line(line(runbook.environment.name, text))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """How much there is to do."""
        self._asked = len(session.items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One part of one test, which was heard of before."""
        seen = self._config.stash[HEARD].test(report.nodeid)
        if report.failed:
            outcome, message, cause = what_failed(report)
            message = without_own_word(message)
            # What a test's own docstring says is not what kept it from beginning.
            kept_from_looking = report.when == "setup" and outcome is Outcome.UNKNOWN and cause not in message
            self._tell_bad(outcome, message, cause, seen, instead=cause if kept_from_looking else "")
        if report.when not in {"setup", "call"}:
            self._end(seen)

    def _tell_bad(self, outcome: Outcome, message: str, cause: str, seen: Seen, *, instead: str) -> None:
        """One cause is told once, however many tests meet it, and one test once, whatever its cases find.

        All that is nothing new of a plan item is one cause. The screen in the end has each.
        """
        properties = seen.properties
        criteria = str(properties.get("criterion", "")).split()
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
        named = " ".join(criteria or [wording.name_of(seen.nodeid)])
        self._progress.announce(bad(outcome, named, title, message, page))

    def _end(self, seen: Seen) -> None:
        self._over += 1
        properties = seen.properties
        if properties.get("advisory"):
            return  # it decides nothing
        kind = _ROLLBACK if seen.nodeid.startswith("drills/") else str(properties.get("kind", "")).partition(" ")[0]
        kind = kind or str(properties.get("phase", "")) or "tests"
        self._progress.count(description=kind, completed=self._over, total=self._asked)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Where, how and with which plan."""
    runbook = runbook_module.of(config)
    if runbook is None:
        return []
    if config.option.collectonly:
        return [f"environment: {runbook.environment.name} ({runbook.environment.kind}), only listed"]
    return [
        f"environment: {runbook.environment.name} ({runbook.environment.kind}) · mode: {runbook.options.mode} · pace: {runbook.pace:g}",
        f"plan: {runbook.plan.about}",
        f"run: {runbook.id} · folder: {shown(runbook.folder)}",
    ]


def pytest_enter_pdb(config: pytest.Config) -> None:
    """Nothing is drawn where somebody types."""
    close(config)


@pytest.hookimpl(wrapper=True)
def pytest_report_teststatus(config: pytest.Config) -> Generator[None, Any, Any]:
    """No letter for each test where pytest's own lines are not wanted; they are counted all the same."""
    status = yield
    quiet = runbook_module.of(config) is not None and detail(config) is not Detail.ALL
    return (status[0], "", "") if quiet and status else status


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Begin to tell, in the process that hears of every test."""
    runbook = runbook_module.of(config)
    if runbook is None or config.option.collectonly:
        return
    if detail(config) is Detail.ALL:
        return
    # The suite tells what pytest would.
    config.option.verbose = _QUIET
    terminal: Any = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal._show_progress_info = False  # noqa: SLF001 - pytest has a setting for it, which the suite's own tests share
        if config.option.reportchars in {"", _USUAL_LIST}:
            terminal.reportchars = ""
    if not runbook.worker:
        config.pluginmanager.register(LiveReport(config, runbook, progress_of(config, runbook)), "pam-told")
