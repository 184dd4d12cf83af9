"""Is the candidate worse than the stable release?  Both were asked in the same run, in turns, so what else happened happened to both.

The change and its interval are those of ``probe/change.py``. Worse only when the whole interval is above the limit, not worse
only when none of it is; in between nothing is known (MeasurementFailed), with the smallest change that these samples could have shown.
"""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Final

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plan.plan import LoadGate
from pam_rollback.plan.plan_items import LoadErrorIncreaseLimit, LoadSlowdownLimit
from pam_rollback.probe.change import Change
from pam_rollback.redeploy.load.facts import LoadFinding, finding
from pam_rollback.redeploy.load.generator import NO_DOUBTS, Doubts, doubts
from pam_rollback.redeploy.load.record import CANDIDATE, STABLE, LoadRecord
from pam_rollback.stats.percentiles import Distribution

SPEED: Final = "LG-7"
ERRORS: Final = "LG-8"
SPAN_MIN_S = 10.0
"""Answers of one moment are no sample of a release."""
_P99 = 99.0
_PERCENTILES = (50.0, 95.0, 99.0)


def slowdown(changes: Sequence[tuple[Change, float]], doubts: Doubts = NO_DOUBTS) -> LoadFinding:
    """Return the change of p50, p95 or p99 that is nearest to its limit, or farthest beyond, in per cent of the stable release.

    ``changes`` come each with its limit in per cent. It is broken where one of them is slower for certain.
    """
    worst, limit_pct = max(changes, key=lambda pair: (pair[0].low > pair[1], pair[0].increase - pair[1]))
    others = [pair for pair in changes if pair[0] is not worst]
    maybe = next((one for one, limit in changes if one.high > limit), None)
    told = "; ".join(f"{one}, limit {limit:+z.0f} %" for one, limit in ((worst, limit_pct), *others))
    rest = ", ".join(f"p{one.pct:g} {one.increase:+z.0f} %" for one, _ in others)
    return finding(
        figure=worst.increase,
        limit=limit_pct,
        digits=1,
        what=f"p{worst.pct:g} of the candidate against the stable release",
        asked=f"at most {limit_pct:+z.0f} %",
        unit="%",
        n=worst.now.n,
        definition=f"{worst}; beside it {rest}",
        sentence=f"candidate against stable, its baseline, in the same run: {told}",
        broken=not doubts.unfit and any(one.low > limit for one, limit in changes),
        unsure=f"whether p{maybe.pct:g} is worse cannot be told from so many answers: ask more, or longer"
        if maybe
        else "",
        doubts=doubts,
    )


def more_errors(change: Change, limit: LoadErrorIncreaseLimit, doubts: Doubts = NO_DOUBTS) -> LoadFinding:
    """Return the change of the error rate in percentage points. It is broken where the candidate fails more often for certain."""
    most_pp = limit.error_rate_increase_pp_max
    unsure = "whether that is worse cannot be told from so many answers: ask more, or longer"
    return finding(
        figure=change.increase,
        limit=most_pp,
        digits=2,
        what="error rate of the candidate against the stable release",
        asked=f"at most {most_pp:+g} points",
        unit="points",
        n=change.now.n,
        definition=str(change),
        sentence=(
            f"candidate against stable, its baseline, in the same run: {change}, expected at most {most_pp:+g} points"
        ),
        broken=change.low > most_pp,
        unsure=unsure if change.high > most_pp else "",
        doubts=doubts,
    )


class ReleaseComparison:
    """Stable against candidate over one record. Raises MeasurementFailed when one of them was not asked, or the run is too short."""

    def __init__(self, record: LoadRecord, limits: LoadGate) -> None:
        sent = [one for one in record.requests if one.counts and math.isfinite(one.latency_ms)]
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
    def speed(self) -> LoadFinding:
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
        changes = [Change.of_times(before, times[CANDIDATE], pct) for pct in _PERCENTILES]
        return slowdown([(one, _limit_pct(self._limits[SPEED], one)) for one in changes], self._doubts)

    @cached_property
    def errors(self) -> LoadFinding:
        """LG-8."""
        stable, candidate = self._of[STABLE], self._of[CANDIDATE]
        change = Change.of_rates(
            sum(not one.ok for one in stable), len(stable), sum(not one.ok for one in candidate), len(candidate)
        )
        return more_errors(change, self._limits[ERRORS], self._doubts)


def _limit_pct(limit: LoadSlowdownLimit, change: Change) -> float:
    """The wider of the share and the milliseconds that nobody notices."""
    share, ms = limit.response_time_increase_pct_max, limit.response_time_unnoticed_ms
    if change.pct >= _P99:
        share, ms = limit.p99_increase_pct_max, limit.p99_unnoticed_ms
    return max(share, 100 * ms / change.before.value)
