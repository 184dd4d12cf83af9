"""Puts back what a journal owes, by the kinds of change that are known."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from pam_rollback.core.errors import ActionFailed, UndoFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.rollback.journal import Journal, Undo
from pam_rollback.target.environment import Environment


@dataclass(frozen=True)
class UndoTools:
    """What a routine works with. The wait is its own: a request to stop does not cut an undo short."""

    environment: Environment
    journal: Journal
    initiated_by: str
    waiter: Waiter


UndoRoutine = Callable[[Undo, UndoTools], None]
"""Puts one change back and sees that it is back. Raises UndoFailed. Settling it in the journal is left to who called."""


@dataclass(frozen=True)
class UndoKind:
    """Changes of one kind: how each is put back."""

    put_back: UndoRoutine
    by_action: bool = True
    """False for what is changed beside an action, and put back by whoever did that: a planted incident, what customers read."""


UndoKinds = Mapping[str, UndoKind]
"""By the kind's name in the journal."""


def put_back(what: str, person: str, *parts: Callable[[], object]) -> None:
    """Carry the parts out; one that fails keeps no other from being put back. Raises UndoFailed with what a person must do."""
    problems: list[str] = []
    for part in parts:
        try:
            part()
        except ActionFailed as error:
            problems.append(str(error))
    if problems:
        raise UndoFailed(f"{what}: {'; '.join(problems)}; {person}")


def beside_actions(kinds: UndoKinds) -> set[str]:
    """Those that are no part of what an action changed."""
    return {name for name, kind in kinds.items() if not kind.by_action}


def owed_here(journal: Journal, environment: Environment) -> list[Undo]:
    """What the journal owes to this environment, the latest change first."""
    return [undo for undo in journal.owed() if undo.is_owed_at(environment.urls.api)]


def undo_all(
    journal: Journal,
    environment: Environment,
    kinds: UndoKinds,
    *,
    initiated_by: str,
    left_to_others: Collection[str] = (),
) -> int:
    """Put back what the journal still owes to this environment, the latest change first; gives how many changes.

    Kinds that are ``left_to_others`` are put back by whoever made them. What fails is tried once more after the others.
    Raises UndoFailed with all that could not be put back.
    """
    owed = [undo for undo in owed_here(journal, environment) if undo.kind not in left_to_others]
    waiter = Waiter()

    def failed(undos: Sequence[Undo]) -> list[tuple[Undo, str]]:
        """Those of them that could not be put back, and why: one must not keep the others from being put back."""
        found = []
        for undo in undos:
            try:
                _undo(undo, kinds, UndoTools(environment, journal.of_undo(undo), initiated_by, waiter))
            except UndoFailed as error:
                found.append((undo, str(error)))
        return found

    problems = failed(owed)
    left = [undo for undo, _ in problems]
    back = [undo for undo in owed if undo not in left]
    # What they needed (a release that obeys its admin, say) may be back only now. Not where an older change of the same kind was
    # put back since: that state would be lost.
    again = [
        one
        for one in left
        if back and not any(one.kind == later.kind for later in back if owed.index(later) > owed.index(one))
    ]
    if again:
        problems = [(undo, why) for undo, why in problems if undo not in again] + failed(again)
    if problems:
        raise UndoFailed("; ".join(why for _, why in problems))
    return len(owed)


def _undo(undo: Undo, kinds: UndoKinds, tools: UndoTools) -> None:
    kind = kinds.get(undo.kind)
    where = f"{tools.journal.path} owes an undo of the kind {undo.kind!r}"
    if kind is None:
        raise UndoFailed(f"{where}, which this version does not know: a person must put back {dict(undo.facts)}")
    try:
        kind.put_back(undo, tools)
    except UndoFailed:
        raise
    except Exception as error:
        # Whatever keeps one change from being put back must not keep the others, and is never taken for done.
        raise UndoFailed(f"{where}, and it cannot be done on {tools.environment.name}: {error!r}") from error
    tools.journal.settled(undo)
