"""One probe's result: the fact from which windows, recovery times and baselines are made."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.core.open_loop import Sending

LATE_MS = 250.0
"""A probe that left later than this after its due time says more about the prober than about the service.

It counts as not measured.
"""
_IN_MINUTES_S = 120
"""A wait of this length or more is told in minutes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one probe saw. Moments are ``time.monotonic()`` seconds, shared by all processes of a machine."""

    due_s: float
    """When the probe had to leave.

    Everything is counted from here, so that a stalled prober cannot hide a stalled service.
    """
    latency_ms: float
    """From the due time to the end of the answer, or to the moment when it was given up.

    NaN when the probe never left.
    """
    journey: str
    ok: bool
    why: str = ""
    """Empty when ok, else what was wrong, in words."""
    status: int | None = None
    release: str | None = None
    """The release that the answer named, where it names one."""
    commit: str = ""
    """Its commit, likewise."""
    foreign: bool = False
    """The answer belongs to another account than the one that asked."""
    lag_ms: float | None = 0.0
    """How late the probe left; None when it never did."""
    void: str = ""
    """Why this answer says nothing about the service (``probe/blocking.py``); empty when it does."""
    blocked: bool = False
    """Void because whoever asked was refused everything: from then on we are blind, whatever else was asked."""

    @property
    def end_s(self) -> float:
        """When the answer was complete, or given up."""
        return self.due_s + self.latency_ms / 1000

    def measured(self) -> bool:
        """Whether this says something about the service: it left, in time, has a real latency, and is not void."""
        return not self.void and self.lag_ms is not None and self.lag_ms <= LATE_MS and math.isfinite(self.latency_ms)

    def bad(self, slow_ms: float) -> bool:
        """Whether a user would have called it bad: a wrong answer, none, or one later than ``slow_ms``."""
        return not self.ok or self.latency_ms > slow_ms


def still_to_come(found: int, needed: float, rate_hz: float) -> str:
    """How far a wait for answers is, and how much longer it takes at that rate of requests."""
    left_s = max(0.0, needed - found) / rate_hz
    longer = f"{left_s:.0f} s" if left_s < _IN_MINUTES_S else f"{left_s / 60:.0f} min"
    return f"{found} of {needed:.0f} answers of users, about {longer} more"


def too_few_to_compare(samples: Sequence[Sample], needed: int, within_s: float) -> str:
    """Why there are not enough answers, in one sentence: a slow service is told from a machine that is too busy to probe it."""
    usable = sum(sample.measured() for sample in samples)
    sending = Sending.of((sample.lag_ms for sample in samples if not sample.void), late_ms=LATE_MS)
    late = sending.late + sending.never
    found = f"{usable} usable answers within {within_s:.0f} s, {needed} are needed"
    if late > len(samples) - usable - late:
        return (
            f"{found}: {late} of {len(samples)} probes left more than {LATE_MS:g} ms late or not at all, so this machine was too busy; "
            "run it again when less runs beside it"
        )
    return f"{found}; {len(samples)} probes have an answer or none that can come any more"


@dataclass(frozen=True, repr=False)
class OwnAnswers(Fact):
    """How many answers of ``n`` belonged to another account than the one that asked (IR-1), by journey: a shared cache may mix them up."""

    ENOUGH: ClassVar[int] = 10

    n: int
    foreign: tuple[str, ...]

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> "OwnAnswers":
        """Count the good answers, and those of others."""
        told = [one for one in samples if one.ok or one.foreign]
        return cls(len(told), tuple(one.journey for one in told if one.foreign))

    @property
    def of_others(self) -> int:
        """How many answers were another account's. Raises MeasurementFailed when none was, and too few say whose they are."""
        if not self.foreign and self.n < self.ENOUGH:
            raise MeasurementFailed(f"whose the answers are is not known: {self.n} say it, {self.ENOUGH} are needed")
        return len(self.foreign)

    @property
    def measured(self) -> Measured:
        """How many answers were another account's."""
        where = ", ".join(dict.fromkeys(self.foreign))
        said = f"{len(self.foreign)} of {self.n} answers belong to another account{where and ': '}{where}"
        return Measured("answers of another account", "0", len(self.foreign), n=self.n, sentence=said)
