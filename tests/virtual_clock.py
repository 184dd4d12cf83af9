"""The one clock of these tests on which waiting takes no time: it jumps to the next due moment."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)
_LOOKED_EVERY_S = 0.001
"""A thread that ended tells nobody; in real seconds."""


@dataclass(eq=False)
class VirtualClock:
    """Time passes only when somebody sleeps, and then at once.

    ``together`` is for an action whose steps run side by side: threads that began after the clock was made take part. It jumps to the
    earliest moment that somebody waits for, and only when each of them sleeps on it. So a thread that computes, or that a busy machine
    does not let run, never loses time meanwhile. Without it no other thread counts: a server's would keep it from ever jumping.
    """

    now_s: float = 0.0
    start: datetime = START
    together: bool = False
    waits: list[float] = field(default_factory=list)
    """Every wait that was asked for, in order."""

    def __post_init__(self) -> None:
        self._turn = threading.Condition()
        self._others = frozenset(threading.enumerate())
        self._due_s: dict[threading.Thread, float] = {}

    def monotonic_s(self) -> float:
        """Seconds that were slept."""
        return self.now_s

    def wall(self) -> datetime:
        """As many seconds after the start."""
        return self.start + timedelta(seconds=self.now_s)

    def sleep(self, seconds: float) -> None:
        """Let it pass, for everybody."""
        thread = threading.current_thread()
        with self._turn:
            self.waits.append(seconds)
            due_s = self.now_s + max(0.0, seconds)
            self._due_s[thread] = due_s
            try:
                while self.now_s < due_s:
                    if self._everybody_sleeps() and due_s == min(self._due_s.values()):
                        self.now_s = due_s
                        self._turn.notify_all()
                    else:
                        self._turn.wait(_LOOKED_EVERY_S)
            finally:
                del self._due_s[thread]
                self._turn.notify_all()

    @property
    def waited_s(self) -> float:
        """All waits together."""
        return sum(self.waits)

    def _everybody_sleeps(self) -> bool:
        return not self.together or set(threading.enumerate()) - self._others <= self._due_s.keys()
