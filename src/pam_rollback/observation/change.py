"""How far a percentile of response times, or an error rate, is from what it was, and what the two samples cannot tell.

Every comparison is an interval, not a number: with 95 % confidence the true change lies in it. Each sample's percentile is bounded by its
order statistics, each share by the interval of Clopper and Pearson; both are exact and know no shape of a distribution. The two are put
together by MOVER (Zou and Donner 2008), for response times in logarithms, because there a change is a factor. A test simulates that the
interval covers the truth as often as is said.

A change is *above* a limit when the whole interval is, and *not above* when none of it is. In between nothing is known, and
MeasurementFailed says what these samples could have shown: no data, too few values and a baseline of zero never pass. (Kayenta passes
where there is nothing to compare, and the more values scatter.)

Limits of the method: the answers are taken as independent. Where slow ones come in bursts a sample says less than its size, so hold a
change for a time rather than trust one sample. A baseline that was taken at another hour, with other traffic, differs for that alone.
Source: plan items IR-4 and CR-5 ("above the baseline"), MT-1 and MT-2.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Fact, Measured, Sentence
from pam_rollback.observation.samples import Sample
from pam_rollback.stats.binomial import share_above, share_below
from pam_rollback.stats.percentiles import DEFINITION, Distribution, QuantileBounds, bounds_of, needed_for

CONFIDENCE_PCT = 95.0
_MISS_PCT = (100 - CONFIDENCE_PCT) / 2
"""How often each end of an interval may be wrong."""


def latencies_ms(samples: Iterable[Sample], *, slow_from_ms: float, prober_lag: bool = True) -> list[float]:
    """Give the response times that can be compared.

    An answer that failed quickly says nothing of speed; one that failed after ``slow_from_ms`` (the baseline's own percentile, say) was
    slow and counts, or timeouts would make the service look faster. ``prober_lag=False`` takes off the prober's own lag: a change
    that is there only with it is the prober's.
    """
    return [
        sample.latency_ms if prober_lag else max(0.0, sample.latency_ms - (sample.lag_ms or 0.0))
        for sample in samples
        if sample.measured() and (sample.ok or sample.latency_ms >= slow_from_ms)
    ]


@dataclass(frozen=True, repr=False)
class LatencyChange(Fact):
    """A percentile of response times beside that of the baseline. Changes in per cent of the baseline, +100 is twice as long."""

    pct: float
    before: QuantileBounds
    """In ms."""
    now: QuantileBounds
    """In ms."""

    def __post_init__(self) -> None:
        """Raise MeasurementFailed when there is no ratio to give."""
        if self.before.value <= 0:
            raise MeasurementFailed(
                f"the baseline's p{self.pct:g} is {self.before.value:g} ms (n={self.before.n}): no change is a share of nothing"
            )
        if self.now.value <= 0:
            raise MeasurementFailed(f"p{self.pct:g} is {self.now.value:g} ms (n={self.now.n}): no answer takes no time")

    @classmethod
    def of(cls, before: Distribution | None, now: Sequence[float], pct: float = 95.0) -> Self:
        """Compare response times in ms with the baseline's. Raises MeasurementFailed when there is nothing to compare."""
        if before is None:
            raise MeasurementFailed(f"no baseline has response times to compare p{pct:g} with")
        return cls(pct, before.bounds(pct, miss_pct=_MISS_PCT), bounds_of(now, pct, miss_pct=_MISS_PCT))

    @property
    def increase_pct(self) -> float:
        """The change of the percentile as measured."""
        return _as_pct(self._shift)

    @property
    def low_pct(self) -> float:
        """The change is at least this, with 95 % confidence on both ends together; -100 when the samples say nothing."""
        return _as_pct(self._shift - self._unseen_below)

    @property
    def high_pct(self) -> float:
        """The change is at most this; infinite when a sample is too small to say."""
        return _as_pct(self._shift + math.hypot(_log(self.now.high) - _log(self.now.value), self._before_down))

    @property
    def smallest_visible_pct(self) -> float:
        """The smallest increase that these two samples can tell from none; infinite when they can show none at all."""
        return _as_pct(self._unseen_below)

    def is_above(self, limit_pct: float) -> bool:
        """Whether the change is above the limit. Raises MeasurementFailed when the limit lies within what is not known."""
        if self.low_pct > limit_pct:
            return True
        if self.high_pct <= limit_pct:
            return False
        raise MeasurementFailed(f"{self}; {self._why_unknown(limit_pct)}")

    def _why_unknown(self, limit_pct: float) -> str:
        needed = needed_for(self.pct, miss_pct=_MISS_PCT)
        if min(self.before.n, self.now.n) < needed:
            return f"whether that is above {_rounded(limit_pct)} % is not known: p{self.pct:g} needs {needed} answers on each side"
        certain_pct = _as_pct(math.log1p(limit_pct / 100) + self._unseen_below) if limit_pct > -100 else math.inf  # noqa: PLR2004
        shown = f"show it from {certain_pct:+z.0f} % on" if math.isfinite(certain_pct) else "show none"
        return (
            f"whether that is above {_rounded(limit_pct)} % is not known: these samples would {shown}; "
            "more answers would show a smaller one"
        )

    @property
    def _shift(self) -> float:
        return _log(self.now.value) - _log(self.before.value)

    @property
    def _unseen_below(self) -> float:
        return math.hypot(_log(self.now.value) - _log(self.now.low), _log(self.before.high) - _log(self.before.value))

    @property
    def _before_down(self) -> float:
        return _log(self.before.value) - _log(self.before.low)

    @property
    def measured(self) -> Measured:
        """The increase, without a limit, which is the caller's."""
        return Measured(
            what=f"p{self.pct:g} against the baseline",
            asked="",
            value=round(self.increase_pct, 1),
            unit="%",
            n=self.now.n,
            definition=f"{self._interval}, baseline {self.before.value:.3g} ms of n={self.before.n}, {DEFINITION}",
            sentence=f"p{self.pct:g} {self.now.value:.3g} ms (n={self.now.n}), baseline {self.before.value:.3g} ms (n={self.before.n}), "
            f"{DEFINITION}: {self.increase_pct:+z.0f} %, {self._interval}",
        )

    @property
    def _interval(self) -> str:
        return (
            f"{between(self.low_pct, self.high_pct, '%')} with {CONFIDENCE_PCT:g} % confidence, "
            f"{smallest_visible(self.smallest_visible_pct, '%')}"
        )


@dataclass(frozen=True, repr=False)
class RateChange(Sentence):
    """An error rate beside that of the baseline, as counts. Changes in percentage points: a rate may well have been zero."""

    before_bad: int
    before_n: int
    now_bad: int
    now_n: int

    def __post_init__(self) -> None:
        """Raise MeasurementFailed when one side is empty; ValueError for counts that cannot be."""
        for what, bad, n in (("the baseline", self.before_bad, self.before_n), ("now", self.now_bad, self.now_n)):
            if n == 0:
                raise MeasurementFailed(f"error rate of no answers at all ({what}): nothing was measured")
            if not 0 <= bad <= n:
                raise ValueError(f"{bad} errors among {n} answers ({what})")

    @property
    def increase_pp(self) -> float:
        """The change as measured."""
        return 100 * (self.now_bad / self.now_n - self.before_bad / self.before_n)

    @property
    def low_pp(self) -> float:
        """The change is at least this, with 95 % confidence on both ends together."""
        return self._low_pp(self.now_bad)

    @property
    def high_pp(self) -> float:
        """The change is at most this."""
        now, before = self.now_bad / self.now_n, self.before_bad / self.before_n
        up = share_below(self.now_bad, self.now_n, miss_pct=_MISS_PCT) - now
        down = before - share_above(self.before_bad, self.before_n, miss_pct=_MISS_PCT)
        return self.increase_pp + 100 * math.hypot(up, down)

    @cached_property
    def smallest_visible_pp(self) -> float:
        """The smallest increase that so many answers, beside this baseline, can tell from none; infinite when they can show none."""
        least, most = 0, self.now_n + 1
        while least < most:
            middle = (least + most) // 2
            visible = middle > self.now_n or self._low_pp(middle) > 0
            least, most = (least, middle) if visible else (middle + 1, most)
        return 100 * (least / self.now_n - self.before_bad / self.before_n) if least <= self.now_n else math.inf

    def is_above(self, limit_pp: float) -> bool:
        """Whether the change is above the limit. Raises MeasurementFailed when the limit lies within what is not known."""
        if self.low_pp > limit_pp:
            return True
        if self.high_pp <= limit_pp:
            return False
        raise MeasurementFailed(
            f"{self}; whether that is above {limit_pp:+g} points is not known: more answers would tell"
        )

    def _low_pp(self, now_bad: int) -> float:
        now, before = now_bad / self.now_n, self.before_bad / self.before_n
        down = now - share_above(now_bad, self.now_n, miss_pct=_MISS_PCT)
        up = share_below(self.before_bad, self.before_n, miss_pct=_MISS_PCT) - before
        return 100 * (now - before - math.hypot(down, up))

    def __str__(self) -> str:
        return (
            f"error rate {100 * self.now_bad / self.now_n:.3g} % ({self.now_bad} of {self.now_n}), baseline "
            f"{100 * self.before_bad / self.before_n:.3g} % ({self.before_bad} of {self.before_n}): {self.increase_pp:+z.2f} points, "
            f"{between(self.low_pp, self.high_pp, 'points', places=2)} with {CONFIDENCE_PCT:g} % confidence, "
            f"{smallest_visible(self.smallest_visible_pp, 'points', places=2)}"
        )


def between(low: float, high: float, unit: str, *, places: int = 0) -> str:
    """An interval in words. An end that the samples do not give is left out: no change of a service is infinite."""
    least, most = (f"{end:+z.{places}f}" if math.isfinite(end) else "" for end in (low, high))
    if least and most:
        return f"between {least} and {most} {unit}"
    return f"{least} {unit} or more" if least else f"{most} {unit} or less" if most else "any change"


def smallest_visible(increase: float, unit: str, *, places: int = 0) -> str:
    """The smallest increase that samples can show, in words."""
    found = f"smallest visible increase {increase:.{places}f} {unit}"
    return found if math.isfinite(increase) else "no increase would be visible"


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _rounded(limit_pct: float) -> str:
    return f"{limit_pct:+.0f}" if abs(limit_pct) >= 100 else f"{limit_pct:+g}"  # noqa: PLR2004 - its digits say nothing there


def _as_pct(shift: float) -> float:
    return 100 * math.expm1(shift)
