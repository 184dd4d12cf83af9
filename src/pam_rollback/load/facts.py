"""What answers under load say: how long they took, how many failed, and the longest time in which most of them did.

Every fact is one of three: **broken** by the service's own answers, **good**, or not known (MeasurementFailed). Broken comes first: what a
generator failed to ask does not excuse errors, and where it was fit, slow answers neither. Good comes last: it needs enough answers for
the limit to lie outside the confidence interval, and a generator without a doubt (``load/generator.py``).

In one module: each fact is judged by the rule above, which their base class holds, and by the same doubts.
"""

import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.load.generator import NO_DOUBTS, Doubts
from pam_rollback.load.record import LoadRequest
from pam_rollback.plan.plan_items import LoadErrorLimit, LoadLatencyLimit, LoadOutageLimit
from pam_rollback.stats.bad_runs import Stretch, bad_runs
from pam_rollback.stats.binomial import share_above, share_below
from pam_rollback.stats.percentiles import DEFINITION, QuantileBounds, bounds_of

CONFIDENCE_PCT = 95.0
_MISS_PCT = 100 - CONFIDENCE_PCT
_BAD_SHARE = 0.5
"""A second is bad when so much of it is."""
_RUN_ANSWERS_MIN = 5
"""A run of fewer bad answers, of a rare journey, is no outage yet: of 100 answers with 12 % errors, chance alone makes three in a row."""
_SHOWN = 3


class LoadFact(Sentence, ABC):
    """One thing that a load test shows."""

    doubts: Doubts
    """About the generator: nothing good follows while there is one, and where it was unfit, nothing about speed."""

    @property
    @abstractmethod
    def broken(self) -> bool:
        """Whether the service's own answers break the limit."""

    @property
    def unsure(self) -> str:
        """Why the answers themselves do not show that the limit is kept; empty when they do."""
        return ""

    @property
    def good(self) -> bool:
        """Whether the limit is kept. Raises MeasurementFailed when that is not known: unknown is neither."""
        if self.broken:
            return False
        unknown = [*self.doubts.all, *filter(None, [self.unsure])]
        if unknown:
            more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
            raise MeasurementFailed(f"{self}; not known: {unknown[0]}{more}")
        return True


@dataclass(frozen=True, repr=False)
class LatencyUnderLoad(LoadFact):
    """One percentile of the time from the due moment to the end of the answer.

    An answer that failed quickly says nothing about speed and is left out; one that failed after the limit was slow and counts.
    """

    limit: LoadLatencyLimit
    values: QuantileBounds | None
    """In ms, each bound by itself with 95 % confidence. None: there was no answer to tell it by."""
    without_lag: QuantileBounds | None
    """The same from the moment in which the request really left."""
    answered: int
    """All that left, whatever became of it."""
    doubts: Doubts = NO_DOUBTS

    @classmethod
    def of(cls, sent: Sequence[LoadRequest], limit: LoadLatencyLimit, doubts: Doubts = NO_DOUBTS) -> "LatencyUnderLoad":
        """Judge what left."""
        most_ms = limit.response_time_ms_max
        counted = [one for one in sent if math.isfinite(one.done_s) and (one.ok or one.latency_ms >= most_ms)]
        values, without_lag = (
            bounds_of([max(0.0, value) for value in found], limit.pct, miss_pct=_MISS_PCT) if found else None
            for found in (
                [one.latency_ms for one in counted],
                [one.latency_ms - max(0.0, one.lag_ms) for one in counted],
            )
        )
        return cls(limit, values, without_lag, len(sent), doubts)

    @property
    def broken(self) -> bool:
        """The percentile reaches the limit, also without the generator's own lag; by a small sample only when it is sure."""
        if self.doubts.unfit or self.values is None or self.without_lag is None:
            return False
        most_ms, enough = self.limit.response_time_ms_max, self.values.n >= self.limit.answers_min
        return all((one.value if enough else one.low) >= most_ms for one in (self.values, self.without_lag))

    @property
    def unsure(self) -> str:
        """Too few answers, an interval that holds the limit, or a lag that makes the difference."""
        values, most_ms = self.values, self.limit.response_time_ms_max
        if values is None:
            return f"none of {self.answered} requests was answered well, or late: there is nothing to tell the speed by"
        if values.n < self.limit.answers_min:
            return f"{values.n} answers, {self.limit.answers_min} are needed"
        if values.value >= most_ms:
            return "without the generator's own lag it would be below the limit"
        if values.high >= most_ms:
            return f"with {CONFIDENCE_PCT:g} % confidence it is below {values.high:.0f} ms, which is not below {most_ms:g}: ask more"
        return ""

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        values, most_ms = self.values, self.limit.response_time_ms_max
        return Figures(
            what=f"p{self.limit.pct:g} under load",
            asked=f"< {most_ms:g} ms, n >= {self.limit.answers_min}",
            measured=None if values is None else round(values.value, 1),
            unit="ms",
            n=0 if values is None else values.n,
            margin=None if values is None else round(most_ms - values.value, 1),
            definition=f"{DEFINITION}, from the due time, {self._bound}",
        )

    @property
    def _bound(self) -> str:
        if self.values is None:
            return "no value"
        high = "anything" if math.isinf(self.values.high) else f"{self.values.high:.0f} ms"
        return f"with {CONFIDENCE_PCT:g} % confidence below {high}"

    def __str__(self) -> str:
        values = self.values
        most_ms = self.limit.response_time_ms_max
        found = "nothing to tell it by" if values is None else f"{values.value:.0f} ms (n={values.n}, {DEFINITION})"
        return (
            f"p{self.limit.pct:g} under load from the due time: {found}, expected below {most_ms:g} ms; {self._bound}"
        )


@dataclass(frozen=True, repr=False)
class ErrorsUnderLoad(LoadFact):
    """The share of requests that left and were not answered as expected."""

    limit: LoadErrorLimit
    bad: int
    n: int
    reasons: tuple[tuple[str, int], ...] = ()
    """What was wrong, the most frequent first."""
    doubts: Doubts = NO_DOUBTS

    @classmethod
    def of(cls, sent: Sequence[LoadRequest], limit: LoadErrorLimit, doubts: Doubts = NO_DOUBTS) -> "ErrorsUnderLoad":
        """Judge what left."""
        bad = [one for one in sent if not one.ok]
        reasons: dict[str, int] = defaultdict(int)
        for one in bad:
            reasons[f"{one.journey}: {one.why or f'HTTP {one.status}'}"] += 1
        ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
        return cls(limit, len(bad), len(sent), tuple(ordered), doubts)

    @property
    def rate_pct(self) -> float | None:
        """As measured."""
        return 100 * self.bad / self.n if self.n else None

    @cached_property
    def low_pct(self) -> float:
        """The true share is above this, with 95 % confidence (exact, Clopper and Pearson)."""
        return 100 * share_above(self.bad, self.n, miss_pct=_MISS_PCT) if self.n else 0.0

    @cached_property
    def high_pct(self) -> float:
        """The true share is below this, with 95 % confidence (exact, Clopper and Pearson)."""
        return 100 * share_below(self.bad, self.n, miss_pct=_MISS_PCT) if self.n else 100.0

    @property
    def broken(self) -> bool:
        """The share reaches the limit; by a small sample only when it is sure."""
        if self.rate_pct is None:
            return False
        most_pct = self.limit.error_rate_pct_max
        return (self.rate_pct if self.n >= self.limit.answers_min else self.low_pct) >= most_pct

    @property
    def unsure(self) -> str:
        """Too few answers, or an interval that holds the limit."""
        if self.n < self.limit.answers_min:
            return f"{self.n} requests, {self.limit.answers_min} are needed"
        if self.high_pct >= self.limit.error_rate_pct_max:
            return f"the true share may be {self.high_pct:.2f} %: ask more"
        return ""

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        rate = self.rate_pct
        return Figures(
            what="error rate under load",
            asked=f"< {self.limit.error_rate_pct_max:g} %, n >= {self.limit.answers_min}",
            measured=None if rate is None else round(rate, 3),
            unit="%",
            n=self.n,
            margin=None if rate is None else round(self.limit.error_rate_pct_max - rate, 3),
            definition=f"share of requests that left, with {CONFIDENCE_PCT:g} % confidence below {self.high_pct:.2f} %",
        )

    def __str__(self) -> str:
        rate = self.rate_pct
        found = "no request" if rate is None else f"{rate:.2f} % ({self.bad} of {self.n})"
        most = (
            "; most of all " + ", ".join(f"{why} ({times})" for why, times in self.reasons[:_SHOWN]) if self.bad else ""
        )
        return (
            f"error rate under load {found}, expected below {self.limit.error_rate_pct_max:g} %, with {CONFIDENCE_PCT:g} % confidence "
            f"between {self.low_pct:.2f} and {self.high_pct:.2f} %{most}"
        )


@dataclass(frozen=True)
class BadRun:
    """Seconds that follow each other, of one journey or of all, in which answers were bad."""

    of: str
    from_s: int
    """Since the run began."""
    seconds: int
    bad: int
    n: int

    def __str__(self) -> str:
        """What, when and how long."""
        return f"{self.seconds} s of {self.of} from +{self.from_s} s on ({self.bad} of {self.n} answers bad)"


@dataclass(frozen=True, repr=False)
class OutageUnderLoad(LoadFact):
    """The longest run of bad seconds, by the due second: of all journeys together, of each target and of each journey.

    Together, a second is bad when half of its answers are; of one journey, when all are. A second without any neither ends nor makes a run.
    """

    limit: LoadOutageLimit
    longest: BadRun | None
    """None: no second was bad."""
    seconds: int
    """How many had an answer."""
    n: int
    doubts: Doubts = NO_DOUBTS

    @classmethod
    def of(
        cls, sent: Sequence[LoadRequest], limit: LoadOutageLimit, *, began_s: float, doubts: Doubts = NO_DOUBTS
    ) -> "OutageUnderLoad":
        """Look for it in what left."""
        slow_ms = math.inf if doubts.unfit else limit.slow_ms
        groups: dict[tuple[str, bool], list[LoadRequest]] = defaultdict(list)
        for one in sent:
            groups["all answers", True].append(one)
            groups[one.journey, False].append(one)
            if one.target:
                groups[f"the {one.target} release", True].append(one)
        runs = [
            run
            for (name, together), found in groups.items()
            for run in _bad_runs(name, _seconds(found, slow_ms, began_s), _BAD_SHARE if together else 1.0)
        ]
        longest = max(runs, key=lambda run: (run.seconds, run.bad), default=None)
        seconds = len({math.floor(one.due_s - began_s) for one in sent})
        return cls(limit, longest, seconds, len(sent), doubts)

    @property
    def broken(self) -> bool:
        """It was longer than is tolerated."""
        return self.longest is not None and self.longest.seconds > self.limit.bad_run_s_max

    @property
    def unsure(self) -> str:
        """Nothing was seen at all."""
        return "" if self.n else "no request left: an outage could not be seen"

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        longest_s = self.longest.seconds if self.longest is not None else 0
        return Figures(
            what="longest run of bad seconds under load",
            asked=f"<= {self.limit.bad_run_s_max:g} s",
            measured=longest_s,
            unit="s",
            n=self.n,
            margin=self.limit.bad_run_s_max - longest_s,
            definition=f"failed, or {self.limit.slow_ms:g} ms and more, by the due second; {self.seconds} seconds looked at",
        )

    def __str__(self) -> str:
        found = "none" if self.longest is None else str(self.longest)
        return (
            f"longest run of bad seconds under load: {found}, expected at most {self.limit.bad_run_s_max:g} s (bad is failed, or "
            f"{self.limit.slow_ms:g} ms and more; {self.seconds} seconds with {self.n} requests were looked at)"
        )


def _seconds(sent: Iterable[LoadRequest], slow_ms: float, began_s: float) -> Mapping[int, tuple[int, int]]:
    """How many were bad, and how many there were, in each second."""
    counts: dict[int, tuple[int, int]] = {}
    for one in sent:
        second = math.floor(one.due_s - began_s)
        bad, n = counts.get(second, (0, 0))
        # Not "latency >= slow": an answer that never came has no length.
        is_bad = not (one.ok and one.latency_ms < slow_ms)
        counts[second] = (bad + is_bad, n + 1)
    return counts


def _bad_runs(of: str, counts: Mapping[int, tuple[int, int]], share: float) -> Iterable[BadRun]:
    stretches = (Stretch(second, second + 1, bad >= share * n) for second, (bad, n) in sorted(counts.items()))
    for run in bad_runs(stretches):
        seconds = [round(one.from_s) for one in run]
        bad = sum(counts[second][0] for second in seconds)
        if bad >= _RUN_ANSWERS_MIN:
            n = sum(counts[second][1] for second in seconds)
            yield BadRun(of, seconds[0], seconds[-1] - seconds[0] + 1, bad, n)
