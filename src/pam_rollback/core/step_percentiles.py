"""A percentile over a window, from the percentiles of its steps: what a provider gives that keeps neither values nor buckets.

The 95th percentiles of steps cannot be averaged. But each of them says how many answers of its step lie above it, so counts follow: of
``n`` answers of a step whose percentile is below the limit, at most a twentieth is at or above it; of a step whose percentile is not, at
least one more than a twentieth is. Added up over the steps, that tells whether the percentile of the whole window is below the limit,
or at or above it, or that it cannot be told. It lies between the lowest and the highest of the steps in any case.
"""

import math
from dataclasses import dataclass

from pam_rollback.core.percentiles import DEFINITION, nearest_rank
from pam_rollback.core.standing import Standing

_P95 = 95.0


@dataclass(frozen=True)
class StepPercentiles:
    """For each step its 95th percentile in ms, and how many answers it had."""

    steps: tuple[tuple[float, int], ...]

    def __post_init__(self) -> None:
        """Refuse none, and what is no length of time or no count."""
        if not self.steps or not all(math.isfinite(ms) and ms >= 0 and n > 0 for ms, n in self.steps):
            raise ValueError(
                f"percentiles are lengths of time over some answers, and there is one at least: {self.steps}"
            )

    @property
    def n(self) -> int:
        """How many answers in all."""
        return sum(n for _, n in self.steps)

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
        others = _others(self.n)
        """So many answers may lie at or above the limit."""
        slow = [n for ms, n in self.steps if ms >= limit]
        fast = [n for ms, n in self.steps if ms < limit]
        if sum(_others(n) + 1 for n in slow) > others:
            return Standing.REACHED
        return Standing.BELOW if sum(slow) + sum(map(_others, fast)) <= others else Standing.UNDECIDED

    @property
    def _range(self) -> tuple[float, float]:
        values = [ms for ms, _ in self.steps]
        return min(values), max(values)


def _others(n: int) -> int:
    """How many of ``n`` values lie beyond their percentile."""
    return n - nearest_rank(n, _P95)
