"""Who puts which kind of change back. A strategy that makes a new kind of change adds its line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pam_rollback.actions import feature_flag
from pam_rollback.actions.feature_flag import undo_flags
from pam_rollback.actions.journal import Journal, Undo
from pam_rollback.adapters.pam_api import FlagApi
from pam_rollback.core.environment import Environment
from pam_rollback.core.errors import UndoFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.sandbox.problems import RangeError
from pam_rollback.sandbox.remote import Remote

CLEAR_FAULTS = "clear-faults"
"""What is owed for a planted incident."""


@dataclass(frozen=True)
class UndoTools:
    """What a routine works with. The wait is its own: a request to stop does not cut an undo short."""

    environment: Environment
    journal: Journal
    initiated_by: str
    waiter: Waiter


UndoRoutine = Callable[[Undo, UndoTools], None]
"""Puts one change back and sees that it is back. Raises UndoFailed. Settling it in the journal is left to who called."""


def flag_admin(tools: UndoTools) -> FlagApi:
    """The plan's admin API for feature flags."""
    environment = tools.environment
    return FlagApi(environment.url_of("feature_flags"), environment.secret("admin_token"), tools.initiated_by)


def _flags(undo: Undo, tools: UndoTools) -> None:
    undo_flags(undo, flag_admin(tools), tools.waiter)


def _faults(undo: Undo, tools: UndoTools) -> None:
    controls = tools.environment.sandbox
    if controls is None:
        raise UndoFailed(f"{undo.kind}: {tools.environment.name} is not the sandbox: nothing was planted there")
    try:
        Remote(controls.control_url, controls.token).clear_all()
    except RangeError as error:
        raise UndoFailed(f"the planted incident is still there: {error}") from error


UNDO_KINDS: Mapping[str, UndoRoutine] = {
    feature_flag.UNDO_KIND: _flags,
    CLEAR_FAULTS: _faults,
}
