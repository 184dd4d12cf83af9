"""Puts the run record together from what the session knows."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

from pam_rollback import VERSION
from pam_rollback.plugin.baseline_files import BASELINE_FILE, staleness
from pam_rollback.plugin.classification import NOTHING_NEW, UNANSWERED, Seen
from pam_rollback.plugin.runbook import Runbook, shown
from pam_rollback.plugin.scope import Scope
from pam_rollback.plugin.selection import LeftOut
from pam_rollback.plugin.situations import BASELINE
from pam_rollback.report import wording
from pam_rollback.report.record_parts import read_preflight
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
    Unanswered,
    Verdict,
)
from pam_rollback.report.verdict import Outcome, counted
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


def build_record(
    runbook: Runbook,
    tests: Sequence[Seen],
    *,
    code: int,
    why: Sequence[str],
    verdict: str,
    scope: Scope,
    left_out: LeftOut,
    stopped: str,
    situations: tuple[str, ...],
    finished: Moment,
    notes: Sequence[str],
    told: Sequence[str] = (),
    planned: Sequence[ActionStep] = (),
    watched: "Sequence[Watched]" = (),
    decision: "DecisionRecord | None" = None,
) -> RunRecord:
    """All that the session found out, as data. ``stopped``: by whom, where that cut something.

    ``told``, ``planned`` and ``watched`` are what topics note, would have done, and saw.
    """
    environment, preflight = runbook.environment, read_preflight(runbook.folder)
    return RunRecord(
        run_id=runbook.id,
        started=Moment(runbook.started.isoformat(timespec="seconds"), runbook.started_s),
        finished=finished,
        environment=EnvironmentFacts(name=environment.name, host=runbook.host or "not started", kind=environment.kind),
        release=runbook.releases_seen[-1] if runbook.releases_seen else None,
        releases_seen=tuple(runbook.releases_seen),
        commits_seen=tuple(CommitSeen(*one) for one in runbook.commits_seen),
        mode="real" if runbook.options.real else "drill",
        pace=runbook.pace,
        situations=situations,
        command_line=tuple(runbook.secrets.redact(runbook.command).split(" ")),
        verdict=cast("Verdict", verdict),
        exit_code=code,
        results=tuple(_result(test, runbook) for test in tests),
        scope=scope.name,
        reasons=tuple(
            _each_once([*_reasons(runbook, scope, code, stopped), *_only_listed(tests), *_not_counted(tests, why)])
        ),
        deselected=tuple(NotRun(*one) for one in left_out.tests),
        actions=tuple(_actions(runbook)),
        items=tuple(_items(runbook, tests)),
        steps=tuple(planned) if verdict == "PLANNED" else tuple(_steps(runbook)),
        watched=tuple(watched),
        relaxed_thresholds=scope.relaxed,
        waivers=scope.waivers,
        acknowledgements=scope.acknowledgements,
        unmeasured=scope.unmeasured,
        decision=decision,
        readiness=preflight.readiness,
        standing=preflight.standing,
        notes=(
            *notes,
            *_baselines(runbook),
            *(runbook.secrets.redact(line) for line in told),
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


def with_page(record: RunRecord, page: str) -> RunRecord:
    """The record of a run whose report has its first page."""
    return replace(record, reports=replace(record.reports, html=page, html_missing=HOW_TO_GET_EVIDENCE))


def _each_once(reasons: Sequence[str]) -> Iterable[str]:
    """What an action failed of is said with what that means."""
    return (one for one in dict.fromkeys(reasons) if f"{wording.NOT_DONE}{one}" not in reasons)


def _only_listed(tests: Sequence[Seen]) -> Iterable[str]:
    """A session that could not decide anything says so, instead of ending INCONCLUSIVE without a word."""
    if tests and all(test.properties.get("advisory") for test in tests):
        yield "only advisory tests were selected: they are listed, and nothing was verified"


def _not_counted(tests: Sequence[Seen], why: Sequence[str]) -> Iterable[str]:
    """Why it is no GO, without what the numbers of red and unknown tests say in the verdict line anyway."""
    told = counted(test.outcome for test in tests if not test.properties.get("advisory"))
    return (reason for reason in why if reason not in told)


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


def _reasons(runbook: Runbook, scope: Scope, code: int, stopped: str) -> tuple[str, ...]:
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
    if stopped:
        reasons.append(stopped)
    reasons += runbook.losses
    if runbook.options.dry_run:
        reasons.append("--dry-run: nothing was sent, nothing was verified")
    if code != 0 or scope.partial:
        reasons += scope.partial
    return tuple(reasons)
