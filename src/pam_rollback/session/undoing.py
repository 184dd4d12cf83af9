"""``--undo RUN``: put back what a run left changed, by its journal. Also what fixtures use at the end of a drill.

A real rollback is undone in this way only, never by a teardown.
"""

from collections.abc import Collection, Iterable
from contextlib import nullcontext
from pathlib import Path

import pytest

from pam_rollback import VERSION
from pam_rollback.base.errors import MeasurementFailed, Refused, UndoFailed
from pam_rollback.base.wait import Waiter
from pam_rollback.communication.service.channels import UNDO_KINDS as TOLD_KINDS
from pam_rollback.environment.environment import Environment
from pam_rollback.rollback.engine.journal import ACTION, UNDOING, Journal, Undo
from pam_rollback.rollback.service.undo_kinds import CLEAR_FAULTS, UNDO_KINDS, UndoTools
from pam_rollback.rollback.service.writer_lock import environment_lock, may_push
from pam_rollback.session import listeners, second_places
from pam_rollback.session.earlier_run import elsewhere, journal_of, unfinished_elsewhere
from pam_rollback.session.guard import blank_texts
from pam_rollback.session.last_words import Alarm
from pam_rollback.session.progress import progress_of
from pam_rollback.session.runbook import Runbook, shown
from pam_rollback.session.team_told import team_of


def undo_all(
    journal: Journal, environment: Environment, *, initiated_by: str, left_to_others: Collection[str] = ()
) -> int:
    """Put back what the journal still owes to this environment, the latest change first; gives how many changes.

    Kinds that are ``left_to_others`` are put back by whoever made them. Raises UndoFailed with all that could not be, after all were tried.
    """
    failures: list[str] = []
    owed = [undo for undo in _owed_here(journal, environment) if undo.kind not in left_to_others]
    waiter = Waiter()
    for undo in owed:
        try:
            _undo(undo, UndoTools(environment, journal.of_undo(undo), initiated_by, waiter))
        except UndoFailed as error:
            # One change that cannot be put back must not keep the others from being put back.
            failures.append(str(error))
    if failures:
        raise UndoFailed("; ".join(failures))
    return len(owed)


def undo_run(config: pytest.Config, runbook: Runbook) -> str:
    """Undo instead of testing, under the same consent as a real rollback; gives what was done in words.

    Raises Refused, UndoFailed, and pytest.UsageError when there is no such run.
    """
    options, environment = runbook.options, runbook.environment
    path = journal_of(config, "--undo", options.undo)
    journal = Journal(path, others=second_places.files(path))
    reasons = _refusals(runbook, journal)
    if reasons:
        raise Refused("\n".join(f"  - {reason}" for reason in reasons))
    if options.dry_run:
        here = _owed_here(journal, environment)
        owed = ", ".join(f"{undo.kind} {dict(undo.facts)}" for undo in here) or "nothing"
        others = _named(undo for undo in journal.owed() if undo not in here)
        but = f", and not what is owed elsewhere: {others}" if others else ""
        return f"PLANNED, nothing was sent: undo would put back {owed} of {shown(journal.path)}{but}"
    real = any(entry["event"] == ACTION and entry.get("mode") == "real" for entry in journal.entries())
    try:
        undone = _put_back(config, runbook, journal)
    except (UndoFailed, MeasurementFailed) as problem:
        failed = f"UNDO FAILED: {problem}" if isinstance(problem, UndoFailed) else f"UNDONE IN PART: {problem}"
        told = _listeners_told(config, runbook, path, failed) if real else []
        raise type(problem)("\n".join([str(problem), *told])) from problem
    return "\n".join([undone, *(_listeners_told(config, runbook, path, undone) if real else [])])


def _listeners_told(config: pytest.Config, runbook: Runbook, path: Path, words: str) -> list[str]:
    redact = runbook.secrets.redact
    return [redact(line) for line in listeners.undone(config, path.parent, runbook.environment, redact(words))]


def _put_back(config: pytest.Config, runbook: Runbook, journal: Journal) -> str:
    """Under the environment's lock, with the team told. Raises UndoFailed, MeasurementFailed, and Refused when another one has the lock."""
    options, environment = runbook.options, runbook.environment
    alarm = Alarm(runbook)
    journal.tell_losses_to(alarm)
    config.add_cleanup(alarm.end)
    stories = [str(entry["strategy"]) for entry in journal.entries() if entry["event"] == ACTION]
    progress = progress_of(config, runbook)
    with environment_lock(
        environment,
        run=runbook.id,
        who=options.initiated_by,
        pushes=may_push(stories),
        take_over=options.take_over,
        undoes=options.undo,
        say=progress.announce,
    ) as lock:
        journal.append(UNDOING, initiated_by=options.initiated_by, reason=options.reason)
        told = team_of(runbook, runbook.plan, environment, journal)
        redact = runbook.secrets.redact
        with (
            nullcontext()
            if told is None
            else told.following(
                _owed_here(journal, environment), who=options.initiated_by, reason=redact(options.reason), redact=redact
            )
        ):
            count = undo_all(journal, environment, initiated_by=options.initiated_by or "pam-rollback-suite")
            _refuse_gaps(journal, count)
    warned = "".join(f"\nwent on without it: lock: {warning}" for warning in lock.warnings)
    warned += "".join(f"\nthe team: {redact(problem)}" for problem in (told.problems if told is not None else ()))
    return f"UNDONE: {count} change{'' if count == 1 else 's'} of {shown(journal.path)}, each read back{warned}"


def _owed_here(journal: Journal, environment: Environment) -> list[Undo]:
    return [undo for undo in journal.owed() if undo.is_owed_at(environment.urls.api)]


def _named(undos: Iterable[Undo]) -> str:
    return ", ".join(f"{undo.kind} on {undo.environment} at {undo.api}" for undo in undos)


def _refuse_gaps(journal: Journal, count: int) -> None:
    """After all that is known is put back. Raises UndoFailed, or MeasurementFailed, when there may be more than the journal knows."""
    undone = f"{count} change{'' if count == 1 else 's'} of {shown(journal.path)} put back, each read back"
    gaps = [*journal.lacks({CLEAR_FAULTS, *TOLD_KINDS}), *filter(None, [unfinished_elsewhere(journal)])]
    if gaps:
        raise UndoFailed(
            f"{undone}; the journal is not whole, so there may be more: {'; '.join(gaps)}. "
            "A person must look at what the run changed, and put it back by hand"
        )
    if elsewhere := journal.owed():
        raise MeasurementFailed(
            f"{undone}; {len(elsewhere)} more of this run is owed to another environment and was not touched ({_named(elsewhere)}): "
            "name that one with --env"
        )
    if journal.open_change:
        raise MeasurementFailed(
            f"{undone}; the run ended within the step {journal.open_change!r}, before it noted how to put that back. A note comes before "
            "its change, so nothing was changed by it, unless the disk of that run was full: look whether it took effect"
        )


def _undo(undo: Undo, tools: UndoTools) -> None:
    routine = UNDO_KINDS.get(undo.kind)
    where = f"{tools.journal.path} owes an undo of the kind {undo.kind!r}"
    if routine is None:
        raise UndoFailed(f"{where}, which this version does not know: a person must put back {dict(undo.facts)}")
    try:
        routine(undo, tools)
    except UndoFailed:
        raise
    except Exception as error:
        # Whatever keeps one change from being put back must not keep the others, and is never taken for done.
        raise UndoFailed(f"{where}, and it cannot be done on {tools.environment.name}: {error!r}") from error
    tools.journal.settled(undo)


def _refusals(runbook: Runbook, journal: Journal) -> list[str]:
    options, environment = runbook.options, runbook.environment
    found = [*elsewhere(runbook, journal), *blank_texts(options.blank)]
    unknown = sorted({undo.kind for undo in journal.owed()} - UNDO_KINDS.keys())
    if unknown and journal.written_by not in {"", VERSION}:
        found.append(
            f"{shown(journal.path)} owes {', '.join(unknown)}, which pam-rollback {VERSION} cannot put back: "
            f"install pam-rollback {journal.written_by}, which wrote it, and repeat the command"
        )
    if not environment.is_sandbox and not runbook.own_sandbox and not options.dry_run:
        if not (options.execute and options.confirm == environment.name):
            found.append(f"undoing changes {environment.name}: it needs --execute --confirm {environment.name}")
        if not (options.reason and options.initiated_by) and not options.blank:
            found.append("undoing needs --reason and --initiated-by, for the journal")
    return found
