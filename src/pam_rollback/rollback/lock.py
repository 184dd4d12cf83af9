"""One writer at a time for each target: locks on this machine that end with their process, and locks that other machines see.

The first are the kernel's. The second can be out of reach, as the network can be the incident: then a rollback goes on, and whoever holds
the lock has it in ``warnings``, for the report and the verdict. Both are looked at again before each request that changes something:
whoever lost the lock, as a session that was frozen, sends nothing more (``LockLost``).

In one module: taking, renewing and losing a shared lock are one protocol, held against the same records.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from pam_rollback.base.clock import Clock, SystemClock
from pam_rollback.base.errors import ActionFailed, LockLost, Refused
from pam_rollback.base.wait import gated_by
from pam_rollback.rollback.locks import (
    PATIENCE_S,
    RENEWED_EVERY_S,
    Claim,
    LockRecord,
    LockTarget,
    SharedLocks,
    TakeOver,
    Taking,
    Version,
    may_take,
    read_lock_record,
    stopped,
)
from pam_rollback.rollback.machine_lock import MachineLock, machine_lock

_TAKEN_MEANWHILE = 3
"""So many times another session may be faster before we leave it to them."""
_LAST_RENEWAL_WITHIN_S = 30.0
_LOOKED_EVERY_S = 5.0
"""How often a lock that is watched is looked at, and how often that is said."""
SURE_FOR_S = 2.0
"""So long after the lock was seen to be ours it is not looked at again: files are uploaded by the hundred. Whoever takes a lock over waits
for as long before the first change, so that nothing of the former holder is still under way by right."""
_CHECKED_WITHIN_S = 5.0
"""Users wait meanwhile: a host that hangs stops no rollback."""
_NOT_ASKED_FOR_S = 15.0
"""A host that did not say whose the lock is is not asked before each of many requests."""


def seconds_since_boot() -> float:
    """Monotonic seconds that also pass while the machine sleeps, where it tells them: a lock may be lost meanwhile."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass
class WriterLock:
    """The lock while it is held. ``warnings`` grows when something about it must be said."""

    warnings: list[str] = field(default_factory=list)
    _machine: MachineLock | None = None
    _renewal: "_Renewal | None" = None
    _told: threading.Event = field(default_factory=threading.Event)
    _last_step: str = ""

    def note(self, step: str) -> None:
        """Say which step begins, for whoever looks at the lock; on this machine now, for others in the background. Never raises."""
        self._last_step = step
        if self._machine is not None:
            self._machine.note(step)
        self._told.set()

    def check(self, what: str) -> None:
        """Raise LockLost when the lock is not ours any more; asked right before each request that changes something.

        Where that cannot be told it is said, once, and nobody is stopped.
        """
        if self._machine is not None:
            self._machine.check(what)
        if self._renewal is not None:
            self._renewal.check(what)


@dataclass(frozen=True)
class Shared:
    """The locks that other machines see: where they are, and how long and how often anything is done."""

    locks: SharedLocks
    renewed_every_s: float = RENEWED_EVERY_S
    clock: Clock = field(default_factory=SystemClock)
    pause: Callable[[float], None] = time.sleep
    """Lets time pass while a lock is watched; raises StopRequested when a stop is asked for."""
    say: Callable[[str], None] = lambda _line: None
    """Tells people that, and how long, a lock is watched."""
    since_boot_s: Callable[[], float] = seconds_since_boot


@contextmanager
def sole_writer(
    claim: Claim,
    targets: Sequence[LockTarget],
    *,
    folder: Path | None,
    shared: Shared | None = None,
    alone_because: str = "",
) -> Iterator[WriterLock]:
    """Hold the locks of all targets; raises Refused when another session, here or on another machine, is proven to hold one.

    Without ``shared`` only sessions of this machine are kept out; ``alone_because`` says why, where that deserves a warning. The kernel
    releases what a process held when it dies, so a killed session leaves nothing behind on this machine; elsewhere it stops moving.
    """
    claim = replace(claim, targets=tuple(target.name for target in targets))
    lock = WriterLock()
    with machine_lock(claim, targets, folder) as here:
        lock._machine, lock.warnings = here, here.warnings  # noqa: SLF001 - of the same package: one list for both
        if alone_because:
            lock.warnings.append(
                f"{alone_because}: only sessions of this machine are kept from changing {claim.environment}"
            )
        with gated_by(lock.check):
            if shared is None:
                yield lock
                return
            with _seen_elsewhere(shared, replace(claim, place=here.place), lock):
                yield lock


@contextmanager
def _seen_elsewhere(shared: Shared, claim: Claim, lock: WriterLock) -> Iterator[None]:
    try:
        holding = _Taking(shared, claim, lock).take()
    except (ActionFailed, OSError) as error:
        lock.warnings.append(
            f"no lock that other machines see, so nobody else is kept from changing {claim.environment}: {error}"
        )
        yield
        return
    renewal = _Renewal(shared, claim, lock, holding)
    lock._renewal = renewal  # noqa: SLF001 - of the same module
    renewal.start()
    try:
        yield
    finally:
        renewal.end()


@dataclass
class _Holding:
    """What we wrote last, and where. ``names`` are all of one version: one record is written everywhere."""

    held: LockRecord
    names: tuple[str, ...]
    version: Version
    seen_s: float
    """When it was last seen to be ours, in seconds since boot; of the moment before it was asked."""

    @property
    def seen(self) -> Mapping[str, Version]:
        """What is expected to be there."""
        return dict.fromkeys(self.names, self.version)


@dataclass
class _Taking:
    """Takes the shared locks, all or none; watches those that somebody has, until that is alive, gone, or silent for too long."""

    shared: Shared
    claim: Claim
    lock: WriterLock
    first: dict[str, tuple[Version, float]] = field(default_factory=dict)
    """Each lock's version when it was first seen, and when."""
    told: bool = False

    def take(self) -> _Holding:
        """Give what is held. Raises Refused, or ActionFailed when the locks are out of reach."""
        shared, claim = self.shared, self.claim
        faster = 0
        while faster < _TAKEN_MEANWHILE:
            asked_s, boot_s = shared.clock.monotonic_s(), shared.since_boot_s()
            found = self._read(asked_s)
            if found is None:
                shared.pause(_LOOKED_EVERY_S)
                continue
            judged = self._judged(found, asked_s)
            for taking in judged:
                if taking.refused:
                    raise Refused(taking.refused)
            wait_s = max((taking.wait_s for taking in judged), default=0.0)
            if wait_s:
                self._say(f"{wait_s:.0f} s more to see whether it lives")
                shared.pause(min(_LOOKED_EVERY_S, wait_s))
                continue
            held = LockRecord.by(claim, shared.clock.wall())
            seen = {name: version for name, (version, _) in found.items()}
            version = shared.locks.write(claim.targets, held.text(), seen=seen)
            if version is not None:
                warnings = list(dict.fromkeys(taking.warning for taking in judged if taking.warning))
                self.lock.warnings += warnings
                if warnings:
                    shared.pause(SURE_FOR_S)
                return _Holding(held, claim.targets, version, boot_s)
            faster += 1
        raise Refused(
            f"other sessions are taking the lock of {claim.environment} right now; look who acts, before {claim.run} does"
        )

    def _read(self, asked_s: float) -> Mapping[str, tuple[Version, str]] | None:
        """What is there; None when that was not told for once, while a lock is watched."""
        try:
            return self.shared.locks.read(self.claim.targets)
        except (ActionFailed, OSError):
            began_s = min((since_s for _, since_s in self.first.values()), default=None)
            if began_s is None or asked_s - began_s >= PATIENCE_S:
                raise
            return None

    def _judged(self, found: Mapping[str, tuple[Version, str]], asked_s: float) -> list[Taking]:
        judged: list[Taking] = []
        for name in self.claim.targets:
            if name not in found:
                self.first.pop(name, None)
                continue
            version, text = found[name]
            if name not in self.first:
                self.first[name] = (version, asked_s)
            first, since_s = self.first[name]
            taking = may_take(
                self.claim, text, watched_s=asked_s - since_s, moved=version != first, now=self.shared.clock.wall()
            )
            held = read_lock_record(text)
            if taking.wait_s and held is not None and not self.told:
                self.told = True
                self._say(self._watching(held))
            judged.append(taking)
        return judged

    def _say(self, line: str) -> None:
        with suppress(OSError, ValueError):  # a terminal that is gone stops nobody
            self.shared.say(line)

    def _watching(self, held: LockRecord) -> str:
        return (
            f"the lock of {self.claim.environment} is held by {held.described(self.shared.clock.wall())}; it is watched for up to "
            f'{PATIENCE_S:.0f} s. Not to wait, when it is known to be dead: --take-over {held.run}="who: how you know"'
        )


class _Renewal:
    """Gives signs of life beside the steps, says whose the lock is before each change, and releases it at the end if it still is ours."""

    def __init__(self, shared: Shared, claim: Claim, lock: WriterLock, holding: _Holding) -> None:
        self._shared = shared
        self._claim = claim
        self._lock = lock
        self._holding = holding
        self._lost = ""
        self._not_asked_before_s = 0.0
        self._ended = False
        self._one_at_a_time = threading.Lock()
        # A daemon: a host that hangs must not keep a session from ending.
        self._thread = threading.Thread(target=self._work, daemon=True, name="renewal of the lock")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Release the lock and stop; waits for it within limits."""
        self._ended = True
        self._lock._told.set()  # noqa: SLF001 - of the same module
        self._thread.join(_LAST_RENEWAL_WITHIN_S)
        if self._thread.is_alive():
            self._warn("the lock was not released in time; it stops moving, and others may take it then")

    def check(self, what: str) -> None:
        """Raise LockLost when it is not ours any more."""
        if not self._lost and self._shared.since_boot_s() >= self._not_asked_before_s:
            if self._one_at_a_time.acquire(timeout=_CHECKED_WITHIN_S):
                try:
                    self._look(what)
                finally:
                    self._one_at_a_time.release()
            else:
                self._not_known(what, f"no answer within {_CHECKED_WITHIN_S:g} s")
        if self._lost:
            raise LockLost(stopped(self._claim, what, self._lost))

    def _look(self, what: str) -> None:
        now_s = self._shared.since_boot_s()
        if self._lost or now_s - self._holding.seen_s < SURE_FOR_S:
            return
        try:
            self._see_whose()
        except (ActionFailed, OSError) as error:
            self._not_known(what, str(error))

    def _not_known(self, what: str, why: str) -> None:
        self._not_asked_before_s = self._shared.since_boot_s() + _NOT_ASKED_FOR_S
        self._warn(f"whether the lock of {self._claim.environment} was still ours before {what} is not known: {why}")

    def _work(self) -> None:
        while not self._ended and not self._lost:
            self._lock._told.wait(self._shared.renewed_every_s)  # noqa: SLF001 - of the same module
            self._lock._told.clear()  # noqa: SLF001 - the same
            if self._ended:
                break
            try:
                with self._one_at_a_time:
                    self._renew()
            except (ActionFailed, OSError) as error:
                self._not_asked_before_s = self._shared.since_boot_s() + _NOT_ASKED_FOR_S
                self._warn(f"the lock could not be renewed and may be taken by others: {error}")
        try:
            with self._one_at_a_time:
                self._release()
        except (ActionFailed, OSError) as error:
            self._warn(
                f"the lock was not released; it does not move any more, and others may take it when it was watched for "
                f"{PATIENCE_S:.0f} s: {error}"
            )

    def _renew(self) -> None:
        held = self._holding.held.renewed_at(self._shared.clock.wall(), self._lock._last_step)  # noqa: SLF001 - of the same module
        asked_s, names = self._shared.since_boot_s(), self._holding.names
        version = self._shared.locks.write(names, held.text(), seen=self._holding.seen)
        if version is None:
            self._see_whose()
        else:
            self._holding = _Holding(held, names, version, asked_s)

    def _see_whose(self) -> None:
        """Look whether all of the locks hold this session; one that is free is not ours."""
        holding, asked_s = self._holding, self._shared.since_boot_s()
        found = self._shared.locks.read(holding.names)
        for name in holding.names:
            if name not in found:
                return self._lose("it is not there: somebody took or removed it")
            held = read_lock_record(found[name][1])
            if found[name][0] != holding.version and (held is None or not held.is_of(holding.held)):
                return self._lose(self._taken_by(held))
        # As it was, or ours all the same: a renewal whose answer was lost.
        holding.seen_s = asked_s
        version = found[holding.names[0]][0]
        if all(found[name][0] == version for name in holding.names):
            holding.version = version
        return None

    def _taken_by(self, held: LockRecord | None) -> str:
        who = held.described(self._shared.clock.wall()) if held is not None else "somebody whose record cannot be read"
        return f"it was taken by {who}"

    def _lose(self, why: str) -> None:
        self._lost = f"the lock of {self._claim.environment} is not ours any more, {why}"
        self._warn(f"{self._lost}; find out who is acting")

    def _release(self) -> None:
        holding = self._holding
        if not self._lost and self._shared.locks.remove(holding.seen):
            return
        # Some are another's now, or a renewal's answer was lost: what is ours goes, the rest stays.
        found = self._shared.locks.read(holding.names)
        held = {name: read_lock_record(text) for name, (_, text) in found.items()}
        ours = {name for name, record in held.items() if record is not None and record.is_of(holding.held)}
        taken = [record for name, record in held.items() if name not in ours]
        if ours:
            self._shared.locks.remove({name: found[name][0] for name in ours})
        if taken and not self._lost:
            self._lose(self._taken_by(taken[0]))

    def _warn(self, text: str) -> None:
        # Once each: a host that stays away would fill the report.
        if text not in self._lock.warnings:
            self._lock.warnings.append(text)


def claim_of(environment: str, *, who: str, run: str, take_over: TakeOver | None = None, undoes: str = "") -> Claim:
    """Who we are, for a lock that others read."""
    return Claim(
        environment=environment,
        who=who,
        host=socket.gethostname(),
        run=run,
        token=secrets.token_hex(8),
        pid=os.getpid(),
        take_over=take_over,
        undoes=undoes,
    )
