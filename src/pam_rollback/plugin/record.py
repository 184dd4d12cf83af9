"""What stays of a session: its record and what stands beside it, without secrets, wherever there is room."""

import os
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest

from pam_rollback import VERSION
from pam_rollback.plugin import endings, listeners, second_places
from pam_rollback.plugin.baseline_files import BASELINE_FILE, staleness
from pam_rollback.plugin.classification import NOTHING_NEW, UNANSWERED, Seen
from pam_rollback.plugin.fixtures import RESTS_ON, UNPROVEN
from pam_rollback.plugin.runbook import Runbook, shown
from pam_rollback.plugin.scope import Scope, decision_reason
from pam_rollback.plugin.selection import LeftOut
from pam_rollback.plugin.situations import BASELINE, SITUATIONS_KEY
from pam_rollback.report import allure_hooks, redaction, run_record, wording
from pam_rollback.report.record_parts import read_preflight
from pam_rollback.report.redaction import scan
from pam_rollback.report.run_folder import RunFolder
from pam_rollback.report.run_record import (
    ActionStep,
    ActionTaken,
    CommitSeen,
    EnvironmentFacts,
    ItemTitle,
    Measured,
    Moment,
    NotRun,
    ReportPaths,
    Result,
    RunRecord,
    TopicTold,
    Unanswered,
    Verdict,
)
from pam_rollback.report.verdict import VERDICT_WORDS, ExitCode, Outcome, counted
from pam_rollback.rollback.journal import ACTION

if TYPE_CHECKING:
    from pam_rollback.report.record_parts import DecisionRecord, Watched

HOW_TO_GET_HTML = "`make report` builds the HTML"
_PAGES = {
    Outcome.UNDO_FAILED: "docs/runbook.md#undo-failed",
    Outcome.ACTION_FAILED: "docs/runbook.md#action-failed",
    Outcome.REFUSED: "docs/runbook.md#refused",
}
_SIGN_IN_LIMITED = "docs/runbook.md#sign-in-limited"
_BLOCKED = "docs/runbook.md#blocked"
HOW_TO_GET_EVIDENCE = "`make report` adds the evidence, test by test"
INTERRUPTED = "the session was interrupted before everything had run"


@dataclass(frozen=True)
class Ended:
    """A session that has ended, as it was heard."""

    tests: Sequence[Seen]
    code: int
    """The exit code."""
    why: Sequence[str]
    """What keeps it from being 0."""
    planned: bool
    """Whether nothing was run (``--dry-run``)."""
    stopped: str
    """Who stopped it, where that cut something."""
    scope: Scope
    left_out: LeftOut
    decision: "DecisionRecord | None"
    """What a decision session recommends."""

    @property
    def verdict(self) -> str:
        """Its word."""
        if self.planned:
            return "PLANNED"
        return VERDICT_WORDS[ExitCode(self.code)] if self.code in set(ExitCode) else "INCONCLUSIVE"


def keep(config: pytest.Config, runbook: Runbook, ended: Ended) -> RunRecord:
    """Write the record, the report's first page and what CI reads; gives the record, with what could not be written."""
    leaks = redacted_at_the_end(runbook)
    record = _record(config, runbook, ended, leaks)
    page = _page(runbook, record)
    kept = partial(endings.keep, runbook)
    if page is None:
        record = _kept(runbook, record)
    else:
        from pam_rollback.report import run_report, scorecard_page  # noqa: PLC0415 - health is told without a page

        paths = replace(record.reports, html=shown(page / scorecard_page.NAME), html_missing=HOW_TO_GET_EVIDENCE)
        record = _kept(runbook, replace(record, reports=paths))
        readable = redaction.shown(record, runbook.secrets.redactor.text)
        kept("the report's first page", lambda: run_report.write_page(RunFolder(runbook.folder), readable))
    recommended_here = record.decision
    if recommended_here is not None:
        from pam_rollback.report import recommendation  # noqa: PLC0415 - for decisions

        kept(
            "the recommendation",
            lambda: allure_hooks.write_recommendation(
                runbook.results,
                name=recommendation.headline(recommended_here),
                text=runbook.secrets.redact(recommendation.as_text(recommended_here)),
                status={0: "passed", ExitCode.NO_GO: "failed"}.get(ended.code, "broken"),
            ),
        )
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        from pam_rollback.report import job_summary  # noqa: PLC0415 - for jobs of GitHub

        kept("the job summary", lambda: job_summary.append(record, Path(summary), runbook.secrets.redactor))
    return _with_losses(runbook, record)


def _record(config: pytest.Config, runbook: Runbook, ended: Ended, leaks: Sequence[Path]) -> RunRecord:
    """All that the session found out, as data."""
    environment, scope, tests, redact = runbook.environment, ended.scope, ended.tests, runbook.secrets.redact
    preflight, found = read_preflight(runbook.folder), config.stash[SITUATIONS_KEY]
    watched, not_told = ([], []) if ended.planned else _watched(runbook)
    told = [*listeners.notes(config, runbook), *not_told, *_late_stop(runbook, ended)]
    phases = {str(test.properties.get("phase", "")) for test in tests}
    record = RunRecord(
        run_id=runbook.id,
        started=Moment(runbook.started.isoformat(timespec="seconds"), runbook.started_s),
        finished=Moment(datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()),
        environment=EnvironmentFacts(name=environment.name, host=runbook.host or "not started", kind=environment.kind),
        release=runbook.releases_seen[-1] if runbook.releases_seen else None,
        releases_seen=tuple(runbook.releases_seen),
        commits_seen=tuple(CommitSeen(*one) for one in runbook.commits_seen),
        mode="real" if runbook.options.real else "drill",
        pace=runbook.pace,
        situations=found.situations,
        command_line=tuple(redact(runbook.command).split(" ")),
        verdict=cast("Verdict", ended.verdict),
        exit_code=ended.code,
        results=tuple(_result(test, runbook) for test in tests),
        scope=scope.name,
        reasons=tuple(_each_once([*_reasons(runbook, ended), *_only_listed(tests), *_not_counted(ended)])),
        deselected=tuple(NotRun(*one) for one in ended.left_out.tests),
        actions=tuple(_actions(runbook)),
        items=tuple(_items(runbook, tests)),
        steps=tuple(listeners.planned(config, runbook, phases, found.stories) if ended.planned else _steps(runbook)),
        watched=tuple(watched),
        relaxed_thresholds=scope.relaxed,
        waivers=scope.waivers,
        acknowledgements=scope.acknowledgements,
        unmeasured=scope.unmeasured,
        decision=ended.decision,
        readiness=preflight.readiness,
        standing=preflight.standing,
        notes=(
            *_limits(tests),
            *_notes(runbook, leaks),
            *_baselines(runbook),
            *map(redact, told),
            *(f"observed by a person: {text}" for text in runbook.options.observed),
        ),
        reports=ReportPaths(
            html=None,
            html_missing=HOW_TO_GET_HTML,
            record=shown(runbook.folder / "run.json"),
            junit=shown(runbook.folder / "junit.xml"),
            results=shown(runbook.results),
        ),
        suite=VERSION,
    )
    paragraphs = (TopicTold(heading, tuple(entries)) for heading, entries in listeners.report(config, record))
    return replace(record, told=tuple(paragraphs))


def _watched(runbook: Runbook) -> "tuple[list[Watched], list[str]]":
    """How users fared around each rollback, from the prober's record, the journal and the incident's moments; or why that is not known."""
    if not runbook.journal.action_began:
        return [], []
    from pam_rollback.plugin.watched import watched  # noqa: PLC0415 - for sessions in which somebody acted

    try:
        found = [*watched(runbook.folder, runbook.journal.entries(), began_s=runbook.started_s, plan=runbook.plan)]
    except Exception as problem:  # noqa: BLE001 - whatever it is, the session did what it did
        return [], [f"how users fared is not known: {type(problem).__name__}: {problem}"]
    return found, []


def _page(runbook: Runbook, record: RunRecord) -> Path | None:
    """The folder of the report that this session writes the first page of. None: `make report` writes it, when somebody asks.

    Health is answered within a second, and loading the page's templates would take a tenth of it.
    """
    wanted = record.verdict != "PLANNED" and record.scope != "health"
    return RunFolder(runbook.folder).html if wanted else None


def redacted_at_the_end(runbook: Runbook) -> list[Path]:
    """The files of this run that held a secret, and hold it no more. One that cannot be searched is a loss of the run."""
    folders = [runbook.folder, *(folder for folder in second_places.folders(runbook.folder) if folder.is_dir())]
    leaks: list[Path] = []

    def unread(path: Path, error: Exception) -> None:
        runbook.lost(f"{path.name} could not be searched for secrets: {endings.said_by(error)}")

    for folder in folders:
        leaks += scan(folder, runbook.secrets.known, unread=unread)
    for path in leaks:
        endings.keep(runbook, f"{path.name} without its secret", partial(runbook.secrets.redactor.file, path))
    return leaks


def _kept(runbook: Runbook, record: RunRecord) -> RunRecord:
    place, problem = second_places.kept(
        runbook.folder / "run.json", lambda path: run_record.write(record, path, runbook.secrets.redactor)
    )
    if not problem:
        return record
    where = f"it is {place}" if place else "nothing takes it"
    runbook.lost(f"the run record is not in the run's folder ({problem}): {where}")
    reports = replace(record.reports, record=str(place) if place else None)
    return replace(_with_losses(runbook, record), reports=reports)


def _with_losses(runbook: Runbook, record: RunRecord) -> RunRecord:
    """What could not be written since it was put together is told beside it."""
    return replace(record, reasons=(*dict.fromkeys([*record.reasons, *runbook.losses]),))


def _late_stop(runbook: Runbook, ended: Ended) -> Iterator[str]:
    stop = runbook.stop.reason
    if stop is not None and not ended.stopped:
        yield f"a stop ({stop}) came when everything had run: it cut nothing, and the verdict stands"


def _limits(tests: Iterable[Seen]) -> list[str]:
    """What passed by conditions that do not notice everything, and what answers rest on."""
    found = [
        f"{words}{test.properties[name]}"
        for test in tests
        for name, words in ((UNPROVEN, "unproven: "), (RESTS_ON, ""))
        if test.properties.get(name)
    ]
    return list(dict.fromkeys(found))


def _notes(runbook: Runbook, leaks: Sequence[Path]) -> Iterator[str]:
    added = os.environ.get("PYTEST_ADDOPTS", "").strip()
    if added:
        yield f"PYTEST_ADDOPTS: {runbook.secrets.redact(added)}"
    if leaks:
        yield f"{len(leaks)} files held a secret and were redacted at the end"
    if runbook.options.real and runbook.journal.action_began:
        from pam_rollback.report.sections import at_hand  # noqa: PLC0415 - for real runs

        yield at_hand(runbook.plan, runbook.environment)


def _each_once(reasons: Sequence[str]) -> Iterable[str]:
    """What an action failed of is said with what that means."""
    return (one for one in dict.fromkeys(reasons) if f"{wording.NOT_DONE}{one}" not in reasons)


def _only_listed(tests: Sequence[Seen]) -> Iterable[str]:
    """A session that could not decide anything says so, instead of ending INCONCLUSIVE without a word."""
    if tests and all(test.properties.get("advisory") for test in tests):
        yield "only advisory tests were selected: they are listed, and nothing was verified"


def _not_counted(ended: Ended) -> Iterable[str]:
    """Why it is no GO, without what another line says anyway: how many are red or unknown, a recommendation, who stopped it."""
    said = {*counted(test.outcome for test in ended.tests if not test.properties.get("advisory"))}
    if ended.decision is not None:
        said.add(decision_reason(ended.decision))
    if ended.stopped:
        said.add(INTERRUPTED)
    return (reason for reason in ended.why if reason not in said)


def _baselines(runbook: Runbook) -> Iterable[str]:
    if runbook.stored is not None:
        yield staleness(runbook) or f"compared with the {runbook.stored}"
    recorded = runbook.folder / BASELINE / BASELINE_FILE
    if recorded.is_file():
        yield f"baseline recorded; hold later runs against it with --baseline {shown(recorded)}"


def _result(test: Seen, runbook: Runbook) -> Result:
    properties = test.properties
    identifiers = tuple(str(properties.get("criterion", "")).split())
    return Result(
        nodeid=test.nodeid,
        title=str(properties.get("title", test.nodeid)),
        outcome=test.outcome,
        criteria=identifiers,
        phase=str(properties.get("phase", "")),
        kind=str(properties.get("kind", "")),
        situation=str(properties.get("situation", "")),
        message="" if test.outcome is Outcome.PASSED else test.message or "the session ended before it was reached",
        runbook=next_page(properties, identifiers, runbook, test.outcome, test.message),
        duration_s=round(test.duration_s, 3),
        advisory=bool(properties.get("advisory")),
        ran=test.body_ran,
        measured=tuple(Measured(**figures) for figures in test.figures),
        unanswered=tuple(_unanswered(properties)) if test.outcome is Outcome.BROKEN_CRITERION else (),
        nothing_new=bool(properties.get(NOTHING_NEW)) and test.outcome is Outcome.BROKEN_CRITERION,
        cause=test.causes.get(test.outcome, ""),
    )


def _unanswered(properties: Mapping[str, Any]) -> Iterable[Unanswered]:
    for one in properties.get(UNANSWERED, {}).get("findings", ()):
        yield Unanswered(**{**one, "findings": tuple(one["findings"])})


def next_page(
    properties: Mapping[str, Any], identifiers: Sequence[str], runbook: Runbook, outcome: Outcome, message: str
) -> str:
    """Where to go on: by what became of an action, or by a cause of many tests; else the test's own page, or its first plan item's."""
    if wording.is_sign_in_limit(message, outcome):
        return _SIGN_IN_LIMITED
    if wording.is_block(message, outcome):
        return _BLOCKED
    own = _PAGES.get(outcome) or str(properties.get("runbook", ""))
    return own or (runbook.plan.item(identifiers[0]).runbook if identifiers else "")


def _actions(runbook: Runbook) -> Iterable[ActionTaken]:
    strategies = {way: strategy for strategy in runbook.plan.strategies.values() for way in strategy.ways}
    for entry in runbook.journal.entries():
        story = str(entry.get("strategy", "")) if entry["event"] == ACTION else ""
        if story not in strategies:
            continue
        strategy = strategies[story]
        yield ActionTaken(
            story=story,
            strategy=strategy.id,
            title=strategy.title,
            incident=runbook.secrets.redact(str(entry.get("reason", ""))),
            initiated_by=runbook.secrets.redact(str(entry.get("initiated_by", ""))),
            situation=str(entry.get("situation", "")),
            decided_s=round(float(entry.get("decided_s", runbook.started_s)) - runbook.started_s, 3),
        )


def _items(runbook: Runbook, tests: Sequence[Seen]) -> Iterable[ItemTitle]:
    served = {one for test in tests for one in str(test.properties.get("criterion", "")).split()}
    return (ItemTitle(item.id, item.title) for item in runbook.plan.items() if item.id in served)


def _steps(runbook: Runbook) -> Iterable[ActionStep]:
    # Workers write side by side: what one situation does says nothing about the next line, which may be another one's.
    actions: dict[str, str] = {}
    started_s: dict[tuple[str, str], float] = {}
    owed: dict[tuple[str, int], str] = {}
    for entry in runbook.journal.entries():
        situation = str(entry.get("situation", ""))
        action = actions.get(situation, "")
        match entry["event"]:
            case "action":
                actions[situation] = str(entry["strategy"])
            case "step-started":
                started_s[situation, entry["step"]] = entry["at_s"]
            case "step-done" | "step-failed" as event:
                since_s = started_s.get((situation, entry["step"]), entry["at_s"])
                yield _step(
                    runbook, action, entry["step"], "done" if event == "step-done" else "failed", since_s, entry
                )
            case "step-not-done":
                yield _step(runbook, action, entry["step"], "failed", entry["at_s"], entry)
            case "undo-owed":
                owed[situation, entry["number"]] = str(entry["kind"])
            case "undo-done":
                kind = owed.get((situation, entry["number"]), "")
                yield _step(runbook, action, f"undo {kind}".rstrip(), "undone", entry["at_s"], entry)


def _step(
    runbook: Runbook,
    action: str,
    name: str,
    outcome: Literal["done", "failed", "undone"],
    since_s: float,
    entry: Mapping[str, Any],
) -> ActionStep:
    return ActionStep(
        action=action,
        step=name,
        outcome=outcome,
        started_s=round(since_s - runbook.started_s, 3),
        duration_s=round(entry["at_s"] - since_s, 3),
        detail=str(entry.get("problem") or entry.get("result") or ""),
    )


def _reasons(runbook: Runbook, ended: Ended) -> list[str]:
    reasons = []
    owed = len(runbook.journal.owed())
    if owed and not runbook.options.real:
        # By its id a run is found in the usual place only.
        usual = runbook.options.run_dir is None and not runbook.losses
        run = runbook.id if usual else shlex.quote(str(runbook.folder))
        command = f"pytest --undo {run} --env {shlex.quote(runbook.options.env)}"
        reasons.append(f"{owed} change{'s are' if owed > 1 else ' is'} not undone: {command}")
    reasons += [f"{wording.NOT_DONE}{problem}" for problem in runbook.journal.failed_actions]
    reasons += [f"went on without it: {warning}" for warning in runbook.journal.warnings]
    if ended.stopped:
        reasons.append(ended.stopped)
    reasons += runbook.losses
    if runbook.options.dry_run:
        reasons.append("--dry-run: nothing was sent, nothing was verified")
    return [*reasons, *ended.scope.partial]
