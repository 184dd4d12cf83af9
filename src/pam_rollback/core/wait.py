"""Wait for a named condition: with a limit, a streak, and the last thing that was seen."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from pam_rollback.core.clock import Clock, SystemClock
from pam_rollback.core.errors import StopRequested

T = TypeVar("T")

_UNWRITTEN: dict[Path, str] = {}
"""What this process was asked, where the disk may not have taken it."""
_LONGEST_NAP_S = 0.25  # a stop request must be noticed soon: CI services kill about 10 s after they ask


class NotReached(TimeoutError):  # noqa: N818 - reads as the sentence that it prints
    """The condition did not hold within the limit. The message names it and says what was seen last."""


@dataclass(frozen=True)
class StopFile:
    """The file whose existence asks every wait of a run, in every process, to end.

    A file rather than a signal: workers of pytest-xdist and a second terminal can see it too.
    """

    path: Path | None = None

    @property
    def reason(self) -> str | None:
        """Why stopping was asked for; None when nobody asked."""
        if self.path is None:
            return None
        try:
            said = self.path.read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return _UNWRITTEN.get(self.path)
        return said or _UNWRITTEN.get(self.path) or "no reason given"

    def check(self) -> None:
        """Raise StopRequested when somebody asked to stop."""
        reason = self.reason
        if reason is not None:
            raise StopRequested(f"stopping was asked for ({reason})")

    def set(self, reason: str) -> None:
        """Ask every wait to end; those of this process also when the disk is full."""
        if self.path is not None:
            _UNWRITTEN[self.path] = reason
            with suppress(OSError):
                self.path.write_text(reason + "\n", encoding="utf-8")

    def clear(self) -> None:
        """Forget that an earlier session of this run was asked to stop."""
        if self.path is not None:
            _UNWRITTEN.pop(self.path, None)
            self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Backoff:
    """Pauses that grow with the time that has passed: what is done soon is seen soon, and what takes minutes is not asked for all the time.

    Whatever is waited for is seen late by ``share`` of what it took, but by at least ``least_s`` and at most ``most_s``.
    """

    least_s: float
    most_s: float
    share: float = 0.05

    def after(self, passed_s: float) -> float:
        """How long to pause when so much time has passed."""
        return min(self.most_s, max(self.least_s, self.share * passed_s))


NEVER = StopFile()
"""For waits that must not be cut short: undoing has a wait of its own."""


def _said(seen: object) -> str:
    """In words: a mapping shows the repr of its values, whatever they say of themselves."""
    return ", ".join(f"{name} {value}" for name, value in seen.items()) if isinstance(seen, Mapping) else str(seen)


@dataclass(frozen=True)
class Waiter:
    """Waits with one clock and one stop file."""

    clock: Clock = field(default_factory=SystemClock)
    stop: StopFile = NEVER

    def until(
        self,
        observe: Callable[[], T],
        *,
        holds: Callable[[T], bool],
        within_s: float,
        what: str,
        in_a_row: int = 1,
        every_s: float | Backoff = 0.1,
    ) -> T:
        """Observe until ``holds`` is true ``in_a_row`` times; give the last observation.

        Raises NotReached after ``within_s`` seconds, and StopRequested when a stop is asked for meanwhile. An exception of ``observe`` is
        not caught: what the target does is a value, so an exception is a defect of the measurement.
        """
        start_s = self.clock.monotonic_s()
        streak = 0
        while True:
            self.stop.check()
            seen = observe()
            streak = streak + 1 if holds(seen) else 0
            if streak >= in_a_row:
                return seen
            passed_s = self.clock.monotonic_s() - start_s
            if passed_s >= within_s:
                state = "not stable" if in_a_row > 1 else "not reached"
                raise NotReached(f"{what}: {state} after {within_s:g} s, last seen {_said(seen)}")
            self.pause(every_s.after(passed_s) if isinstance(every_s, Backoff) else every_s)

    def pause(self, seconds: float) -> None:
        """Let time pass, but notice a stop request on the way (StopRequested)."""
        end_s = self.clock.monotonic_s() + seconds
        while (left_s := end_s - self.clock.monotonic_s()) > 0:
            self.stop.check()
            self.clock.sleep(min(left_s, _LONGEST_NAP_S))


Gate = Callable[[str], None]
"""Told what is about to be changed, in words. Raises LockLost when it must not be."""

_gates: list[Gate] = []


def before_change(what: str) -> None:
    """Ask every gate. Raises what the first one that objects raises: then nothing may be sent."""
    for gate in tuple(_gates):
        gate(what)


@contextmanager
def gated_by(gate: Gate) -> Iterator[None]:
    """Ask this gate, too, as long as the block runs."""
    _gates.append(gate)
    try:
        yield
    finally:
        _gates.remove(gate)


class Telling(Protocol):
    """Tells people how far a wait is."""

    def tell(self, line: str) -> None:
        """Say how far it is, unless that was said a moment ago."""

    def announce(self, line: str) -> None:
        """Say what has happened, at once."""

    def done(self) -> None:
        """The wait is over."""
