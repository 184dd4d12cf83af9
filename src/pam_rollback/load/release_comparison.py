"""Is the candidate worse than the stable release?  Both were asked in the same run, in turns, so what else happened happened to both.

The change and its interval are those of ``observation/change.py``. Worse only when the whole interval is above the limit, not worse
only when none of it is; in between nothing is known (MeasurementFailed), with the smallest change that these samples could have shown.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures
from pam_rollback.load.facts import LoadFact
from pam_rollback.load.generator import NO_DOUBTS, Doubts, doubts
from pam_rollback.load.record import CANDIDATE, STABLE, LoadRecord
from pam_rollback.observation.change import LatencyChange, RateChange
from pam_rollback.plan.plan import LoadGate
from pam_rollback.plan.plan_items import LoadErrorIncreaseLimit, LoadSlowdownLimit
from pam_rollback.stats.percentiles import Distribution

SPEED: Final = "LG-7"
ERRORS: Final = "LG-8"
SPAN_MIN_S = 10.0
"""Answers of one moment are no sample of a release."""
_P99 = 99.0
_PERCENTILES = (50.0, 95.0, 99.0)


@dataclass(frozen=True, repr=False)
class SpeedOfReleases(LoadFact):
    """p50, p95 and p99 of both. Changes in per cent of the stable release."""

    changes: tuple[tuple[LatencyChange, float], ...]
    """Each with its limit in per cent."""
    doubts: Doubts = NO_DOUBTS

    @property
    def broken(self) -> bool:
        """One of them is slower for certain."""
        return not self.doubts.unfit and any(one.low_pct > limit for one, limit in self.changes)

    @property
    def unsure(self) -> str:
        """One of them may be."""
        one = next((one for one, limit in self.changes if one.high_pct > limit), None)
        if one is None:
            return ""
        return f"whether p{one.pct:g} is worse cannot be told from so many answers: ask more, or longer"

    @property
    def worst(self) -> tuple[LatencyChange, float]:
        """The one that is nearest to its limit, or farthest beyond."""
        return max(self.changes, key=lambda pair: (pair[0].low_pct > pair[1], pair[0].increase_pct - pair[1]))

    @property
    def figures(self) -> Figures:
        """For the table of criteria: the worst."""
        worst, limit_pct = self.worst
        rest = ", ".join(f"p{one.pct:g} {one.increase_pct:+z.0f} %" for one, _ in self.changes if one is not worst)
        return Figures(
            what=f"p{worst.pct:g} of the candidate against the stable release",
            asked=f"at most {limit_pct:+z.0f} %",
            measured=round(worst.increase_pct, 1),
            unit="%",
            n=worst.now.n,
            margin=round(limit_pct - worst.increase_pct, 1),
            definition=f"{worst}; beside it {rest}",
        )

    def __str__(self) -> str:
        """The sentence that a failure shows, the worst first; the baseline in it is the stable release."""
        ordered = [self.worst, *(pair for pair in self.changes if pair is not self.worst)]
        told = "; ".join(f"{one}, limit {limit_pct:+z.0f} %" for one, limit_pct in ordered)
        return f"candidate against stable, its baseline, in the same run: {told}"


@dataclass(frozen=True, repr=False)
class ErrorsOfReleases(LoadFact):
    """The error rates of both. Changes in percentage points."""

    change: RateChange
    limit: LoadErrorIncreaseLimit
    doubts: Doubts = NO_DOUBTS

    @property
    def broken(self) -> bool:
        """It fails more often for certain."""
        return self.change.low_pp > self.limit.error_rate_increase_pp_max

    @property
    def unsure(self) -> str:
        """It may."""
        if self.change.high_pp <= self.limit.error_rate_increase_pp_max:
            return ""
        return "whether that is worse cannot be told from so many answers: ask more, or longer"

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what="error rate of the candidate against the stable release",
            asked=f"at most {self.limit.error_rate_increase_pp_max:+g} points",
            measured=round(self.change.increase_pp, 2),
            unit="points",
            n=self.change.now_n,
            margin=round(self.limit.error_rate_increase_pp_max - self.change.increase_pp, 2),
            definition=str(self.change),
        )

    def __str__(self) -> str:
        return (
            f"candidate against stable, its baseline, in the same run: {self.change}, expected at most "
            f"{self.limit.error_rate_increase_pp_max:+g} points"
        )


class ReleaseComparison:
    """Stable against candidate over one record. Raises MeasurementFailed when one of them was not asked, or the run is too short."""

    def __init__(self, record: LoadRecord, limits: LoadGate) -> None:
        sent = [one for one in record.requests if one.counts and math.isfinite(one.done_s)]
        self._of = {name: [one for one in sent if one.target == name] for name in (STABLE, CANDIDATE)}
        missing = [name for name, found in self._of.items() if not found]
        if missing:
            raise MeasurementFailed(
                f"the {' and the '.join(missing)} release was not asked in this run: there is nothing to compare"
            )
        span_s = record.ended_s - record.began_s
        if span_s < SPAN_MIN_S:
            raise MeasurementFailed(
                f"the run was {span_s:.0f} s long, {SPAN_MIN_S:g} s are needed to compare two releases"
            )
        self._limits = limits
        self._doubts = doubts(record, limits["LG-6"])

    @cached_property
    def speed(self) -> SpeedOfReleases:
        """LG-7. Raises MeasurementFailed when one of them gave no answer to tell its speed by."""
        slow_from_ms = self._limits["LG-1"].response_time_ms_max
        times = {
            name: [max(0.0, one.latency_ms) for one in found if one.ok or one.latency_ms >= slow_from_ms]
            for name, found in self._of.items()
        }
        silent = [name for name, found in times.items() if not found]
        if silent:
            raise MeasurementFailed(f"the {silent[0]} release answered nothing well: its speed cannot be compared")
        before = Distribution.of(times[STABLE])
        changes = [LatencyChange.of(before, times[CANDIDATE], pct) for pct in _PERCENTILES]
        return SpeedOfReleases(tuple((one, _limit_pct(self._limits[SPEED], one)) for one in changes), self._doubts)

    @cached_property
    def errors(self) -> ErrorsOfReleases:
        """LG-8."""
        stable, candidate = self._of[STABLE], self._of[CANDIDATE]
        change = RateChange(
            sum(not one.ok for one in stable), len(stable), sum(not one.ok for one in candidate), len(candidate)
        )
        return ErrorsOfReleases(change, self._limits[ERRORS], self._doubts)


def _limit_pct(limit: LoadSlowdownLimit, change: LatencyChange) -> float:
    """The wider of the share and the milliseconds that nobody notices."""
    share, ms = limit.response_time_increase_pct_max, limit.response_time_unnoticed_ms
    if change.pct >= _P99:
        share, ms = limit.p99_increase_pct_max, limit.p99_unnoticed_ms
    return max(share, 100 * ms / change.before.value)
