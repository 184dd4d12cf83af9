"""What a load test recorded: each request, what was asked for, and what became of the generators.

The engine (a process of its own) writes it, ``load/verdict.py`` judges it. Moments are seconds since 1970. A request's are
counted from the beginning of its own worker, so that no clock of another machine is needed.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path

STABLE, CANDIDATE = "stable", "candidate"
"""What a target may be called where two releases are compared in one run."""


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """One request. One that was due and never left counts as a failure of the generator, not of the service: ``sent_s`` is NaN."""

    target: str
    """The release that was asked; empty where there is only one."""
    journey: str
    """Which of the weighted journeys, and which request of it: ``chat``, ``login``, ``front page``."""
    due_s: float
    """When it had to leave."""
    sent_s: float
    done_s: float
    """When the answer was complete, or given up."""
    status: int | None
    ok: bool
    why: str = ""
    """Empty when ok, else what was wrong, in words."""
    worker: str = ""
    void: str = ""
    """Why this answer says nothing about the service (``load/generator.py``); empty when it does."""
    blocked: bool = False
    """Void because everything was refused."""

    @property
    def latency_ms(self) -> float:
        """From the due time, so that a stalled generator or a queue in it hides nothing."""
        return (self.done_s - self.due_s) * 1000

    @property
    def lag_ms(self) -> float:
        """How late it left; NaN when it never did."""
        return (self.sent_s - self.due_s) * 1000

    @property
    def left(self) -> bool:
        """Whether it was sent at all."""
        return math.isfinite(self.sent_s)

    @property
    def counts(self) -> bool:
        """Whether it was sent, and what became of it says something about the service."""
        return self.left and not self.void


@dataclass(frozen=True, slots=True)
class LoadWorker:
    """One generator."""

    name: str
    requests: int
    lost_s: float | None = None
    """When the master heard of it for the last time, where it went away before its work was over."""


@dataclass(frozen=True, slots=True)
class AskedRate:
    """How many requests a second are asked for from this moment on."""

    from_s: float
    rate_hz: float


@dataclass(frozen=True)
class LoadRecord:
    """A whole run of the engine."""

    began_s: float
    ended_s: float
    """The planned end or, where it was cut short, the moment when it was."""
    asked: tuple[AskedRate, ...]
    requests: tuple[LoadRequest, ...] = field(repr=False)
    workers_expected: int
    workers: tuple[LoadWorker, ...]
    cut_short: str = ""
    """Why the run ended before its time; empty when it did not."""
    not_one: str = ""
    """Why not all of it was asked of the releases that it was put on; empty where nothing says so."""
    served: str = ""
    """Which release and commit the candidate said it is when the run began; empty where it names none."""
    files: tuple[Path, ...] = field(default=())
    """The engine's own CSV and HTML, for the report."""
