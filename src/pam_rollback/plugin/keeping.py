"""What stays of a session: its record and what stands beside it, without secrets, wherever there is room."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pam_rollback.plugin import last_words, listeners, second_places
from pam_rollback.plugin.classification import Seen
from pam_rollback.plugin.fixtures import RESTS_ON, UNPROVEN
from pam_rollback.plugin.record import build_record, with_page
from pam_rollback.plugin.runbook import Runbook, shown
from pam_rollback.plugin.scope import Scope, decision_reason
from pam_rollback.plugin.selection import LeftOut
from pam_rollback.plugin.situations import SITUATIONS_KEY
from pam_rollback.report import allure_hooks, redaction, run_record
from pam_rollback.report.redaction import scan
from pam_rollback.report.run_folder import RunFolder
from pam_rollback.report.verdict import VERDICT_WORDS, ExitCode

if TYPE_CHECKING:
    from pam_rollback.report.record_parts import DecisionRecord, Watched

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

    @property
    def phases(self) -> set[str]:
        """Of its tests."""
        return {str(test.properties.get("phase", "")) for test in self.tests}


def keep(config: pytest.Config, runbook: Runbook, ended: Ended) -> run_record.RunRecord:
    """Write the record, the report's first page and what CI reads; gives the record, with what could not be written."""
    leaks = redacted_at_the_end(runbook)
    record = _record(config, runbook, ended, leaks)
    page = _page(runbook, record)
    kept = partial(last_words.keep, runbook)
    if page is None:
        record = _kept(runbook, record)
    else:
        from pam_rollback.report import run_report, scorecard_page  # noqa: PLC0415 - health is told without a page

        record = _kept(runbook, with_page(record, shown(page / scorecard_page.NAME)))
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


def _record(config: pytest.Config, runbook: Runbook, ended: Ended, leaks: Sequence[Path]) -> run_record.RunRecord:
    said = set()
    if ended.decision is not None:
        said = {decision_reason(ended.decision)}
    if ended.stopped:
        said.add(INTERRUPTED)  # the record names who stopped it
    found = config.stash[SITUATIONS_KEY]
    watched, not_told = ([], []) if ended.planned else _watched(runbook)
    record = build_record(
        runbook,
        ended.tests,
        code=ended.code,
        why=[one for one in ended.why if one not in said],
        verdict=ended.verdict,
        scope=ended.scope,
        left_out=ended.left_out,
        stopped=ended.stopped,
        situations=found.situations,
        finished=run_record.Moment(datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()),
        notes=[*_limits(ended.tests), *_notes(runbook, leaks)],
        told=[*listeners.notes(config, runbook), *not_told, *_late_stop(runbook, ended)],
        planned=listeners.planned(config, runbook, ended.phases, found.stories) if ended.planned else (),
        watched=watched,
        decision=ended.decision,
    )
    told = (run_record.TopicTold(heading, tuple(entries)) for heading, entries in listeners.report(config, record))
    return replace(record, told=tuple(told))


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


def _page(runbook: Runbook, record: run_record.RunRecord) -> Path | None:
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
        runbook.lost(f"{path.name} could not be searched for secrets: {last_words.said_by(error)}")

    for folder in folders:
        leaks += scan(folder, runbook.secrets.known, unread=unread)
    for path in leaks:
        last_words.keep(runbook, f"{path.name} without its secret", partial(runbook.secrets.redactor.file, path))
    return leaks


def _kept(runbook: Runbook, record: run_record.RunRecord) -> run_record.RunRecord:
    place, problem = second_places.kept(
        runbook.folder / "run.json", lambda path: run_record.write(record, path, runbook.secrets.redactor)
    )
    if not problem:
        return record
    where = f"it is {place}" if place else "nothing takes it"
    runbook.lost(f"the run record is not in the run's folder ({problem}): {where}")
    reports = replace(record.reports, record=str(place) if place else None)
    return replace(_with_losses(runbook, record), reports=reports)


def _with_losses(runbook: Runbook, record: run_record.RunRecord) -> run_record.RunRecord:
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
