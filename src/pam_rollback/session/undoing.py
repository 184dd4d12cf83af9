"""``--undo RUN``: put back what a run left changed, by its journal.

A real rollback is undone in this way only, never by a teardown.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest

from pam_rollback import VERSION
from pam_rollback.base.errors import MeasurementFailed, Refused, UndoFailed
from pam_rollback.journal.journal import ACTION, TOLD, UNDOING, Journal, Undo
from pam_rollback.journal.undoing import UndoKinds, beside_actions, owed_here, undo_all
from pam_rollback.session import listeners, second_places
from pam_rollback.session.earlier_run import elsewhere, journal_of, lost_steps, unfinished_elsewhere
from pam_rollback.session.guard import blank_texts
from pam_rollback.session.last_words import Alarm
from pam_rollback.session.runbook import Runbook, shown


def undo_run(config: pytest.Config, runbook: Runbook) -> str:
    """Undo instead of testing, under the same consent as a real rollback; gives what was done in words.

    Raises Refused, UndoFailed, and pytest.UsageError when there is no such run.
    """
    options, environment = runbook.options, runbook.environment
    path = journal_of(config, "--undo", options.undo)
    journal = Journal(path, others=second_places.files(path))
    kinds = listeners.undo_kinds(config)
    reasons = _refusals(runbook, journal, kinds)
    if reasons:
        raise Refused("\n".join(f"  - {reason}" for reason in reasons))
    if options.dry_run:
        here = owed_here(journal, environment)
        owed = ", ".join(f"{undo.kind} {dict(undo.facts)}" for undo in here) or "nothing"
        others = _named(undo for undo in journal.owed() if undo not in here)
        but = f", and not what is owed elsewhere: {others}" if others else ""
        gaps = _gaps(journal, kinds)
        more = f"; the journal is not whole, so there may be more: {'; '.join(gaps)}" if gaps else ""
        return f"PLANNED, nothing was sent: undo would put back {owed} of {shown(journal.path)}{but}{more}"
    real = any(entry["event"] == ACTION and entry.get("mode") == "real" for entry in journal.entries())
    try:
        undone = _put_back(config, runbook, journal, kinds)
    except (UndoFailed, MeasurementFailed) as problem:
        failed = f"UNDO FAILED: {problem}" if isinstance(problem, UndoFailed) else f"UNDONE IN PART: {problem}"
        told = _listeners_told(config, runbook, path, failed) if real else []
        raise type(problem)("\n".join([str(problem), *told])) from problem
    return "\n".join([undone, *(_listeners_told(config, runbook, path, undone) if real else [])])


def _listeners_told(config: pytest.Config, runbook: Runbook, path: Path, words: str) -> list[str]:
    redact = runbook.secrets.redact
    return [redact(line) for line in listeners.run_ended(config, path.parent, runbook.environment, redact(words))]


def _put_back(config: pytest.Config, runbook: Runbook, journal: Journal, kinds: UndoKinds) -> str:
    """Under the environment's lock, with the team told. Raises UndoFailed, MeasurementFailed, and Refused when another one has the lock."""
    options, environment = runbook.options, runbook.environment
    alarm = Alarm(config, runbook)
    journal.tell_losses_to(alarm)
    config.add_cleanup(alarm.end)
    with listeners.topics(config).sole_writer(config, runbook, journal) as warnings:
        journal.append(UNDOING, initiated_by=options.initiated_by, reason=options.reason)
        redact = runbook.secrets.redact
        with listeners.undo_followed(config, runbook, journal, owed_here(journal, environment)) as untold:
            by = options.initiated_by or "pam-rollback-suite"
            count = undo_all(journal, environment, kinds, initiated_by=by)
            _refuse_gaps(journal, count, kinds)
    second_places.bring_home(journal.path)
    warned = "".join(f"\nwent on without it: lock: {warning}" for warning in warnings)
    warned += "".join(f"\nthe team: {redact(problem)}" for problem in untold)
    return f"UNDONE: {count} change{'' if count == 1 else 's'} of {shown(journal.path)}, each read back{warned}"


def _named(undos: Iterable[Undo]) -> str:
    return ", ".join(f"{undo.kind} on {undo.environment} at {undo.api}" for undo in undos)


def _gaps(journal: Journal, kinds: UndoKinds) -> list[str]:
    return [*journal.lacks(beside_actions(kinds)), *filter(None, [unfinished_elsewhere(journal), lost_steps(journal)])]


def _refuse_gaps(journal: Journal, count: int, kinds: UndoKinds) -> None:
    """After all that is known is put back. Raises UndoFailed, or MeasurementFailed, when there may be more than the journal knows."""
    undone = f"{count} change{'' if count == 1 else 's'} of {shown(journal.path)} put back, each read back"
    gaps = _gaps(journal, kinds)
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
    if step := journal.open_change:
        journal.append(TOLD, step=step)
        raise MeasurementFailed(
            f"{undone}; the run ended within the step {step!r}, before it noted how to put that back. A note comes before "
            "its change, so nothing was changed by it, unless the disk of that run was full: look whether it took effect, then repeat "
            "this command to say that it did not"
        )


def _refusals(runbook: Runbook, journal: Journal, kinds: UndoKinds) -> list[str]:
    options, environment = runbook.options, runbook.environment
    found = [*elsewhere(runbook, journal), *blank_texts(options.blank)]
    unknown = sorted({undo.kind for undo in journal.owed()} - kinds.keys())
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
