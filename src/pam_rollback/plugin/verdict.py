"""From the reports of all tests to one verdict, one exit code, one run record, and the last lines on the terminal.

In one module: one listener: what it hears of tests, workers and the end is what the verdict is made of.
"""

import os
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import pytest

from pam_rollback.plugin import (
    allure_bridge,
    browser_gate,
    classification,
    completeness,
    endings,
    guard,
    listeners,
    phases,
    progress,
    selection,
)
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.classification import HEARD, MESSAGE, OUTCOME, Heard
from pam_rollback.plugin.endings import failures_kept
from pam_rollback.plugin.lasting_streams import HarmlessFile
from pam_rollback.plugin.record import INTERRUPTED, Ended, keep
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.scope import Scope, decision_causes, is_decision, recommended, refuse_mixed, scope_of
from pam_rollback.plugin.situations import put_in_order
from pam_rollback.report import allure_hooks, run_record, scorecard
from pam_rollback.report.verdict import Cause, Ending, ExitCode, Outcome, causes_of_outcomes

if TYPE_CHECKING:
    from pam_rollback.report.record_parts import DecisionRecord

_KEPT = {
    pytest.ExitCode.INTERNAL_ERROR: "pytest itself failed, see above",
    pytest.ExitCode.USAGE_ERROR: "the command line or a file cannot be used, see above",
    pytest.ExitCode.NO_TESTS_COLLECTED: "no test was left to run",
    pytest.ExitCode.INTERRUPTED: INTERRUPTED,
}
"""pytest's own exit codes that stay, and what each says about a verdict."""
_ENDED_BY_ITSELF = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}
_OUR_WORKER_OUTPUT = "pam_rollback"
_LINES_OF_A_BROKEN_FILE = 12
_WITHOUT_TERMINAL = 120
"""Columns where there is no terminal."""


class Collector(Heard):
    """Lives in the controller (or in the only process) and hears of every test."""

    def __init__(self, config: pytest.Config, runbook: Runbook) -> None:
        super().__init__()
        self._config = config
        self._runbook = runbook
        self._broken_collection: list[str] = []
        # Known here by the command line alone: a worker that dies takes what it knows with it.
        self._left_out = selection.LeftOut(partial=selection.partial_by_options(config))
        self._planned = False
        self._stopped = ""
        """Why not everything had run, where somebody stopped this session."""
        self._failed: list[Cause] = []
        """What failed while the session ended, here or in a worker."""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """What was selected is what has to run."""
        for item in session.items:
            self.test(item.nodeid).properties.update(item.user_properties)
        self._left_out = session.config.stash.get(selection.KEY, self._left_out)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """The same, from workers."""
        for nodeid in ids:
            self.test(nodeid)
        for nodeid, properties in classification.told(self._runbook.folder, node.gateway.id).items():
            # Who replaces a worker collects again, and what was reported meanwhile is later than that.
            test = self.test(nodeid)
            test.properties = properties | test.properties

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """A worker died while it ran a test: that ends the test in all views, and in each with its plan items."""
        test, runbook = self.test(crashitem), self._runbook
        # Shown as failed, so the verdict counts it, whatever the test is about.
        said = {"advisory": False, OUTCOME: Outcome.UNKNOWN.value, MESSAGE: classification.DIED}
        report.user_properties = [*(test.properties | said).items()]
        report.when = "teardown"
        situation, phase, title = (str(test.properties.get(name, "")) for name in ("situation", "phase", "title"))
        write = partial(
            allure_hooks.write_died,
            runbook.results,
            crashitem,
            name=allure_bridge.named(test.criteria, title or crashitem),
            labels=allure_bridge.labels(runbook, test.criteria, situation, phase),
            message=classification.DIED,
        )
        endings.keep(runbook, "Allure's result of a test whose process died", write)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be collected hides tests."""
        if report.failed:
            self._broken_collection.append(report.nodeid)
            # pytest shows it in a traceback, which this session's terminal does without.
            lines = str(report.longrepr).strip().splitlines()[-_LINES_OF_A_BROKEN_FILE:]
            self._say("\n".join([f"cannot be collected: {report.nodeid}", *(f"  {line}" for line in lines)]))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take over what only the worker knows. One that died took it along, also where each of its tests was heard of."""
        told = getattr(node, "workeroutput", {}).get(_OUR_WORKER_OUTPUT)
        if not told:
            lost = "what it left out, and whether it put everything away, is not known"
            self._left_out.partial.append(f"worker {node.gateway.id} died before it had ended ({error}): {lost}")
            return
        self._left_out.tests = [
            *dict.fromkeys([*self._left_out.tests, *((a, b, tuple(c)) for a, b, c in told["left_out"])])
        ]
        self._left_out.partial = [*dict.fromkeys([*self._left_out.partial, *told["partial"]])]
        self._failed += [Cause(ExitCode(code), why) for code, why in told["failed"]]
        for loss in told["losses"]:
            self._runbook.lost(loss)
        self._runbook.secrets.learn(told["secrets"])
        self._runbook.host = self._runbook.host or told["host"]
        for release in told["releases"]:
            self._runbook.saw_release(release)
        for part, commit in told["commits"]:
            self._runbook.saw_commit(part, commit)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> bool | None:
        """With ``--dry-run`` nothing is run; what would be is told in the end."""
        if self._runbook.options.dry_run:
            self._planned = True
            for test in self.tests.values():
                test.messages[Outcome.NOT_RUN] = "would run (--dry-run)"
            return True
        return None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Outermost: everybody else has finished writing and printing when the verdict comes, or has failed to."""
        with failures_kept(session, self._runbook) as failed:
            yield
        self._failed += failed
        refused = self._config.stash.get(guard.REFUSED_KEY, "")
        if self._had_enough_failures(session):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if refused or session.exitstatus == pytest.ExitCode.USAGE_ERROR:
            return  # whoever refused has said why
        if session.exitstatus in _ENDED_BY_ITSELF:
            completeness.note(session)
        self._stopped = self._cut_short(session)
        code, why = self._ending(session)
        session.exitstatus = code
        if session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and not self.tests:
            if self._runbook.options.execute:
                # Somebody wanted a change, and has to hear that there was none.
                session.exitstatus = ExitCode.INCONCLUSIVE
            self._say(_nothing_selected(self._config, self._left_out))
            return
        record = self._write(code, why)
        for problem in endings.told_elsewhere(self._runbook, record, self._print(record)):
            self._say(f"the team: {problem}")
        if os.environ.get("GITHUB_ACTIONS") == "true":
            from pam_rollback.report import job_summary  # noqa: PLC0415 - for CI

            self._annotate(job_summary.annotations(record))
        if self._runbook.options.real and self._runbook.journal.action_began:
            self._go_on_afterwards()

    def _go_on_afterwards(self) -> None:
        """After the verdict, which nobody has to wait for. Whoever asked this session to stop is not kept waiting either."""
        if stop := self._runbook.stop.reason:
            left_out = "what follows the verdict of a real run was left out, such as telling the tracker"
            self._say(f"stopped by {stop}: {left_out}")
            return
        for line in listeners.run_ended(self._config, self._runbook.folder, self._runbook.environment):
            self._say(line)

    def _had_enough_failures(self, session: pytest.Session) -> bool:
        """The options asked for no more: `--stepwise`, and with workers `-x` and `--maxfail`, end a session in pytest as Ctrl-C does."""
        if session.exitstatus != pytest.ExitCode.INTERRUPTED or self._runbook.stop.reason or not session.testsfailed:
            return False
        controller: Any = self._config.pluginmanager.get_plugin("dsession")
        enough = bool(controller and controller.maxfail) and controller.countfailures >= controller.maxfail
        return enough or bool(self._config.getoption("stepwise", default=False))

    def _cut_short(self, session: pytest.Session) -> str:
        """Who stopped the session, in words; empty also when that came so late that it cut nothing."""
        stop = self._runbook.stop.reason
        ran = session.exitstatus in _ENDED_BY_ITSELF and all(test.was_heard for test in self.tests.values())
        return "" if ran or stop is None else f"stopped by {stop} before everything had run"

    def _ending(self, session: pytest.Session) -> tuple[int, tuple[str, ...]]:
        status = session.exitstatus
        journal = self._runbook.journal
        failed = [cause.why for cause in self._failed]
        owed = bool(journal.owed()) and not self._runbook.options.real
        if owed or any(cause.code is ExitCode.UNDO_FAILED for cause in self._failed):
            # However the session ended, something is still changed; the record says what.
            return ExitCode.UNDO_FAILED, tuple(failed)
        if status in _KEPT and status != pytest.ExitCode.NO_TESTS_COLLECTED and journal.action_began:
            # Stopped in the middle of a rollback: never pytest's mild "interrupted".
            return ExitCode.ACTION_FAILED, (_KEPT[pytest.ExitCode(status)], *failed)
        if self._planned:
            # The record says that nothing was sent.
            return ExitCode.INCONCLUSIVE, ()
        if status in _KEPT:
            return int(status), (self._uncollected or _KEPT[pytest.ExitCode(status)], *failed)
        ending = Ending.of(self._causes())
        return ending.code, ending.why

    def _causes(self) -> list[Cause]:
        decision, unknown = self._recommended
        if decision is not None:
            causes = decision_causes(self._runbook.plan, decision, self.tests.values())
        else:
            outcomes = [test.outcome for test in self.tests.values() if not test.properties.get("advisory")]
            causes = causes_of_outcomes(outcomes)
        if unknown:
            causes.append(Cause(ExitCode.INCONCLUSIVE, unknown))
        causes += [Cause(ExitCode.ACTION_FAILED, why) for why in self._runbook.journal.failed_actions]
        causes += [Cause(ExitCode.INCONCLUSIVE, why) for why in self._scope.partial]
        if self._uncollected:
            causes.append(Cause(ExitCode.INCONCLUSIVE, self._uncollected))
        if self._stopped:
            causes.append(Cause(ExitCode.INCONCLUSIVE, self._stopped))
        return [*causes, *self._failed]

    @property
    def _uncollected(self) -> str:
        return f"cannot be collected: {', '.join(self._broken_collection)}" if self._broken_collection else ""

    @cached_property
    def _recommended(self) -> "tuple[DecisionRecord | None, str]":
        """What a decision session recommends, or why nobody can say; neither for any other session."""
        if self._planned or not is_decision(self._config):
            return None, ""
        try:
            tests = [*self.tests.values()]
            return recommended(self._config, self._runbook, tests, self._left_out, self._scope.partial), ""
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - whatever it is, it recommends nothing
            return None, f"what to do is not known: {type(problem).__name__}: {problem}"

    @cached_property
    def _scope(self) -> Scope:
        asked = [(test, str(test.properties.get("criterion", "")).split()) for test in self.tests.values()]
        judged = {one for test, ids in asked if test.outcome is not Outcome.NOT_RUN for one in ids}
        selected = {one for _, ids in asked for one in ids}
        return scope_of(self._config, self._runbook, self._left_out, judged=judged, selected=selected, today=_today())

    def _write(self, code: int, why: Sequence[str]) -> run_record.RunRecord:
        decision, _ = self._recommended
        ended = Ended(
            tests=list(self.tests.values()),
            code=code,
            why=why,
            planned=self._planned,
            stopped=self._stopped,
            scope=self._scope,
            left_out=self._left_out,
            decision=decision,
        )
        return keep(self._config, self._runbook, ended)

    def _print(self, record: run_record.RunRecord) -> str:
        terminal: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is None:
            return "\n".join(scorecard.render(record, _WITHOUT_TERMINAL, color=False, ascii_only=False))
        writer = terminal._tw  # noqa: SLF001 - pytest offers no other way to its width and colours
        encoding = getattr(sys.stdout, "encoding", None) or "ascii"
        view = phases.view(self._config)
        ascii_only = not encoding.lower().startswith("utf")
        lines = view(record, writer.fullwidth, color=writer.hasmarkup, ascii_only=ascii_only)
        text = "\n".join(lines)
        self._say(text)
        with suppress(OSError):
            sys.stdout.flush()
        return self._runbook.secrets.redact(text)

    def _annotate(self, lines: Iterable[str]) -> None:
        file: Any = self._config.get_terminal_writer()._file  # noqa: SLF001 - what stands between pytest and its terminal
        if isinstance(file, HarmlessFile):
            for line in lines:
                file.command(self._runbook.secrets.redact(line))

    def _say(self, text: str) -> None:
        progress.close(self._config)
        terminal: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            terminal.ensure_newline()
            terminal.write_line(self._runbook.secrets.redact(text))


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Listen, in the process that sees all reports."""
    runbook = runbook_module.of(config)
    if runbook is None:
        return
    if config.option.collectonly:
        # With the docstrings, the listing reads as the runbook: question, what is proven, where to go on. -q gives bare ids.
        config.option.verbose = config.option.verbose or 1
        return
    # People on call need the message and not the suite's code: that is in Allure's results and in the JUnit file.
    if config.option.tbstyle == "auto":
        config.option.tbstyle = "no"
    if config.option.reportchars == "fE":
        config.option.reportchars = ""
    allure_bridge.clean(config, runbook)
    heard = config.stash[HEARD] = Heard() if runbook.worker else Collector(config, runbook)
    config.pluginmanager.register(heard, "pam-verdict")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is selected by now is refused or ordered, and each test gets what views say of it."""
    runbook = runbook_module.of(config)
    if runbook is not None:
        guard.check_selected(config, runbook, items)
        put_in_order(config, runbook, items)
        classification.describe(items)
        allure_bridge.label(runbook, items)
        refuse_mixed(config, items)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """A worker, which gets no signal, ends after the test during which the stop was asked for."""
    runbook = runbook_module.of(item.config)
    if runbook is None:
        return (yield)
    with allure_bridge.shown(item):
        result = yield
    if runbook.worker and runbook.stop.reason is not None:
        item.session.shouldstop = "stopping was asked for"
    return result


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Innermost, so that Allure, JUnit and the terminal see the classified and redacted report."""
    report = yield
    runbook = runbook_module.of(item.config)
    if runbook is not None:
        report = classification.classified(item, call, report, runbook)
        browser_gate.note(item.config, passed=report.when == "call" and not report.failed)
        allure_bridge.note(item, report, runbook)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Before pytest-xdist says that it has collected."""
    runbook = runbook_module.of(session.config)
    if runbook is not None and runbook.worker:
        classification.tell(runbook.folder, runbook.worker, session.items)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """A worker tells the controller what only it knows."""
    runbook = runbook_module.of(session.config)
    if runbook is None or not runbook.worker:
        yield
        return
    with failures_kept(session, runbook) as failed:
        yield
    completeness.note(session)
    left_out = session.config.stash.get(selection.KEY, selection.LeftOut())
    output: dict[str, Any] = session.config.workeroutput  # type: ignore[attr-defined]
    output[_OUR_WORKER_OUTPUT] = {
        "left_out": [[nodeid, reason, list(ids)] for nodeid, reason, ids in left_out.tests],
        "partial": left_out.partial,
        "failed": [[int(cause.code), cause.why] for cause in failed],
        "losses": runbook.losses,
        "releases": runbook.releases_seen,
        "commits": [[*one] for one in runbook.commits_seen],
        "host": runbook.host,
        # Over the pipe between the two processes, never to a file: the controller redacts the junit file.
        "secrets": sorted(runbook.secrets.known),
    }


def _nothing_selected(config: pytest.Config, left_out: selection.LeftOut) -> str:
    expression = config.option.markexpr
    what = f"-m {expression!r}" if expression else "the command line"
    reasons = "".join(f"\n  {nodeid}: {reason}" for nodeid, reason, _ in left_out.tests)
    reasons += "".join(f"\n  tests of the phase {name} run only when -m names it" for name in sorted(left_out.unnamed))
    reasons += "".join(f"\n  {reason}" for reason in left_out.partial)
    if config.args_source is pytest.Config.ArgsSource.INVOCATION_DIR:
        reasons += f"\n  only {config.invocation_params.dir} was searched: run it in {config.rootpath}"
    return f"INCONCLUSIVE: {what} selected no test, so nothing was verified; `pytest --markers` lists phases and kinds{reasons}"


def _today() -> date:
    return datetime.now(UTC).date()
