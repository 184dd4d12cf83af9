"""``--undo RUN``: put back what a run left changed, by its journal. Also what fixtures use at the end of a drill.

A real rollback is undone in this way only, never by a teardown.
"""

import tempfile
from pathlib import Path

import pytest

from pam_rollback.actions.feature_flag import UNDO_KIND, undo_flags
from pam_rollback.actions.journal import Journal, Undo
from pam_rollback.actions.lock import sole_writer
from pam_rollback.adapters.pam_api import FlagApi
from pam_rollback.core.environment import Environment
from pam_rollback.core.errors import Refused, UndoFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.plugin.channels import UNDO_KINDS, take_down
from pam_rollback.plugin.runbook import Runbook, shown
from pam_rollback.sandbox.problems import RangeError
from pam_rollback.sandbox.remote import Remote

JOURNAL = "journal.jsonl"
CLEAR_FAULTS = "clear-faults"
"""What is owed for a planted incident."""


def undo_all(journal: Journal, environment: Environment, *, initiated_by: str, kind: str = "") -> int:
    """Put back what the journal still owes (of that kind, or all of it), the latest change first; gives how many changes.

    Raises UndoFailed. Undoing waits with a wait of its own: a request to stop does not cut it short.
    """
    failures: list[str] = []
    owed = [undo for undo in journal.owed() if kind in {"", undo.kind}]
    for undo in owed:
        try:
            _undo(undo, journal, environment, initiated_by)
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
    journal = _journal_of(config, runbook)
    options, environment = runbook.options, runbook.environment
    reasons = _refusals(runbook, journal)
    if reasons:
        raise Refused("\n".join(f"  - {reason}" for reason in reasons))
    if options.dry_run:
        owed = ", ".join(f"{undo.kind} {dict(undo.facts)}" for undo in journal.owed()) or "nothing"
        return f"PLANNED, nothing was sent: undo would put back {owed} of {shown(journal.path)}"
    with sole_writer(lock_file(environment), environment=environment.name, who="the undo"):
        journal.append("undoing", initiated_by=options.initiated_by, reason=options.reason)
        count = undo_all(journal, environment, initiated_by=options.initiated_by or "pam-rollback-suite")
    return f"UNDONE: {count} change{'' if count == 1 else 's'} of {shown(journal.path)}, each read back"


def lock_file(environment: Environment) -> Path:
    """The sandbox's state file serves as its lock, since it ends with the sandbox; others have one on this machine."""
    if environment.is_sandbox:
        return environment.file
    return Path(tempfile.gettempdir()) / f"pam-rollback-{environment.name}.lock"


def _undo(undo: Undo, journal: Journal, environment: Environment, initiated_by: str) -> None:
    if undo.kind == UNDO_KIND:
        admin = FlagApi(environment.url_of("feature_flags"), environment.secret("admin_token"), initiated_by)
        undo_flags(undo, admin, journal, Waiter())
    elif undo.kind == CLEAR_FAULTS and environment.sandbox is not None:
        _clear_faults(Remote(environment.sandbox.control_url, environment.sandbox.token))
        journal.settled(undo)
    elif undo.kind in UNDO_KINDS:
        take_down(undo, environment)
        journal.settled(undo)
    else:
        raise UndoFailed(
            f"{journal.path} owes an undo of the kind {undo.kind!r}, which cannot be done on {environment.name}"
        )


def _clear_faults(practice_range: Remote) -> None:
    try:
        practice_range.clear_all()
    except RangeError as error:
        raise UndoFailed(f"the planted incident is still there: {error}") from error


def _journal_of(config: pytest.Config, runbook: Runbook) -> Journal:
    named = Path(runbook.options.undo)
    folders = [named, config.rootpath / "reports" / "out" / runbook.options.undo]
    path = next((folder / JOURNAL for folder in folders if (folder / JOURNAL).is_file()), None)
    if path is None:
        raise pytest.UsageError(
            f"--undo {runbook.options.undo}: expected a run's id or folder with a {JOURNAL}, "
            f"found none at {' or '.join(map(shown, folders))}"
        )
    return Journal(path)


def _refusals(runbook: Runbook, journal: Journal) -> list[str]:
    options, environment = runbook.options, runbook.environment
    began = next((entry for entry in journal.entries() if entry["event"] in {"action", "planting"}), None)
    found = []
    if began is None:
        found.append(f"{shown(journal.path)} does not say which environment it changed")
    elif runbook.own_sandbox:
        where = f"{began['environment']} at {began['api']}"
        found.append(f"the run changed {where}: name the file of that sandbox with --env, if it still runs")
    elif began["environment"] != environment.name or began["api"] != environment.urls.api:
        found.append(
            f"the run changed {began['environment']} at {began['api']}, "
            f"--env is {environment.name} at {environment.urls.api}; name the same one"
        )
    if not environment.is_sandbox and not runbook.own_sandbox and not options.dry_run:
        if not (options.execute and options.confirm == environment.name):
            found.append(f"undoing changes {environment.name}: it needs --execute --confirm {environment.name}")
        if not (options.reason and options.initiated_by):
            found.append("undoing needs --reason and --initiated-by, for the journal")
    return found
