"""Which locks an environment has: the sandbox one on this machine, others also a ref of their repository."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from pam_rollback.actions.lock import Shared, WriterLock, claim_of, sole_writer
from pam_rollback.adapters.git import open_repository
from pam_rollback.adapters.git_command import GitCommand
from pam_rollback.adapters.git_lock import GitLocks
from pam_rollback.core.environment import Environment
from pam_rollback.core.errors import ActionFailed

DEADLINE_S = 8.0
"""Users wait meanwhile: a lock that is out of reach for longer is gone without."""


@contextmanager
def environment_lock(
    environment: Environment, path: Path, *, run: str, who: str, resumes: str = ""
) -> Iterator[WriterLock]:
    """Hold the environment's lock: raises Refused when another session has it; everything else about it is in ``warnings``.

    ``who`` is the person, ``run`` this session, ``resumes`` the run that is being finished or undone.
    """
    with ExitStack() as stack:
        shared, alone_because = None, ""
        # Where no repository is declared there is nothing to be out of reach: the how-to says whom the lock keeps out then.
        if not environment.is_sandbox and "git" in environment.abilities and environment.git is not None:
            token = environment.secret("git_token") if environment.has_secret("git_token") else ""
            try:
                repository = stack.enter_context(open_repository(GitCommand(environment.git.remote, token, DEADLINE_S)))
                shared = Shared(GitLocks(repository), claim_of(environment.name, who=who, run=run, resumes=resumes))
            except (ActionFailed, OSError) as error:
                alone_because = str(error)
        yield stack.enter_context(
            sole_writer(path, environment=environment.name, who=run, shared=shared, alone_because=alone_because)
        )


def noting(
    lock: WriterLock, narrate: Callable[[str], AbstractContextManager[object]]
) -> Callable[[str], AbstractContextManager[object]]:
    """A narrator that also lets other machines see which step begins."""

    def told(step: str) -> AbstractContextManager[object]:
        lock.note(step)
        return narrate(step)

    return told
