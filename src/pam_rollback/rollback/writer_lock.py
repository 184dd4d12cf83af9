"""Which locks a session takes: those of all that it may change, on this machine, and where there is a repository also on all others."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from pam_rollback.base.errors import ActionFailed
from pam_rollback.base.wait import Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.plan.stories import STORIES
from pam_rollback.rollback.git import open_repository
from pam_rollback.rollback.git_command import GitCommand
from pam_rollback.rollback.git_lock import GitLocks
from pam_rollback.rollback.git_reach import Reach
from pam_rollback.rollback.lock import Shared, WriterLock, claim_of, sole_writer
from pam_rollback.rollback.lock_targets import targets_of
from pam_rollback.rollback.locks import TakeOver
from pam_rollback.rollback.machine_lock import shared_folder

DEADLINE_S = 8.0
"""Of each call to a host that answers."""
REACHED_WITHIN_S = 3.0
"""Users wait meanwhile: the locks of a host that has not answered by then, whatever it was asked, are gone without."""
_ASKED: dict[str, Reach] = {}
"""By repository, what was asked early and nobody has looked at yet."""


@contextmanager
def environment_lock(
    environment: Environment,
    *,
    run: str,
    who: str,
    pushes: bool,
    take_over: str = "",
    undoes: str = "",
    say: Callable[[str], None] = lambda _line: None,
    waiter: Waiter | None = None,
    folder: Path | None = None,
) -> Iterator[WriterLock]:
    """Hold the locks of what may be changed: raises Refused when another session has one; everything else is in ``warnings``.

    ``who`` is the person, ``run`` this session; ``pushes`` says that branches may be moved; ``take_over`` and ``undoes`` are
    ``--take-over`` and ``--undo``; ``say`` tells that somebody's lock is watched; ``folder`` is where this machine's locks are, else the
    one that all its users share.
    """
    waiter = waiter or Waiter()
    with ExitStack() as stack:
        shared, alone_because = None, ""
        # Where no repository is declared there is nothing to be out of reach: the how-to says whom the lock keeps out then.
        try:
            command = _command(environment)
        except ActionFailed as error:
            command, alone_because = None, str(error)
        if command is not None:
            alone_because = (_ASKED.pop(command.remote, None) or Reach(command)).problem(REACHED_WITHIN_S)
        if command is not None and not alone_because:
            try:
                repository = stack.enter_context(open_repository(command))
                shared = Shared(GitLocks(repository), clock=waiter.clock, pause=waiter.pause, say=say)
            except (ActionFailed, OSError) as error:
                alone_because = str(error)
        claim = claim_of(
            environment.name,
            who=who,
            run=run,
            take_over=TakeOver.of(take_over) if take_over else None,
            undoes=undoes,
        )
        yield stack.enter_context(
            sole_writer(
                claim,
                targets_of(environment, pushes=pushes),
                folder=folder or shared_folder(),
                shared=shared,
                alone_because=alone_because,
            )
        )


def ask_early(environment: Environment) -> None:
    """Ask the repository's host beside everything else that a session does before it acts, where there is somebody to ask."""
    with suppress(ActionFailed):  # whoever takes the lock says why
        command = _command(environment)
        if command is not None:
            _ASKED[command.remote] = Reach(command)


def _command(environment: Environment) -> GitCommand | None:
    if environment.is_sandbox or "git" not in environment.abilities or environment.git is None:
        return None
    token = environment.secret("git_token") if environment.has_secret("git_token") else ""
    return GitCommand(environment.git.remote, token, DEADLINE_S)


def may_push(stories: Iterable[str]) -> bool:
    """Whether one of these actions moves branches; one that this version does not know may."""
    return any(story not in STORIES or "git" in STORIES[story].abilities for story in stories)


def noting(
    lock: WriterLock, narrate: Callable[[str], AbstractContextManager[object]]
) -> Callable[[str], AbstractContextManager[object]]:
    """A narrator that also lets other sessions see which step begins."""

    def told(step: str) -> AbstractContextManager[object]:
        lock.note(step)
        return narrate(step)

    return told
