"""The product's repository through the git command line.

What is read is asked of the remote each time; a mirror on this machine holds objects only, which their hashes name, and no branch of it is
ever read or pushed. So a clone that is behind can neither mislead a rollback nor undo a colleague's push.

In one module: what is read and what is pushed rest on one rule: names from the remote, objects from the mirror.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pam_rollback.core.errors import ActionFailed, ProviderError
from pam_rollback.core.wait import before_change
from pam_rollback.http.programs import Ended
from pam_rollback.rollback.git_command import GitCommand
from pam_rollback.rollback.repository import Commit

_PREFIX = "pam-rollback-scratch-"
_ABANDONED_AFTER_S = 3600.0
"""A folder is made before it is held, and what a killed session started may live a little longer than it."""


@contextmanager
def scratch_folder(use: str) -> Iterator[Path]:
    """A fresh folder, held while the block runs and gone afterwards; ``use`` is part of its name."""
    with (
        tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{use}-", ignore_cleanup_errors=True) as folder,
        contextlib.ExitStack() as stack,
    ):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        stack.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield Path(folder)


def sweep_abandoned(*, now_s: float | None = None) -> None:
    """Remove the folders that this user's killed sessions left. What cannot be removed stays: nobody waits for it."""
    now_s = time.time() if now_s is None else now_s
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            _sweep(folder, now_s)


def _sweep(folder: Path, now_s: float) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.getuid() or now_s - found.st_mtime < _ABANDONED_AFTER_S:
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where its session lives
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


_COMMIT = re.compile(r"[0-9a-f]{40}")
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
_SHORT = 12
_SHOWN_FILES = 10
_EXAMINED_WITHIN_S = 10.0
"""A mirror that takes longer to examine is not worth keeping."""
_TAKES_BACK = re.compile(r"^This reverts commit ([0-9a-f]{40})\b", re.MULTILINE)
_REHEARSAL = "refs/heads/pam-rollback-rehearsal"
_REFUSAL = re.compile(r"^!\t(?P<refs>\S+)\t\[(?P<kind>[a-z ]+)\] \((?P<why>.*)\)$", re.MULTILINE)


@dataclass(frozen=True)
class GitRepository:
    """The remote, and the mirror that ``open_repository`` made for it."""

    command: GitCommand
    mirror: Path

    def head(self, branch: str) -> Commit:
        """The newest commit of the remote's branch, asked for now."""
        found = self._head(branch, "read the head")
        if found is None:
            raise self.command.failed("read the head", f"there is no branch {branch}; is [git] branch right?")
        return found

    def where(self, branch: str) -> Commit | None:
        """The newest commit of the remote's branch, asked for now; None when there is no such branch."""
        return self._head(branch, "read the head")

    def holds(self, branch: str, commit: Commit) -> bool:
        """Whether the commit is in the history of the remote's branch."""
        head = self.head(branch)
        self._have(head, commit)
        return self.command.run("merge-base", "--is-ancestor", commit, head, folder=self.mirror).succeeded

    def find(self, name: str) -> Commit | None:
        """The commit that a hash or its beginning, a tag (with or without ``v``) or a branch names; None when none does."""
        if _COMMIT.fullmatch(name):
            self._have(name)
            return name
        self._fetch("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        _checked_branch(name)
        for one in (name, f"refs/tags/v{name}"):
            ended = self.command.run("rev-parse", "--quiet", "--verify", f"{one}^{{commit}}", folder=self.mirror)
            if ended.succeeded:
                return ended.out.strip()
        return None

    def names(self, commit: Commit, folder: str) -> tuple[str, ...]:
        """The files of a folder as of a commit, without those of folders below it; none where there is no such folder."""
        self._have(commit)
        listed = self._done("ls-tree", "--name-only", commit, "--", f"{folder.rstrip('/')}/", operation="list files")
        return tuple(line.rpartition("/")[2] for line in listed.splitlines())

    def text(self, commit: Commit, file: str) -> str | None:
        """What a file says as of a commit; None where there is no such file."""
        self._have(commit)
        ended = self.command.run("cat-file", "blob", f"{commit}:{file}", folder=self.mirror)
        return ended.out if ended.succeeded else None

    @contextmanager
    def worktree(self, commit: Commit) -> Iterator[Path]:
        """A fresh folder with the commit's files and nothing else; gone afterwards."""
        self._have(commit)
        with scratch_folder("tree") as outer:
            folder = outer / "tree"
            self._done("worktree", "add", "--quiet", "--detach", str(folder), commit, operation="check out")
            try:
                yield folder
            finally:
                # Whatever a build left there; the mirror must not keep a name for it either.
                shutil.rmtree(folder, ignore_errors=True)
                with contextlib.suppress(ProviderError):
                    self._done("worktree", "prune", operation="tidy up")

    def revert(self, commit: Commit, *, onto: Commit, reason: str) -> Commit:
        """Make the commit on top of ``onto`` that takes ``commit`` (also a merge) back.

        Gives ``onto`` itself when nothing of the commit is left there to take back. A conflict raises, and leaves nothing behind. Dated as
        ``onto`` is, so that it is the same commit whenever it is made: a run that goes on after a kill finds what it built of it.
        """
        self._have(commit, onto)
        parents = self._parents(commit)
        self._refuse_strangers(commit, onto, is_merge=len(parents) > 1)
        mainline = ("-m", "1") if len(parents) > 1 else ()
        with self.worktree(onto) as folder:
            ended = self.command.run("revert", "--no-commit", "--no-edit", *mainline, commit, folder=folder)
            if not ended.succeeded:
                raise self._revert_trouble(commit, onto, ended, folder)
            if not self.command.done(
                "status", "--porcelain", "--untracked-files=no", folder=folder, operation="revert"
            ):
                return onto
            message = self._revert_message(commit, parents, reason)
            dated = self._done("log", "-1", "--format=%cI", onto, operation="read a commit")
            self.command.done(
                "commit",
                "--quiet",
                "--no-verify",
                "-F",
                "-",
                folder=folder,
                operation="revert",
                given=message,
                dated=dated,
            )
            return self.command.done("rev-parse", "HEAD", folder=folder, operation="revert")

    def taken_back_by(self, commit: Commit) -> Commit | None:
        """The commit that this one takes back, by git's own sentence in its message; None when it is no revert."""
        self._have(commit)
        found = _TAKES_BACK.search(self._done("log", "-1", "--format=%B", commit, operation="read a commit"))
        return found[1] if found else None

    def push(self, commit: Commit, branch: str, *, seen: Commit | None) -> None:
        """Move the remote's branch there, only if it still is where it was seen (None: only if there is no such branch)."""
        self._have(commit)
        ref, operation = f"refs/heads/{_checked_branch(branch)}", f"push to {branch}"
        before_change(operation)
        ended = self._push(f"{commit}:{ref}", f"--force-with-lease={ref}:{_checked(seen) if seen else ''}")
        try:
            now = self._head(branch, operation)
        except ProviderError as error:
            if not ended.succeeded:
                state = f"where {branch} is now could not be asked"
                raise self._push_trouble(
                    operation, ended, f"{branch} is not where it was seen ({_brief(seen)})", state
                ) from error
            raise
        # What counts is where the branch is: a push whose answer was lost has been done, a push that claims more has not.
        if now == commit:
            return
        if ended.succeeded:
            raise self.command.failed(
                operation, f"git says that it is done, but the branch is at {now or 'no commit'}; look who moved it"
            )
        moved = f"{branch} is not where it was seen ({_brief(seen)}) but at {_brief(now)}"
        state = f"{branch} is still at {_brief(now)}" if now == seen else moved
        raise self._push_trouble(operation, ended, moved, state)

    def rehearse_push(self) -> None:
        """Raise ProviderError when the remote would take no push from us, as far as it lets one know: rules of branches speak only then."""
        blob = self.command.done("hash-object", "-w", "--stdin", folder=self.mirror, operation="rehearse a push")
        ended = self._push(f"{blob}:{_REHEARSAL}", "--dry-run")
        if not ended.succeeded:
            raise self.command.trouble("rehearse a push", ended)

    def _push(self, what: str, *options: str) -> Ended:
        return self.command.run(
            "push", "--porcelain", "--no-verify", *options, "--", self.command.remote, what, folder=self.mirror
        )

    def _push_trouble(self, operation: str, ended: Ended, moved: str, state: str) -> ProviderError:
        refused = _REFUSAL.search(ended.out)
        if refused is None:
            return self.command.trouble(operation, ended, state)
        if "stale info" in refused["why"] or state == moved:
            return self.command.failed(
                operation,
                f"refused, since {moved}: somebody pushed meanwhile, and nothing of theirs was touched; look at it, and run this again",
            )
        said = self.command.words(Ended(ended.exit_code, "", ended.err, ended.took_s))
        return self.command.failed(
            operation,
            f"{refused['kind']} ({refused['why']}){f': {said}' if said else ''}; {state}; a protected "
            "branch takes changes by pull request only: name its host in [github], and the revert is brought in by one; "
            "or roll back by the providers instead (docs/runbook.md#backend-rollback)",
        )

    def _head(self, branch: str, operation: str) -> Commit | None:
        ref = f"refs/heads/{_checked_branch(branch)}"
        listed = self._done("ls-remote", "--", self.command.remote, ref, operation=operation)
        # ls-remote matches the end of a name too.
        lines = [line.partition("\t") for line in listed.splitlines()]
        return next((commit for commit, _, name in lines if name == ref), None)

    def file_in(self, commits: Iterable[Commit], path: str) -> dict[Commit, str]:
        """The text of one file as of each commit; a commit that is not there, or has no such file, is left out."""
        wanted = sorted(set(commits))
        lacking = self._lacking(*wanted)
        found = {}
        for commit in wanted:
            if commit not in lacking:
                ended = self.command.run("cat-file", "blob", f"{commit}:{path}", folder=self.mirror)
                if ended.succeeded:
                    found[commit] = ended.out
        return found

    def _have(self, *commits: Commit) -> None:
        """See to it that the mirror has the commits."""
        for commit in self._lacking(*commits):
            raise self.command.failed(
                "fetch",
                f"there is no commit {commit}; a full hash of this repository is expected, from its history or the deploy",
            )

    def _lacking(self, *commits: Commit) -> list[Commit]:
        """Fetch what the mirror has not; gives the commits that are not to be had."""
        if all(self._has(commit) for commit in commits):
            return []
        self._fetch("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        missing = [commit for commit in commits if not self._has(commit)]
        for commit in missing:
            # On no branch any more, as after a forced push; some hosts still give it by its hash.
            with contextlib.suppress(ProviderError):
                self._fetch(commit)
        return [commit for commit in missing if not self._has(commit)]

    def _has(self, commit: Commit) -> bool:
        return self.command.run("cat-file", "-e", f"{_checked(commit)}^{{commit}}", folder=self.mirror).succeeded

    def _fetch(self, *what: str) -> None:
        self._done(
            "fetch",
            "--quiet",
            "--prune",
            "--no-tags",
            "--no-write-fetch-head",
            "--",
            self.command.remote,
            *what,
            operation="fetch",
        )

    def _parents(self, commit: Commit) -> list[Commit]:
        return self._done("rev-list", "--parents", "-n", "1", commit, operation="read a commit").split()[1:]

    def _refuse_strangers(self, commit: Commit, onto: Commit, *, is_merge: bool) -> None:
        """A commit that is not in the history has nothing to take back; a merge is taken back on the line that it was merged into."""
        if not self.command.run("merge-base", "--is-ancestor", commit, onto, folder=self.mirror).succeeded:
            raise self.command.failed(
                "revert", f"{_brief(commit)} is not in the history of {_brief(onto)}, so there is nothing to take back"
            )
        line = self._done("rev-list", "--first-parent", onto, operation="read the history").split()
        if is_merge and commit not in line:
            carriers = self._done(
                "rev-list",
                "--ancestry-path",
                "--merges",
                "--reverse",
                f"{commit}..{onto}",
                operation="read the history",
            )
            carrier = next((merge for merge in carriers.split() if merge in line), None)
            raise self.command.failed(
                "revert",
                f"{_brief(commit)} is a merge within a branch: taking it back would take the main line's own changes back; "
                f"revert the merge that brought it in{f', {carrier}' if carrier else ''}",
            )

    def _revert_message(self, commit: Commit, parents: list[Commit], reason: str) -> str:
        subject = self._done("log", "-1", "--format=%s", commit, operation="read a commit")
        merged = f", reversing changes made to {parents[0]}" if len(parents) > 1 else ""
        later = (
            "\n\nBefore that branch is merged again, revert this commit: git would leave its changes out."
            if merged
            else ""
        )
        why = f"\n\nWhy: {self.command.clean(reason)}" if reason else ""
        return f'Revert "{subject}"\n\nThis reverts commit {commit}{merged}.{why}{later}\n'

    def _revert_trouble(self, commit: Commit, onto: Commit, ended: Ended, folder: Path) -> ProviderError:
        listed = self.command.run("diff", "--name-only", "--diff-filter=U", folder=folder)
        files = listed.out.split("\n")[:-1]
        if not files:
            return self.command.trouble("revert", ended)
        more = f" and {len(files) - _SHOWN_FILES} more" if len(files) > _SHOWN_FILES else ""
        return self.command.failed(
            "revert",
            f"{_brief(commit)} cannot be taken back on {_brief(onto)}, since later changes touch the same lines of "
            f"{', '.join(files[:_SHOWN_FILES])}{more}; nothing was changed; roll back by the providers "
            "(docs/runbook.md#backend-rollback), or have somebody who knows the code resolve it",
        )

    def _done(self, *arguments: str, operation: str) -> str:
        return self.command.done(*arguments, folder=self.mirror, operation=operation)


@contextmanager
def open_repository(command: GitCommand, *, cache: Path | None = None) -> Iterator[GitRepository]:
    """The remote with a mirror: the one in the folder ``cache``, kept for next time, or a fresh one that is gone afterwards.

    A mirror that another session uses, or that is damaged, is left alone or thrown away: it never keeps a rollback from happening.
    """
    with contextlib.ExitStack() as stack:
        stack.callback(sweep_abandoned)  # last: a rollback does not wait for what an earlier one left
        kept = stack.enter_context(_kept_mirror(command, cache)) if cache is not None else None
        if kept is None:
            kept = stack.enter_context(scratch_folder("git")) / "mirror"
            _initialise(command, kept)
        yield GitRepository(command, kept)


@contextmanager
def _kept_mirror(command: GitCommand, cache: Path) -> Iterator[Path | None]:
    """The mirror in the cache; None when another session has it."""
    place = cache / hashlib.sha256(command.remote.encode()).hexdigest()[:16]
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(place.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        if not _is_sound(command, place):
            shutil.rmtree(place, ignore_errors=True)
            _initialise(command, place)
        yield place
    finally:
        os.close(descriptor)


def _is_sound(command: GitCommand, mirror: Path) -> bool:
    """Nothing of it is in use, so a lock file there is what a killed session left; and all its objects are connected."""
    if not (mirror / "HEAD").is_file() or any(mirror.rglob("*.lock")):
        return False
    return command.run(
        "fsck",
        "--connectivity-only",
        "--no-dangling",
        "--no-progress",
        folder=mirror,
        deadline_s=_EXAMINED_WITHIN_S,
    ).succeeded


def _initialise(command: GitCommand, mirror: Path) -> None:
    mirror.mkdir(mode=0o700, parents=True)
    command.done(
        "init", "--quiet", "--bare", "--template=", "--initial-branch=none", folder=mirror, operation="make a mirror"
    )


def _checked(commit: Commit) -> Commit:
    if not _COMMIT.fullmatch(commit):
        raise ActionFailed(f"git: expected a commit's full hash (40 hexadecimal digits), found {commit!r}")
    return commit


def _checked_branch(branch: str) -> str:
    if not _BRANCH.fullmatch(branch) or ".." in branch or "//" in branch or branch.endswith((".lock", "/", ".")):
        raise ActionFailed(f"git: expected the name of a branch, found {branch!r}; see [git] branch")
    return branch


def _brief(commit: Commit | None) -> str:
    return commit[:_SHORT] if commit else "no commit"
