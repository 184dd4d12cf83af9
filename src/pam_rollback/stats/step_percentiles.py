"""A percentile over a window, from the percentiles of its steps: what a provider gives that keeps neither values nor buckets.

The 95th percentiles of steps cannot be averaged. But each percentile of a step says how many answers of that step lie above it, so
counts follow: of ``n`` answers of a step whose 95th percentile is below the limit, at most a twentieth is at or above it; of a step whose
percentile is not, at least one more than a twentieth is. Added up over the steps, that tells whether the 95th percentile of the whole
window is below the limit, or at or above it, or that it cannot be told. It lies between the lowest and the highest of the steps in any
case.

With the 95th alone one slow step among twenty fast ones leaves it open: all answers of the slow one may be slow, and a twentieth of the
others. The lower percentiles of the slow step and the 99th of the fast ones tell: the nearer two known percentiles are, the fewer answers
between them are open. On a busy machine every third second may have a slow answer in twenty.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from pam_rollback.stats.percentiles import DEFINITION, nearest_rank
from pam_rollback.stats.standing import Standing

_P50, _P75, _P90, _P95, _P99 = 50.0, 75.0, 90.0, 95.0, 99.0


@dataclass(frozen=True)
class Step:
    """One step: how many answers it had, and their percentiles in ms where known. What contradicts the 95th does not count."""

    n: int
    p95_ms: float
    p50_ms: float = math.nan
    p99_ms: float = math.nan
    p75_ms: float = math.nan
    p90_ms: float = math.nan

    def __post_init__(self) -> None:
        """Refuse what is no length of time or no count."""
        if not (math.isfinite(self.p95_ms) and self.p95_ms >= 0 and self.n > 0):
            raise ValueError(f"a percentile is a length of time over some answers: {self}")

    def at_most(self, limit: float) -> int:
        """So many of its answers, and no more, can be at or above the limit."""
        return min((_others(self.n, pct) for pct, ms in self._known() if ms < limit), default=self.n)

    def at_least(self, limit: float) -> int:
        """So many of its answers certainly are at or above the limit."""
        return max((_others(self.n, pct) + 1 for pct, ms in self._known() if ms >= limit), default=0)

    def _known(self) -> Iterator[tuple[float, float]]:
        yield _P95, self.p95_ms
        for pct, ms in ((_P50, self.p50_ms), (_P75, self.p75_ms), (_P90, self.p90_ms)):
            if 0 <= ms <= self.p95_ms:
                yield pct, ms
        if self.p95_ms <= self.p99_ms < math.inf:
            yield _P99, self.p99_ms


@dataclass(frozen=True)
class StepPercentiles:
    """The percentiles of all steps of a window."""

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        """Refuse none."""
        if not self.steps:
            raise ValueError("there is no step, and so there are no percentiles")

    @property
    def n(self) -> int:
        """How many answers in all."""
        return sum(step.n for step in self.steps)

    @property
    def value(self) -> float | None:
        """The percentile where all steps have the same; None: only bounds are known."""
        lowest, highest = self._range
        return lowest if lowest == highest else None

    @property
    def definition(self) -> str:
        """How the value is made."""
        return f"p95, {DEFINITION} of each of {len(self.steps)} steps"

    @property
    def bounds(self) -> str:
        """Between which values the truth lies."""
        lowest, highest = self._range
        return "" if lowest == highest else f"between {lowest:.4g} and {highest:.4g} ms"

    def standing(self, limit: float) -> Standing:
        """Whether the 95th percentile of all answers is below ``limit`` ms."""
        others = _others(self.n, _P95)
        """So many answers may lie at or above the limit."""
        if sum(step.at_least(limit) for step in self.steps) > others:
            return Standing.REACHED
        return Standing.BELOW if sum(step.at_most(limit) for step in self.steps) <= others else Standing.UNDECIDED

    @property
    def _range(self) -> tuple[float, float]:
        values = [step.p95_ms for step in self.steps]
        return min(values), max(values)


def _others(n: int, pct: float) -> int:
    """How many of ``n`` values lie beyond their percentile."""
    return n - nearest_rank(n, pct)
