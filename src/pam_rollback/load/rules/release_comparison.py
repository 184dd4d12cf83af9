"""Is the candidate worse than the stable release?  Both were asked in the same run, in turns, so what else happened happened to both.

Two intervals for each change, and the wider end of the two counts:

* the exact one of ``observation/rules/change.py`` (order statistics, Clopper and Pearson, MOVER), which takes answers as independent;
* a bootstrap over blocks of time (Kuensch 1989): the run is cut into blocks of whole seconds, blocks are drawn with replacement, both
  releases' answers of a block together, and the middle 95 % of the changes are the interval. It knows that slow answers come in bursts,
  and that a second that was bad for both says nothing about either. The seed is fixed: the same record gives the same interval.

Worse only when the whole interval is above the limit, not worse only when none of it is; in between nothing is known (MeasurementFailed),
with the smallest change that these samples could have shown.

In one module: both intervals are of the same blocks of the same run, and the wider end of the two decides.
"""

import math
import random
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Final

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.load.rules.facts import CONFIDENCE_PCT, LoadFact
from pam_rollback.load.rules.generator import NO_DOUBTS, Doubts, doubts
from pam_rollback.load.rules.record import CANDIDATE, STABLE, LoadRecord, LoadRequest
from pam_rollback.observation.rules.change import LatencyChange, RateChange, between, smallest_visible
from pam_rollback.plan.plan import LoadGate
from pam_rollback.plan.plan_items import LoadErrorIncreaseLimit, LoadSlowdownLimit
from pam_rollback.stats.distribution import FLOOR, GROWTH, Distribution
from pam_rollback.stats.percentiles import nearest_rank

SPEED: Final = "LG-7"
ERRORS: Final = "LG-8"
DRAWS = 1000
BLOCKS_MAX = 60
BLOCKS_MIN = 10
"""From fewer blocks an interval is hardly one."""
_SEED = 20
_P99 = 99.0
_PERCENTILES = (50.0, 95.0, 99.0)

_Counts = Mapping[int, int]


@dataclass(frozen=True)
class Between:
    """The ends of an interval."""

    low: float
    high: float

    def widened(self, other: "Between") -> "Between":
        """The lower of the lower ends, the higher of the higher ones."""
        return Between(min(self.low, other.low), max(self.high, other.high))


@dataclass(frozen=True, repr=False)
class Slowdown(Sentence):
    """One percentile of both releases. Changes in per cent of the stable release."""

    pct: float
    exact: LatencyChange
    by_blocks: Between
    """The change in per cent."""
    blocks_ms: Between
    """The change in ms."""
    limit_pct: float

    @property
    def interval(self) -> Between:
        """Where the true change lies."""
        return Between(self.exact.low_pct, self.exact.high_pct).widened(self.by_blocks)

    @property
    def smallest_visible_pct(self) -> float:
        """The smallest slowdown that these samples can tell from none."""
        return max(self.exact.smallest_visible_pct, self.exact.increase_pct - self.interval.low)

    @property
    def above(self) -> bool | None:
        """Whether the change is above the limit; None: not known."""
        interval = self.interval
        if interval.low > self.limit_pct:
            return True
        return False if interval.high <= self.limit_pct else None

    def __str__(self) -> str:
        """Both figures, the change as ratio and difference, and how sure it is."""
        before, now, interval = self.exact.before, self.exact.now, self.interval
        ratio, change_ms = now.value / before.value, now.value - before.value
        sure = f"with {CONFIDENCE_PCT:g} % confidence, {smallest_visible(self.smallest_visible_pct, '%')}"
        return (
            f"p{self.pct:g} {now.value:.0f} ms (n={now.n}), stable {before.value:.0f} ms (n={before.n}): {ratio:.2f} times, "
            f"{change_ms:+z.0f} ms ({between(self.blocks_ms.low, self.blocks_ms.high, 'ms')}), {self.exact.increase_pct:+z.0f} % "
            f"({between(interval.low, interval.high, '%')} {sure}, limit {self.limit_pct:+z.0f} %)"
        )


@dataclass(frozen=True, repr=False)
class SpeedOfReleases(LoadFact):
    """p50, p95 and p99 of both."""

    changes: tuple[Slowdown, ...]
    limit: LoadSlowdownLimit
    doubts: Doubts = NO_DOUBTS

    @property
    def broken(self) -> bool:
        """One of them is slower for certain."""
        return not self.doubts.unfit and any(one.above for one in self.changes)

    @property
    def unsure(self) -> str:
        """One of them may be."""
        one = next((one for one in self.changes if one.above is None), None)
        return (
            ""
            if one is None
            else f"whether p{one.pct:g} is worse cannot be told from so many answers: ask more, or longer"
        )

    @property
    def worst(self) -> Slowdown:
        """The one that is nearest to its limit, or farthest beyond."""
        return max(self.changes, key=lambda one: (bool(one.above), one.exact.increase_pct - one.limit_pct))

    @property
    def figures(self) -> Figures:
        """For the table of criteria: the worst."""
        worst = self.worst
        return Figures(
            what=f"p{worst.pct:g} of the candidate against the stable release",
            asked=f"at most {worst.limit_pct:+z.0f} %",
            measured=round(worst.exact.increase_pct, 1),
            unit="%",
            n=worst.exact.now.n,
            margin=round(worst.limit_pct - worst.exact.increase_pct, 1),
            definition=(
                f"{between(worst.interval.low, worst.interval.high, '%')}, {smallest_visible(worst.smallest_visible_pct, '%')}, "
                f"stable {worst.exact.before.value:.0f} ms of n={worst.exact.before.n}; beside it "
                + ", ".join(
                    f"p{one.pct:g} {one.exact.increase_pct:+z.0f} %" for one in self.changes if one is not worst
                )
            ),
        )

    def __str__(self) -> str:
        """The sentence that a failure shows, the worst first."""
        rest = [one for one in self.changes if one is not self.worst]
        return f"candidate against stable in the same run: {'; '.join(map(str, (self.worst, *rest)))}"


@dataclass(frozen=True, repr=False)
class ErrorsOfReleases(LoadFact):
    """The error rates of both. Changes in percentage points."""

    exact: RateChange
    by_blocks: Between
    limit: LoadErrorIncreaseLimit
    doubts: Doubts = NO_DOUBTS

    @property
    def interval(self) -> Between:
        """Where the true change lies."""
        return Between(self.exact.low_pp, self.exact.high_pp).widened(self.by_blocks)

    @property
    def broken(self) -> bool:
        """It fails more often for certain."""
        return self.interval.low > self.limit.error_rate_increase_pp_max

    @property
    def unsure(self) -> str:
        """It may."""
        if self.interval.high <= self.limit.error_rate_increase_pp_max:
            return ""
        return "whether that is worse cannot be told from so many answers: ask more, or longer"

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        change, interval = self.exact, self.interval
        return Figures(
            what="error rate of the candidate against the stable release",
            asked=f"at most {self.limit.error_rate_increase_pp_max:+g} points",
            measured=round(change.increase_pp, 2),
            unit="points",
            n=change.now_n,
            margin=round(self.limit.error_rate_increase_pp_max - change.increase_pp, 2),
            definition=(
                f"{between(interval.low, interval.high, 'points', places=2)}, "
                f"{smallest_visible(change.smallest_visible_pp, 'points', places=2)}, stable {change.before_bad} of {change.before_n}"
            ),
        )

    def __str__(self) -> str:
        change, interval = self.exact, self.interval
        return (
            f"error rate of the candidate {100 * change.now_bad / change.now_n:.2f} % ({change.now_bad} of {change.now_n}), of the stable "
            f"release {100 * change.before_bad / change.before_n:.2f} % ({change.before_bad} of {change.before_n}): "
            f"{change.increase_pp:+z.2f} points ({between(interval.low, interval.high, 'points', places=2)} with {CONFIDENCE_PCT:g} % "
            f"confidence, {smallest_visible(change.smallest_visible_pp, 'points', places=2)}), "
            f"expected at most {self.limit.error_rate_increase_pp_max:+g}"
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
        self._limits = limits
        self._doubts = doubts(record, limits["LG-6"])
        duration_s = record.ended_s - record.began_s
        self._block_s = max(1, math.ceil(duration_s / BLOCKS_MAX))
        self._blocks = sorted({self._block(one, record.began_s) for one in sent})
        self._began_s = record.began_s
        if len(self._blocks) < BLOCKS_MIN:
            raise MeasurementFailed(
                f"the run has {len(self._blocks)} blocks of {self._block_s} s with answers, {BLOCKS_MIN} are needed to compare two releases"
            )
        # The same draws for all measures.
        generator = random.Random(_SEED)  # noqa: S311 - no secret
        self._draws = [Counter(generator.choices(self._blocks, k=len(self._blocks))) for _ in range(DRAWS)]

    @cached_property
    def speed(self) -> SpeedOfReleases:
        """LG-7. Raises MeasurementFailed when one of them gave no answer to tell its speed by."""
        limit = self._limits[SPEED]
        slow_from_ms = self._limits["LG-1"].response_time_ms_max
        counted = {
            name: [one for one in found if one.ok or one.latency_ms >= slow_from_ms] for name, found in self._of.items()
        }
        silent = [name for name, found in counted.items() if not found]
        if silent:
            raise MeasurementFailed(f"the {silent[0]} release answered nothing well: its speed cannot be compared")
        before, now = ([max(0.0, one.latency_ms) for one in counted[name]] for name in (STABLE, CANDIDATE))
        distribution = Distribution.of(before)
        exact = {pct: LatencyChange.of(distribution, now, pct) for pct in _PERCENTILES}
        changes = self._drawn_changes(counted)
        return SpeedOfReleases(
            tuple(
                Slowdown(
                    pct,
                    exact[pct],
                    _middle([100 * (later / earlier - 1) for earlier, later in changes[pct]]),
                    _middle([later - earlier for earlier, later in changes[pct]]),
                    _limit_pct(limit, exact[pct]),
                )
                for pct in _PERCENTILES
            ),
            limit,
            self._doubts,
        )

    @cached_property
    def errors(self) -> ErrorsOfReleases:
        """LG-8."""
        by_block = {name: self._counted(found) for name, found in self._of.items()}
        changes = []
        for draw in self._draws:
            rates = []
            for name in (STABLE, CANDIDATE):
                n = sum(by_block[name][block][1] * times for block, times in draw.items())
                bad = sum(by_block[name][block][0] * times for block, times in draw.items())
                rates.append(100 * bad / n if n else 0.0)
            changes.append(rates[1] - rates[0])
        stable, candidate = self._of[STABLE], self._of[CANDIDATE]
        exact = RateChange(
            sum(not one.ok for one in stable), len(stable), sum(not one.ok for one in candidate), len(candidate)
        )
        return ErrorsOfReleases(exact, _middle(changes), self._limits[ERRORS], self._doubts)

    def _drawn_changes(self, counted: Mapping[str, Sequence[LoadRequest]]) -> Mapping[float, list[tuple[float, float]]]:
        """Stable and candidate of each draw, by percentile. Values are kept in buckets of one per cent: enough for an interval."""
        buckets: dict[str, dict[int, _Counts]] = {}
        for name, found in counted.items():
            blocks: dict[int, Counter[int]] = defaultdict(Counter)
            for one in found:
                blocks[self._block(one, self._began_s)][_bucket(one.latency_ms)] += 1
            buckets[name] = dict(blocks)
        changes: dict[float, list[tuple[float, float]]] = {pct: [] for pct in _PERCENTILES}
        for draw in self._draws:
            drawn = [_percentiles(_added(buckets[name], draw)) for name in (STABLE, CANDIDATE)]
            if all(drawn):  # a draw in which one of them answered nothing has no ratio
                for pct in _PERCENTILES:
                    changes[pct].append((drawn[0][pct], drawn[1][pct]))
        return changes

    def _counted(self, found: Sequence[LoadRequest]) -> Mapping[int, tuple[int, int]]:
        counts: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for one in found:
            block = self._block(one, self._began_s)
            counts[block] = (counts[block][0] + (not one.ok), counts[block][1] + 1)
        return counts

    def _block(self, one: LoadRequest, began_s: float) -> int:
        return math.floor((one.due_s - began_s) / self._block_s)


def _limit_pct(limit: LoadSlowdownLimit, change: LatencyChange) -> float:
    """The wider of the share and the milliseconds that nobody notices."""
    share, ms = limit.response_time_increase_pct_max, limit.response_time_unnoticed_ms
    if change.pct >= _P99:
        share, ms = limit.p99_increase_pct_max, limit.p99_unnoticed_ms
    return max(share, 100 * ms / change.before.value)


def _middle(values: Sequence[float]) -> Between:
    """The middle 95 % of the draws; anything where there are none."""
    if not values:
        return Between(-math.inf, math.inf)
    ordered = sorted(values)
    miss = (100 - CONFIDENCE_PCT) / 2
    return Between(ordered[nearest_rank(len(ordered), miss) - 1], ordered[nearest_rank(len(ordered), 100 - miss) - 1])


def _bucket(value_ms: float) -> int:
    return 0 if value_ms <= FLOOR else math.ceil(math.log(value_ms / FLOOR) / math.log(GROWTH))


def _added(blocks: Mapping[int, _Counts], draw: Mapping[int, int]) -> _Counts:
    total: dict[int, int] = defaultdict(int)
    for block, times in draw.items():
        for bucket, count in blocks.get(block, {}).items():
            total[bucket] += count * times
    return total


def _percentiles(counts: _Counts) -> Mapping[float, float]:
    """The percentiles by nearest rank; empty without a value."""
    if not counts:
        return {}
    numbers = sorted(counts)
    reached = list(accumulate(counts[number] for number in numbers))
    return {
        pct: FLOOR * GROWTH ** numbers[bisect_left(reached, nearest_rank(reached[-1], pct))] for pct in _PERCENTILES
    }
