"""One writer at a time for each thing that is changed: a file that the kernel holds on this machine, and a git ref that others see.

Each target (``lock_targets.py``) has both. Before each change both are asked whether they still hold this session. Gone or another's is
lost, at once and for good (``LockLost``). Nothing is renewed, and nothing waits: a session that meets a lock is refused with its holder,
and with the command that goes on when that one is known to be dead or hung. What proves nothing (a host out of reach, a foreign file) is
a warning: it stops no rollback.

The refs are ``refs/locks/<target>``, a blob that says who holds it. One push moves all or none, and only those that still are where they
were seen. Read them with ``git ls-remote ORIGIN 'refs/locks/*'`` and ``git fetch ORIGIN refs/locks/NAME``.
"""

import fcntl
import json
import os
import secrets
import socket
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pam_rollback.core.errors import ActionFailed, LockLost, Refused
from pam_rollback.core.figures import duration
from pam_rollback.core.outside_text import cut
from pam_rollback.core.wait import Waiter, gated_by
from pam_rollback.rollback.git import open_repository
from pam_rollback.rollback.git_command import GitCommand
from pam_rollback.rollback.lock_targets import targets_of
from pam_rollback.rollback.provider_access import git_command
from pam_rollback.target.environment import Environment

SHARED_FOLDERS = (Path("/run/lock"), Path("/dev/shm"), Path("/tmp"))  # noqa: S108 - shared on purpose; see _open
"""In this order. ``/run/lock`` is made for it; a log-out empties ``/dev/shm`` on some machines, and macOS has only the last one."""
_FOR_ALL = stat.S_ISVTX | stat.S_IRWXO
_TRIES = 5
_SOON_S = 0.02
_SAYS_WITHIN = 25
"""So many times that: a holder writes who it is right after it has the file."""
_NAME_MAX = 200
_RECORD_BYTES = 4096
_LARGEST = 10_000
DEADLINE_S = 8.0
"""Of each call to a host that answers."""
ASKED_WITHIN_S = 5.0
"""Users wait meanwhile: a host that does not say by then whose the locks are stops nobody."""
SURE_FOR_S = 2.0
"""So long the refs are not asked again: files are uploaded by the hundred. Whoever takes one over waits for as long before the first
change, so that nothing of the former holder is still under way by right."""
_NOT_ASKED_FOR_S = 15.0
"""A host that did not answer is not asked before each of many requests."""


@dataclass(frozen=True)
class Holder:
    """What a lock says of the session that has it."""

    run: str
    who: str
    host: str
    since: datetime
    token: str = ""
    """Of this session alone: two sessions of one run (a resumed one) have two."""
    pid: int = 0
    """Of the process with whose end the kernel frees its file; 0 where it does not hold the file that says this."""

    def text(self) -> str:
        """As it is written down."""
        return json.dumps({**vars(self), "since": self.since.isoformat()}, ensure_ascii=False, indent=1) + "\n"

    def __str__(self) -> str:
        by, process = f" of {self.who}" if self.who else "", f" (process {self.pid})" if self.pid else ""
        age = duration(max(0.0, (datetime.now(UTC) - self.since).total_seconds()))  # its clock may be ahead
        return f"run {self.run}{by} on {self.host}{process}, since {self.since:%Y-%m-%d %H:%M:%S} UTC ({age} ago)"


def read_holder(text: str) -> Holder | None:
    """What is written down; None when it is not ours to understand. What another edition adds is passed over."""
    try:
        facts: dict[str, Any] = json.loads(text)
        since = datetime.fromisoformat(facts["since"]).astimezone(UTC)
        run, who, host = (str(facts[name]) for name in ("run", "who", "host"))
        return Holder(run, who, host, since, str(facts.get("token", "")), int(facts.get("pid", 0)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None


def shared_folder() -> Path | None:
    """The folder of this machine's locks: the first that every user may write in, and where nobody removes the files of others.

    Not the temporary folder, which each user and each session may set differently.
    """
    for folder in SHARED_FOLDERS:
        with suppress(OSError):
            mode = folder.stat().st_mode
            if stat.S_ISDIR(mode) and mode & _FOR_ALL == _FOR_ALL:
                return folder
    return None


@dataclass
class LockFile:
    """One target's file on this machine, open. ``held``: the kernel keeps others from holding it as long as our process lives."""

    path: Path
    descriptor: int
    held: bool = False

    @classmethod
    def at(cls, path: Path) -> "LockFile":
        """Open the file, and hold it unless somebody does. Raises OSError when it cannot be used."""
        problem = OSError(0, "it keeps being replaced")
        for _ in range(_TRIES):
            try:
                file = cls(path, _open(path))
            except (FileNotFoundError, PermissionError) as error:
                problem = error  # its holder has just removed it, or not yet opened it for everybody
                time.sleep(_SOON_S)
                continue
            try:
                fcntl.flock(file.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                file.held = True
            except BlockingIOError:
                return file
            if file.is_in_place():
                return file
            os.close(file.descriptor)  # removed between opening and holding it
        raise problem

    def is_in_place(self) -> bool:
        """Whether its name still leads to it."""
        try:
            named = self.path.lstat()
        except OSError:
            return False
        own = os.fstat(self.descriptor)
        return (own.st_dev, own.st_ino) == (named.st_dev, named.st_ino)

    def holder(self) -> Holder | None:
        """Who it says has it; None when it says nothing that can be read."""
        return read_holder(os.pread(self.descriptor, _LARGEST, 0).decode(errors="replace").strip(" \0\n"))

    def write(self, holder: Holder) -> None:
        """Say in one write who has it."""
        os.pwrite(self.descriptor, holder.text().encode(errors="replace").ljust(_RECORD_BYTES), 0)

    def is_of(self, token: str) -> bool:
        """Whether it still is this session's: one that was removed or replaced is not, whoever has it now."""
        found = self.holder()
        return self.is_in_place() and found is not None and found.token == token

    def give_up(self, token: str, *, keep: bool) -> None:
        """Let it go. A file of our own is removed while it is held, so that nobody can have taken it meanwhile; or is kept as it is."""
        if self.held and not keep and self.is_of(token):
            try:
                self.path.unlink()
            except OSError:
                os.ftruncate(self.descriptor, 0)  # another user's file stays, and says nothing of us any more
        os.close(self.descriptor)


def _open(path: Path) -> int:
    """Open the file, made for everybody. Links, pipes and devices are not followed."""
    options = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, options | os.O_CREAT | os.O_EXCL, 0o666)
        os.fchmod(descriptor, 0o666)  # whatever this user's umask is
    except FileExistsError:
        # Without O_CREAT: the kernel refuses that for files of others in such folders (fs.protected_regular).
        descriptor = os.open(path, options)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is no file")
    return descriptor


@dataclass(frozen=True)
class LockRefs:
    """The locks of one repository, by their targets' names. Each call raises ActionFailed when it is out of reach."""

    command: GitCommand
    mirror: Path
    """A bare repository of this session alone."""
    names: tuple[str, ...]

    def versions(self, within_s: float | None = None) -> dict[str, str]:
        """Those that there are now, by their texts' hashes."""
        refs = {f"refs/locks/{name}": name for name in self.names}
        within_s = within_s or ASKED_WITHIN_S
        listed = self.command.run(
            "ls-remote", "--", self.command.remote, *refs, folder=self.mirror, deadline_s=within_s
        )
        if not listed.succeeded:
            raise self.command.trouble("read the lock", listed)
        # ls-remote matches the end of a name too.
        lines = [line.partition("\t") for line in listed.out.splitlines()]
        return {refs[ref]: version for version, _, ref in lines if ref in refs}

    def text(self, name: str, version: str) -> str:
        """What it says; empty when it is no text, or was written anew meanwhile: its version still counts."""
        if not self.command.run("cat-file", "-e", version, folder=self.mirror).succeeded:
            self.command.done(
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", self.command.remote, f"refs/locks/{name}",
                folder=self.mirror, operation="read the lock",
            )  # fmt: skip
        ended = self.command.run("cat-file", "blob", version, folder=self.mirror)
        return ended.out[:_LARGEST] if ended.succeeded else ""

    def put(self, text: str, seen: Mapping[str, str]) -> str:
        """Have all of them say this; gives the version, or nothing when one is not any more what was seen."""
        version = self.command.done(
            "hash-object", "-w", "--stdin", folder=self.mirror, operation="write the lock", given=text
        )
        return version if self.move({name: seen.get(name, "") for name in self.names}, version) else ""

    def move(self, seen: Mapping[str, str], version: str) -> bool:
        """Have them all say this (nothing: be gone), only if each still is what was seen (nothing: is not there); else False."""
        leases = [f"--force-with-lease=refs/locks/{name}:{before}" for name, before in seen.items()]
        ended = self.command.run(
            "push", "--porcelain", "--no-verify", "--atomic", *leases, "--", self.command.remote,
            *(f"{version}:refs/locks/{name}" for name in seen),
            folder=self.mirror,
        )  # fmt: skip
        if ended.succeeded:
            return True
        if "(stale info)" in ended.out:
            return False
        # A race that the host decided has many words, and an answer may be lost after the lock was moved: what is there now decides.
        now = self.versions(DEADLINE_S)
        if all(now.get(name, "") == version for name in seen):
            return True
        if any(now.get(name, "") != before for name, before in seen.items()):
            return False
        raise self.command.trouble("write the lock", ended)


def seconds_since_boot() -> float:
    """Monotonic seconds that also pass while the machine sleeps, where it tells them: a lock may be lost meanwhile."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass
class WriterLock:
    """The locks of one session. ``warnings`` grows when something about them must be said, for the report and the verdict."""

    environment: str
    holder: Holder
    take_over: str = ""
    """A person's word that the session of a run is not working any more: ``RUN=who: evidence``."""
    undoes: str = ""
    """The run that this session puts back, as it was named; empty where it acts itself."""
    warnings: list[str] = field(default_factory=list)
    _files: list[LockFile] = field(default_factory=list)
    _gone: set[str] = field(default_factory=set)
    """Tokens of sessions that held a file which is ours now: the kernel gives a file up when its process ends."""
    _refs: LockRefs | None = None
    _version: str = ""
    _not_before_s: float = 0.0
    _lost: str = ""
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def check(self, what: str) -> None:
        """Raise LockLost when a lock is not ours any more; asked right before each request that changes something."""
        with self._mutex:
            if not self._lost:
                self._lose(self._taken_here() or self._taken_elsewhere(what))
            if self._lost:
                rest = f"the rest is put back with --undo {self.undoes}"
                if not self.undoes:
                    run = self.holder.run
                    rest = f"what is left to do is finished with --resume {run}, or put back with --undo {run}"
                raise LockLost(
                    f"stopped before {what}, which was not sent: {self._lost}. Find out who is acting; {rest}, once they are done"
                )

    def take_here(self, targets: Mapping[str, str], folder: Path | None) -> None:
        """Hold each target's file. Raises Refused when another session is proven to hold one."""
        if folder is None:
            where = ", ".join(map(str, SHARED_FOLDERS))
            self._warn(f"no folder that all users of this machine share ({where}): nobody here is kept out")
            return
        for name, words in targets.items():
            path = folder / f"pam-rollback-{name}.lock"
            try:
                self._take_file(LockFile.at(path))
            except OSError as error:
                self._warn(
                    f"{path} cannot be used ({error.strerror}), so nobody here is kept from changing the {words}"
                )

    def _take_file(self, file: LockFile) -> None:
        found, waited = file.holder(), 0
        while found is None and not file.held and waited < _SAYS_WITHIN:
            time.sleep(_SOON_S)
            found, waited = file.holder(), waited + 1
        if file.held:
            self._gone |= {found.token} if found is not None and found.pid else set()
        elif found is not None:
            self._over(found, f"it holds {file.path} on this machine")
        else:
            os.close(file.descriptor)
            raise OSError(0, "somebody holds it who does not say who it is")
        file.write(self.holder if file.held else replace(self.holder, pid=0))
        self._files.append(file)

    def take_elsewhere(self, refs: LockRefs) -> None:
        """Hold all of the refs, or none. Raises Refused when another session has one, and ActionFailed when they are out of reach."""
        warned = len(self.warnings)
        for _ in range(_TRIES):
            asked_s, found = seconds_since_boot(), refs.versions()
            for there, name in {there: name for name, there in found.items()}.items():
                text = refs.text(name, there)
                held = read_holder(text)
                if held is None:
                    self._warn(
                        f"the lock of {self.environment} could not be read ({cut(text, 80)!r}), so it was taken over"
                    )
                elif held.token in self._gone:
                    self._warn(f"the lock of {self.environment} was taken over from {held}: that session has ended")
                else:
                    self._over(held, "its lock is in the repository until it ends; it may have been killed")
            version = refs.put(self.holder.text(), found)
            if version:
                self._refs, self._version, self._not_before_s = refs, version, asked_s + SURE_FOR_S
                if len(self.warnings) > warned:
                    Waiter().pause(SURE_FOR_S)
                return
        raise Refused(
            f"other sessions are taking the lock of {self.environment} right now; look who acts, before {self.holder.run} does"
        )

    def give_up(self) -> None:
        """Release what is ours, and leave what another has."""
        with self._mutex:
            released, refs = True, self._refs
            try:
                found = refs.versions(DEADLINE_S) if refs is not None else {}
                ours = {name: version for name, version in found.items() if version == self._version}
                if refs is not None:
                    self._lose(self._whose(refs, found))
                    released = not ours or refs.move(ours, "")
            except (ActionFailed, OSError) as error:
                released = False
                self._warn(
                    "the lock was not released, so other machines meet it until somebody takes it over with "
                    f'--take-over {self.holder.run}="who: how you know": {error}'
                )
            for file in self._files:
                # Left as it is, it tells the next session of this machine that we are gone.
                file.give_up(self.holder.token, keep=not released)

    def _taken_here(self) -> str:
        for file in self._files:
            if not file.is_of(self.holder.token):
                now = f"it is held by {file.holder()}" if file.is_in_place() else "it was removed or replaced"
                return f"{file.path}: {now}"
        return ""

    def _taken_elsewhere(self, what: str) -> str:
        asked_s = seconds_since_boot()
        if self._refs is None or asked_s < self._not_before_s:
            return ""
        try:
            found = self._refs.versions()
        except (ActionFailed, OSError) as error:
            self._not_before_s = seconds_since_boot() + _NOT_ASKED_FOR_S
            self._warn(f"whether the lock of {self.environment} was still ours before {what} is not known: {error}")
            return ""
        self._not_before_s = asked_s + SURE_FOR_S
        return self._whose(self._refs, found)

    def _whose(self, refs: LockRefs, found: Mapping[str, str]) -> str:
        for name in refs.names:
            if name not in found:
                return "it is not there: somebody took or removed it"
            if found[name] != self._version:
                held = None
                with suppress(ActionFailed, OSError):
                    held = read_holder(refs.text(name, found[name]))
                return f"it was taken by {held or 'somebody whose record cannot be read'}"
        return ""

    def _over(self, held: Holder, proof: str) -> None:
        """Go on over another session's lock on a person's word about that run, else raise Refused."""
        if held.token and held.token == self.holder.token:
            return  # written by us, and the answer was lost
        run, _, word = self.take_over.partition("=")
        if run.strip() != held.run:
            raise Refused(
                f"another session is changing {self.environment}: {held}; {proof}; wait for it, or stop it, before {self.holder.run} acts; "
                f'if it is known to be dead or hung: --take-over {held.run}="who: how you know"'
            )
        self._warn(f"the lock of {self.environment} was taken over from {held}, on the word of {word.strip()}: {proof}")

    def _lose(self, why: str) -> None:
        if why and not self._lost:
            self._lost = f"the lock of {self.environment} is not ours any more, {why}"
            self._warn(self._lost)

    def _warn(self, text: str) -> None:
        # Once each: a host that stays away would fill the report.
        if text not in self.warnings:
            self.warnings.append(text)


@contextmanager
def environment_lock(
    environment: Environment,
    *,
    run: str,
    who: str,
    pushes: bool,
    take_over: str = "",
    undoes: str = "",
    folder: Path | None = None,
) -> Iterator[WriterLock]:
    """Hold the locks of what may be changed: raises Refused when another session has one; everything else is in ``warnings``.

    ``who`` is the person, ``run`` this session; ``pushes`` says that branches may be moved; ``take_over`` and ``undoes`` are
    ``--take-over`` and ``--undo``; ``folder`` is where this machine's locks are, else the one that all its users share.
    """
    holder = Holder(
        run, cut(who, _NAME_MAX, sign=""), socket.gethostname(), datetime.now(UTC), secrets.token_hex(8), os.getpid()
    )
    lock, targets = WriterLock(environment.name, holder, take_over, undoes), targets_of(environment, pushes=pushes)
    with ExitStack() as mirrors, ExitStack() as held:
        held.callback(lock.give_up)
        lock.take_here(targets, folder or shared_folder())
        # Where no repository is declared there is nothing to be out of reach: the how-to says whom the lock keeps out then.
        if not environment.is_sandbox and "git" in environment.abilities and environment.git is not None:
            try:
                command = git_command(environment, DEADLINE_S)
                mirror = mirrors.enter_context(open_repository(command)).mirror
                lock.take_elsewhere(LockRefs(command, mirror, tuple(targets)))
            except (ActionFailed, OSError) as error:
                lock.warnings.append(
                    f"no lock that other machines see, so nobody else is kept from changing {environment.name}: {error}"
                )
        held.enter_context(gated_by(lock.check))
        yield lock
