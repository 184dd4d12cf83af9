"""One writer on this machine: a file per target in a folder that all users share, held by ``flock`` and so given up by a process that dies.

The folder must be the same one for everybody: not the temporary folder, which each user and each session may set differently. Only what is
proven refuses: a file that is held, and says by whom. Whatever cannot be told (no such folder, a file that somebody closed to others,
one that is held and says nothing) is a warning: a stranger's file stops no rollback.

In one module: a file is opened, held, read and given up against the same races of other processes.
"""

import fcntl
import os
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pam_rollback.base.errors import LockLost, Refused
from pam_rollback.rollback.locks import Claim, LockRecord, LockTarget, read_lock_record, refusal, stopped

SHARED_FOLDERS = (Path("/run/lock"), Path("/dev/shm"), Path("/tmp"))  # noqa: S108 - shared on purpose; see _open
"""In this order. ``/run/lock`` is made for it; a log-out empties ``/dev/shm`` on some machines, and macOS has only the last one."""
_FOR_ALL = stat.S_ISVTX | stat.S_IRWXO
_PREFIX, _SUFFIX = "pam-rollback-", ".lock"
_RECORD_BYTES = 4096
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_TRIES = 5
_SAYS_SOON_S = 0.5
"""A holder writes who it is right after it has the file."""
_ABANDONED_AFTER_S = 86_400.0


def shared_folder() -> Path | None:
    """The folder of this machine's locks: the first that every user may write in, and where nobody removes the files of others."""
    for folder in SHARED_FOLDERS:
        with suppress(OSError):
            mode = folder.stat().st_mode
            if stat.S_ISDIR(mode) and mode & _FOR_ALL == _FOR_ALL:
                return folder
    return None


@dataclass
class _File:
    """One target's file. ``descriptor`` is None where we act without holding it; ``written``: it says that it is ours."""

    target: LockTarget
    path: Path
    descriptor: int | None = None
    written: bool = False


@dataclass
class MachineLock:
    """What a session holds on this machine, and what it could not tell (``warnings``)."""

    claim: Claim
    held: LockRecord
    folder: Path | None
    warnings: list[str] = field(default_factory=list)
    place: str = ""
    """This machine, as long as it is up, and the folder; empty where not all files are held, or the machine cannot be told from others."""
    _files: list[_File] = field(default_factory=list)
    _lost: str = ""
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def note(self, step: str) -> None:
        """Say which step begins. Never raises, and never overwrites what another session wrote."""
        with self._mutex:
            self.held = self.held.renewed_at(datetime.now(UTC), step)
            for file in self._files:
                if self._still_ours(file):
                    _write(file, self.held)

    def check(self, what: str) -> None:
        """Raise LockLost when another session of this machine has taken the lock over."""
        with self._mutex:
            ours = [self._still_ours(file) for file in self._files]
            if not all(ours):
                raise LockLost(stopped(self.claim, what, self._lost))

    def _still_ours(self, file: _File) -> bool:
        """Look at the file by its name: one that was removed or replaced is not ours, whoever has it now."""
        if self._lost:
            return False
        found = _holder(file.path)
        if file.descriptor is not None:
            # Where we could not write in it, what it says is of those who were before us.
            lost = not _is_at(file.descriptor, file.path) or (
                file.written and found is not None and not found.is_of(self.held)
            )
        elif file.written:
            lost = found is None or not found.is_of(self.held)
        else:
            lost = found is not None and self._is_news(found)
        if lost:
            by = f"it is held by {found.described(datetime.now(UTC))}" if found is not None else "it was removed"
            self._lost = f"the lock of {self.claim.environment} on this machine is not ours any more: {file.path}, {by}"
            self._warn(self._lost)
        return not lost

    def _is_news(self, found: LockRecord) -> bool:
        """Whether it came after us; not: the one on whose death a person gave their word."""
        named = self.claim.take_over
        return named is None or named.run != found.run

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def release(self) -> None:
        """Give all of it up. A file of our own is removed while it is held, so that nobody can have taken it meanwhile."""
        with self._mutex:
            for file in reversed(self._files):
                self._give_up(file)
            self._files.clear()

    def _give_up(self, file: _File) -> None:
        if file.descriptor is None:
            return
        found = _holder(file.path)
        if (found is None or found.is_of(self.held)) and _is_at(file.descriptor, file.path):
            try:
                file.path.unlink()
            except OSError:
                with suppress(OSError):  # another user's file stays, and says nothing of us any more
                    os.ftruncate(file.descriptor, 0)
        os.close(file.descriptor)


@contextmanager
def machine_lock(claim: Claim, targets: Sequence[LockTarget], folder: Path | None) -> Iterator[MachineLock]:
    """Hold each target's file on this machine, in the order given. Raises Refused when another session is proven to hold one."""
    lock = MachineLock(claim, LockRecord.by(claim, datetime.now(UTC)), folder)
    try:
        if folder is None:
            where = ", ".join(map(str, SHARED_FOLDERS))
            lock.warnings.append(f"no folder that all users of this machine share ({where}): nobody here is kept out")
        else:
            _sweep(folder)
            for target in targets:
                _acquire(lock, target, folder)
            if sum(file.descriptor is not None for file in lock._files) == len(targets):  # noqa: SLF001 - of the same module
                lock.place = _place(folder.stat())
        yield lock
    finally:
        lock.release()


def _acquire(lock: MachineLock, target: LockTarget, folder: Path) -> None:
    file = _File(target, folder / f"{_PREFIX}{target.name}{_SUFFIX}")
    taken = _take(file.path)
    if isinstance(taken, int):
        file.descriptor = taken
        lock._files.append(file)  # noqa: SLF001 - of the same module
        _write(file, lock.held)
        return
    holder = _said(file.path) if taken == _BUSY else None
    named = lock.claim.take_over
    lasting = f"so nobody here is kept from changing the {target.words}"
    if holder is not None and named is not None and named.run == holder.run:
        _write(file, lock.held)
        lock._files.append(file)  # noqa: SLF001 - of the same module
        told = "" if file.written else f"; it could not be told: {file.path} is closed to us"
        lock.warnings.append(
            f"went on although {holder.described(datetime.now(UTC))} holds {file.path}, on the word of {named}{told}"
        )
    elif holder is not None:
        proof = f"it holds {file.path} on this machine"
        raise Refused(refusal(lock.claim, holder, datetime.now(UTC), proof))
    elif taken == _BUSY:
        lock.warnings.append(f"{file.path} is held by somebody who does not say who it is, {lasting}")
    else:
        lock.warnings.append(f"{file.path} cannot be used ({taken}), {lasting}")


_BUSY = "held"


def _take(path: Path) -> int | str:
    """The descriptor of the file, held; ``_BUSY``; or why it cannot be told."""
    for _ in range(_TRIES):
        try:
            descriptor = _open(path)
        except FileNotFoundError:
            continue  # its holder has just removed it
        except OSError as error:
            return error.strerror or str(error)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return _BUSY
        except OSError as error:
            os.close(descriptor)
            return error.strerror or str(error)
        if _is_at(descriptor, path):
            return descriptor
        os.close(descriptor)  # removed between opening and holding it
    return "it keeps being replaced"


def _open(path: Path) -> int:
    """Open the file, made for everybody; one of another user is opened as it allows. Links, pipes and devices are not followed."""
    options = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | options, 0o666)
        os.fchmod(descriptor, 0o666)  # whatever this user's umask is
    except FileExistsError:
        # Without O_CREAT: the kernel refuses that for files of others in such folders (fs.protected_regular).
        try:
            descriptor = os.open(path, os.O_RDWR | options)
        except PermissionError:
            descriptor = os.open(path, os.O_RDONLY | options)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is no file")
    return descriptor


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        named = path.lstat()
    except OSError:
        return False
    own = os.fstat(descriptor)
    return (own.st_dev, own.st_ino) == (named.st_dev, named.st_ino)


def _write(file: _File, held: LockRecord) -> None:
    """Say in the file who holds it, in one write. Where it is closed to us, it goes on saying nothing of us."""
    record = held.text().encode(errors="replace").ljust(_RECORD_BYTES)
    with suppress(OSError):
        descriptor = os.open(file.path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            os.pwrite(descriptor, record, 0)
            file.written = True
        finally:
            os.close(descriptor)


def _holder(path: Path) -> LockRecord | None:
    """Who the file says holds it; None when it says nothing that can be read."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            return read_lock_record(os.pread(descriptor, _RECORD_BYTES * 2, 0).decode(errors="replace").strip(" \0\n"))
        finally:
            os.close(descriptor)
    return None


def _said(path: Path) -> LockRecord | None:
    """The same of a file that is held: its holder may be just about to write."""
    end_s = time.monotonic() + _SAYS_SOON_S
    while True:
        holder = _holder(path)
        if holder is not None or time.monotonic() >= end_s:
            return holder
        time.sleep(_SAYS_SOON_S / 20)


def _place(found: os.stat_result) -> str:
    try:
        boot = _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""
    return f"{boot}/{found.st_dev}:{found.st_ino}"


def _sweep(folder: Path) -> None:
    """Remove the files that this user's killed sessions left a day ago or longer."""
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with suppress(OSError):
            found = path.lstat()
            if found.st_uid != os.getuid() or time.time() - found.st_mtime < _ABANDONED_AFTER_S:
                continue
            taken = _take(path)
            if isinstance(taken, int):
                path.unlink()
                os.close(taken)
