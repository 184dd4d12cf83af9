"""What a load test recorded: each request, what was asked for, and what became of the generators.

The engine (a process of its own) writes it, ``load/verdict.py`` judges it. Moments are seconds since 1970. A request's are
counted from the beginning of its own worker, so that no clock of another machine is needed.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

from pam_rollback.probe.samples import Sample

STABLE, CANDIDATE = "stable", "candidate"
"""What a target may be called where two releases are compared in one run."""


@dataclass(frozen=True, slots=True)
class LoadRequest(Sample):
    """One request. One that was due and never left counts as a failure of the generator, not of the service: its lag is None."""

    target: str = ""
    """The release that was asked; empty where there is only one."""
    worker: str = ""

    @property
    def left(self) -> bool:
        """Whether it was sent at all."""
        return self.lag_ms is not None

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
class LoadStep:
    """A time in which the same load is asked for."""

    from_s: float
    until_s: float
    rate_hz: float
    share_pct: float
    """Of the highest rate of the run."""

    @property
    def asked(self) -> float:
        """How many requests that makes."""
        return self.rate_hz * (self.until_s - self.from_s)

    def __str__(self) -> str:
        """At which load."""
        return f"{self.share_pct:.0f} % of the load ({self.rate_hz:g}/s)"


@dataclass(frozen=True)
class LoadRecord:
    """A whole run of the engine."""

    began_s: float
    ended_s: float
    """The planned end or, where it was cut short, the moment when it was."""
    steps: tuple[LoadStep, ...]
    """What was to be asked for, one after the other."""
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

    @property
    def begun(self) -> tuple[LoadStep, ...]:
        """The steps as far as they came."""
        steps = (one for one in self.steps if one.from_s < self.ended_s)
        return tuple(replace(one, until_s=min(one.until_s, self.ended_s)) for one in steps)
