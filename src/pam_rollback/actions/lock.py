"""One environment has one writer at a time: a lock on this machine that ends with its process, and one that other machines see.

The first is the kernel's and always there. The second can be out of reach, as the network can be the incident: then a rollback goes on, and
whoever holds the lock has it in ``warnings``, for the report and the verdict.
"""

import fcntl
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from pam_rollback.core.clock import Clock, SystemClock
from pam_rollback.core.errors import ActionFailed, Refused
from pam_rollback.core.locks import RENEWED_EVERY_S, TTL_S, Claim, Held, SharedLocks, Version, may_take, read_held

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_TAKEN_MEANWHILE = 3
"""So many times another session may be faster before we leave it to them."""
_LAST_RENEWAL_WITHIN_S = 30.0


@dataclass
class WriterLock:
    """The lock while it is held. ``warnings`` grows when something about it must be said; nothing here ever raises or waits."""

    warnings: list[str] = field(default_factory=list)
    _told: threading.Event = field(default_factory=threading.Event)
    _last_step: str = ""

    def note(self, step: str) -> None:
        """Say which step begins, for whoever looks at the lock from elsewhere; sent in the background."""
        self._last_step = step
        self._told.set()


@dataclass(frozen=True)
class Shared:
    """The lock that other machines see: where it is, who claims it, and how often its holder gives a sign of life."""

    locks: SharedLocks
    claim: Claim
    ttl_s: float = TTL_S
    renewed_every_s: float = RENEWED_EVERY_S
    clock: Clock = field(default_factory=SystemClock)


@contextmanager
def sole_writer(
    path: Path, *, environment: str, who: str, shared: Shared | None = None, alone_because: str = ""
) -> Iterator[WriterLock]:
    """Hold the environment's lock; raises Refused when another session, here or on another machine, has it.

    Without ``shared`` only sessions of this machine are kept out; ``alone_because`` says why, where that deserves a warning. The kernel
    releases the lock when the process dies, so a killed session never leaves one behind on this machine; elsewhere it runs out.
    """
    lock = WriterLock()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                f"another session is changing {environment} right now (lock {path}); wait for it, or stop it, before {who} acts"
            ) from None
        if shared is None:
            if alone_because:
                lock.warnings.append(
                    f"{alone_because}: only sessions of this machine are kept from changing {environment}"
                )
            yield lock
            return
        status = os.fstat(descriptor)
        here = replace(shared, claim=replace(shared.claim, place=_place(status.st_dev, status.st_ino)))
        with _seen_elsewhere(here, lock):
            yield lock
    finally:
        os.close(descriptor)


@contextmanager
def _seen_elsewhere(shared: Shared, lock: WriterLock) -> Iterator[None]:
    try:
        holding = _take(shared, lock)
    except (ActionFailed, OSError) as error:
        lock.warnings.append(
            f"no lock that other machines see, so nobody else is kept from changing {shared.claim.environment}: {error}"
        )
        yield
        return
    renewal = _Renewal(shared, lock, holding)
    renewal.start()
    try:
        yield
    finally:
        renewal.end()


@dataclass
class _Holding:
    """What we wrote last; ``version`` is None when the lock is not ours any more."""

    held: Held
    version: Version | None


def _take(shared: Shared, lock: WriterLock) -> _Holding:
    """Take the lock, raise Refused, or raise ActionFailed when it is out of reach."""
    claim, locks = shared.claim, shared.locks
    for _ in range(_TAKEN_MEANWHILE):
        found = locks.read(claim.environment)
        now = shared.clock.wall()
        taking = may_take(claim, found[1], now) if found is not None else None
        if taking is not None and taking.refused:
            raise Refused(taking.refused)
        held = Held.by(claim, now, shared.ttl_s)
        version = locks.write(claim.environment, held.text(), seen=found[0] if found else None)
        if version is not None:
            if taking is not None:
                lock.warnings.append(taking.warning)
            return _Holding(held, version)
    raise Refused(
        f"other sessions are taking the lock of {claim.environment} right now; look who acts, before {claim.run} does"
    )


class _Renewal:
    """Gives signs of life beside the steps, so that none of them waits for it, and releases the lock at the end if it still is ours."""

    def __init__(self, shared: Shared, lock: WriterLock, holding: _Holding) -> None:
        self._shared = shared
        self._lock = lock
        self._holding = holding
        self._ended = False
        # A daemon: a host that hangs must not keep a session from ending.
        self._thread = threading.Thread(target=self._work, daemon=True, name="renewal of the lock")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Release the lock and stop; waits for it within limits."""
        self._ended = True
        self._lock.note(self._lock._last_step)  # noqa: SLF001 - of the same module
        self._thread.join(_LAST_RENEWAL_WITHIN_S)
        if self._thread.is_alive():
            self._warn("the lock was not released in time, and runs out by itself")

    def _work(self) -> None:
        while not self._ended and self._holding.version is not None:
            self._lock._told.wait(self._shared.renewed_every_s)  # noqa: SLF001 - of the same module
            self._lock._told.clear()  # noqa: SLF001 - the same
            if self._ended:
                break
            try:
                self._renew()
            except (ActionFailed, OSError) as error:
                self._warn(f"the lock could not be renewed and may be taken by others: {error}")
        try:
            self._release()
        except (ActionFailed, OSError) as error:
            self._warn(
                f"the lock was not released, and runs out by itself {self._shared.ttl_s:.0f} s after its last sign of life: {error}"
            )

    def _renew(self) -> None:
        held = self._holding.held.renewed_at(self._shared.clock.wall(), self._lock._last_step)  # noqa: SLF001 - of the same module
        version = self._shared.locks.write(self._environment, held.text(), seen=self._holding.version)
        if version is None:
            version, taker = self._after_all()
            if version is None:
                self._warn(f"the lock of {self._environment} is not ours any more: {taker}; find out who is acting")
        self._holding = _Holding(held, version)

    def _release(self) -> None:
        version = self._holding.version
        if version is None or self._shared.locks.remove(self._environment, seen=version):
            return
        version, taker = self._after_all()
        if version is None or not self._shared.locks.remove(self._environment, seen=version):
            self._warn(
                f"the lock of {self._environment} was not ours any more at the end: {taker}; find out who is acting"
            )

    def _after_all(self) -> tuple[Version | None, str]:
        """The lock's version when it is ours all the same, as after a renewal whose answer was lost; else None and who has it."""
        found = self._shared.locks.read(self._environment)
        held = read_held(found[1]) if found else None
        if found is None:
            return None, "somebody removed it"
        if held is None:
            return None, "what it says cannot be read"
        ours = self._holding.held
        if (held.run, held.host, held.since) == (ours.run, ours.host, ours.since):
            return found[0], ""
        return None, f"taken by {held.described(self._shared.clock.wall())}"

    def _warn(self, text: str) -> None:
        # Once each: a host that stays away would fill the report.
        if text not in self._lock.warnings:
            self._lock.warnings.append(text)

    @property
    def _environment(self) -> str:
        return self._shared.claim.environment


def claim_of(environment: str, *, who: str, run: str, resumes: str = "") -> Claim:
    """Who we are, for a lock that others read."""
    return Claim(environment=environment, who=who, host=socket.gethostname(), run=run, resumes=resumes)


def _place(device: int, inode: int) -> str:
    """This machine, as long as it is up, and its lock file; empty where the machine cannot be told from others."""
    try:
        boot = _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""
    return f"{boot}/{device}:{inode}"
