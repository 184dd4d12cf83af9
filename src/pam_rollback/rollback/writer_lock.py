"""Which locks a session takes: those of all that it may change, on this machine, and where there is a repository also on all others.

The others see them as refs, ``refs/locks/<target>``, a blob that says who holds it; one push moves all or none. Git moves a ref only if it
still is where it was seen (``--force-with-lease``), and decides a race for us. Nothing deploys such a ref, and a clone does not fetch it.
Read it with ``git ls-remote ORIGIN 'refs/locks/*'`` and ``git fetch ORIGIN refs/locks/NAME``.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pam_rollback.base.errors import ActionFailed, ProviderError
from pam_rollback.base.wait import Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.plan.stories import STORIES
from pam_rollback.rollback.git import GitRepository, open_repository
from pam_rollback.rollback.git_command import GitCommand
from pam_rollback.rollback.lock import Shared, WriterLock, claim_of, sole_writer
from pam_rollback.rollback.locks import TakeOver, Version, targets_of
from pam_rollback.rollback.machine_lock import shared_folder

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_LOST = "(stale info)"
_LARGEST = 10_000


@dataclass(frozen=True)
class GitLocks:
    """The locks of one repository. Give the command a short deadline: a rollback does not wait for its lock."""

    repository: GitRepository

    def read(self, names: Sequence[str]) -> Mapping[str, tuple[Version, str]]:
        """Version and text of each lock that there is."""
        versions = self._versions(names)
        texts = {version: self._text(name, version) for name, version in versions.items()}
        return {name: (version, texts[version]) for name, version in versions.items()}

    def write(self, names: Sequence[str], text: str, *, seen: Mapping[str, Version]) -> Version | None:
        """Write all of them, only if each still is what was seen; None, and nothing written, when somebody else was faster."""
        command, mirror = self.repository.command, self.repository.mirror
        version = command.done("hash-object", "-w", "--stdin", folder=mirror, operation="write the lock", given=text)
        expected = {name: seen.get(name, "") for name in names}
        return version if self._move(expected, version, "write the lock") else None

    def remove(self, seen: Mapping[str, Version]) -> bool:
        """Take all of them away, only if each still is what was seen; gives whether they were."""
        return self._move(seen, "", "release the lock")

    def _text(self, name: str, version: Version) -> str:
        command, mirror = self.repository.command, self.repository.mirror
        if not command.run("cat-file", "-e", version, folder=mirror).succeeded:
            command.done(
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", command.remote, _ref(name),
                folder=mirror, operation="read the lock",
            )  # fmt: skip
        ended = command.run("cat-file", "blob", version, folder=mirror)
        # Somebody else wrote it meanwhile, or put something else there: the text says nothing, the version still counts.
        return ended.out[:_LARGEST] if ended.succeeded else ""

    def _move(self, seen: Mapping[str, Version], version: Version, operation: str) -> bool:
        command = self.repository.command
        leases = [f"--force-with-lease={_ref(name)}:{before}" for name, before in seen.items()]
        ended = command.run(
            "push", "--porcelain", "--no-verify", "--atomic", *leases, "--", command.remote,
            *(f"{version}:{_ref(name)}" for name in seen),
            folder=self.repository.mirror,
        )  # fmt: skip
        if ended.succeeded:
            return True
        if _LOST in ended.out:
            return False
        # A race that the host decided has many words, and an answer may be lost after the lock was moved: what is there now decides.
        try:
            now = self._versions(tuple(seen))
        except ProviderError:
            raise command.trouble(operation, ended) from None
        if all(now.get(name, "") == version for name in seen):
            return True
        if any(now.get(name, "") != before for name, before in seen.items()):
            return False
        raise command.trouble(operation, ended)

    def _versions(self, names: Sequence[str]) -> dict[str, Version]:
        command, refs = self.repository.command, {_ref(name): name for name in names}
        listed = command.done(
            "ls-remote", "--", command.remote, *refs, folder=self.repository.mirror, operation="read the lock"
        )
        # ls-remote matches the end of a name too.
        lines = [line.partition("\t") for line in listed.splitlines()]
        return {refs[ref]: version for version, _, ref in lines if ref in refs}


def _ref(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ActionFailed(f"git: expected the name of a lock, found {name!r}")
    return f"refs/locks/{name}"


class Reach:
    """One question to the host, under way since this was made."""

    def __init__(self, command: GitCommand) -> None:
        self._where = command.where
        # A daemon: a resolver or a host that hangs must not keep a session from ending.
        self._thread = threading.Thread(
            target=_ask, args=(command,), daemon=True, name="is the repository's host there"
        )
        self._thread.start()

    def problem(self, within_s: float) -> str:
        """Why nobody is to be asked there; empty when somebody answered, whatever was answered."""
        self._thread.join(within_s)
        return f"{self._where} did not answer within {within_s:g} s" if self._thread.is_alive() else ""


def _ask(command: GitCommand) -> None:
    """An answer of any kind is one: what it says is judged by whoever needs it."""
    with TemporaryDirectory(prefix="pam-reach-", ignore_cleanup_errors=True) as folder:
        try:
            command.run("ls-remote", "--quiet", "--", command.remote, "HEAD", folder=Path(folder))
        except (ActionFailed, OSError):
            return


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
