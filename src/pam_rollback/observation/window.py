"""A criterion held for a time: "below X for T", judged over the whole window and second by second.

Rules (plan items SC-1 and SC-2; peers' pitfalls in Argo Rollouts and k6):

* It **fails fast**: *broken* as soon as even a perfect rest of the window could not save it.
* It **passes late**: *met* only when every probe of the whole window has been accounted for.
* It is also judged **per second**: a run of wholly bad seconds longer than tolerated breaks it, however small its share
  of the window.
* What we do not know is *unknown*, never met: too few samples, a gap, a silent prober, too many probes that left late,
  not a number, answers that say nothing about the service (``observation/blocking.py``). Evidence that it is broken stands all
  the same: broken comes before unknown.

In one module: broken, met and unknown are one order of precedence over the same counts.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from pam_rollback.base.figures import Measured
from pam_rollback.observation.blocking import why_void
from pam_rollback.observation.samples import LATE_MS, Sample
from pam_rollback.observation.window_state import WindowResult, WindowState, standing
from pam_rollback.stats.bad_runs import Stretch, longest_s, too_long
from pam_rollback.stats.percentiles import DEFINITION, nearest_rank

_P95 = 95.0
_UNMEASURED_PCT_MAX = 5.0
"""More probes than this share that never left or left late: the prober was not fit to judge."""


class Measure(StrEnum):
    """What is held below its limit. The value ends in its unit."""

    ERROR_RATE_PCT = "error_rate_pct"
    """Share of measured probes without the expected answer."""
    LATENCY_P95_MS = "latency_p95_ms"
    """95th percentile, nearest rank, of the time from the due moment to the end of the answer.

    An answer that failed quickly says nothing about speed and is left out; one that failed after the limit was slow and
    counts.
    """

    @property
    def words(self) -> str:
        """What people call it."""
        return "response time" if self is Measure.LATENCY_P95_MS else "error rate"


@dataclass(frozen=True, kw_only=True)
class WindowSpec:
    """What is asked. ValueError when a figure makes no sense."""

    measure: Measure
    limit: float
    """The measure must stay strictly below this, in the unit of the measure."""
    duration_s: float
    """How long is observed."""
    asked_s: float | None = None
    """How long the plan asks for, when the pace made ``duration_s`` shorter."""
    samples_min: int = 30
    gap_max_s: float = 5.0
    """The longest time without a usable sample."""
    bad_run_max_s: float = 2.0
    """The longest run of wholly bad seconds that is tolerated."""
    slow_ms: float | None = None
    """For the error rate: an answer later than this is an error too. None: only wrong or missing answers are."""
    answer_max_s: float = 5.0
    """The prober's own deadline: no answer is recorded later than this."""

    def __post_init__(self) -> None:
        """Refuse figures that could never be judged."""
        for name in ("limit", "duration_s", "gap_max_s", "answer_max_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"window on {self.measure}: {name} must be a number above 0, it is {value}")
        if self.samples_min < 1:
            raise ValueError(
                f"window on {self.measure}: samples_min must be above 0, not {self.samples_min}: empty is not green"
            )

    def counts(self, sample: Sample) -> bool:
        """Whether the sample bears on the measure at all."""
        return self.measure is Measure.ERROR_RATE_PCT or sample.ok or sample.latency_ms >= self.limit

    def is_bad(self, sample: Sample) -> bool:
        """Whether the sample speaks against the criterion."""
        if self.measure is Measure.LATENCY_P95_MS:
            return sample.latency_ms >= self.limit
        return sample.bad(math.inf if self.slow_ms is None else self.slow_ms)

    @property
    def asked(self) -> str:
        """The limit, and for how long, or over how many samples, it is to be kept."""
        kept = f", n >= {self.samples_min}" if self.asked_s is None else f" for {self.asked_s:g} s"
        return f"< {self.limit:g} {self.unit}{kept}"

    @property
    def unit(self) -> str:
        """The unit of the measure and of the limit."""
        return "ms" if self.measure is Measure.LATENCY_P95_MS else "%"


@dataclass(frozen=True, repr=False)
class WindowVerdict(WindowResult):
    """How a window stands, with what it rests on.

    ``value``, ``margin`` (limit less value) and the limit share a unit.
    """

    spec: WindowSpec
    state: WindowState
    reason: str
    value: float | None
    n: int
    bad: int
    unmeasured: int
    observed_s: float
    bad_by_journey: tuple[tuple[str, int], ...] = ()
    """Whose the bad answers are, the most first."""
    part: str = ""
    """The part of the product that this is about, the worst of several; empty: of all samples together."""
    others: tuple[tuple[str, "WindowVerdict"], ...] = ()
    """The other parts, each by itself."""
    at_least: float | None = None
    """The value if every sample that is still to come, or says nothing, were a perfect one."""
    bad_run_s: float = 0.0
    """The longest run of wholly bad seconds."""

    @property
    def number(self) -> float:
        """What the limit is compared with, in ``spec.unit``. Raises MeasurementFailed where the window is not known."""
        return self.decided(self.at_least)

    @property
    def asked_s(self) -> float:
        """How long the plan asks for."""
        return self.spec.duration_s if self.spec.asked_s is None else self.spec.asked_s

    @property
    def margin(self) -> float | None:
        """How far the measured value is below the limit; negative when above."""
        return None if self.value is None else self.spec.limit - self.value

    @property
    def measured(self) -> Measured:
        """The value of the worst part."""
        spec = self.spec
        percentile_is = f"p95, {DEFINITION}, " if spec.measure is Measure.LATENCY_P95_MS else ""
        return Measured(
            what=spec.measure.words,
            asked=spec.asked,
            value=self.value,
            unit=spec.unit,
            n=self.n,
            margin=self.margin,
            definition=f"{self._whose}{percentile_is}observed {self.observed_s:.0f} s",
            proviso=self.proviso,
            sentence=self._sentence,
            cause=self.cause,
        )

    @property
    def _sentence(self) -> str:
        spec = self.spec
        found = "" if self.value is None else f"{self.value:.2f} {spec.unit}"
        definition = f", p95, {DEFINITION}" if spec.measure is Measure.LATENCY_P95_MS else ""
        return (
            f"{self.headed(f'{spec.measure.words} of the {self.part}' if self.part else spec.measure.words, found)}, "
            f"asked below {spec.limit:g} {spec.unit} (n={self.n}{definition}), "
            f"observed {self.observed_s:.0f} s of {self.asked_s:g} s asked"
            + (f": {self.reason}" if self.reason else "")
            + ("; bad answers: " if self.bad else "")
            + ", ".join(f"{journey} {bad}" for journey, bad in self.bad_by_journey)
            + ("; beside it: " if self.others else "")
            + ", ".join(f"{part} {one.briefly}" for part, one in self.others)
        )

    @property
    def briefly(self) -> str:
        """The value and its n."""
        return f"{'nothing' if self.value is None else f'{self.value:.3g} {self.spec.unit}'} (n={self.n})"

    @property
    def _whose(self) -> str:
        return f"of the {self.part}, the worst of {len(self.others) + 1} parts, " if self.others else ""


def judge(
    samples: Iterable[Sample],
    spec: WindowSpec,
    *,
    start_s: float,
    now_s: float,
    rate_hz: float,
    settled_s: float | None = None,
) -> WindowVerdict:
    """Judge the window that began at ``start_s``, as it is known at ``now_s``.

    ``rate_hz`` is the rate of the probes that ``samples`` are taken from (a share of the whole when they are of some
    journeys only). ``settled_s``: every probe due before this moment has been recorded (``Timeline.settled_s``); None
    means ``now_s``. The answers to probes in flight are not known yet, so a window is complete only when it has
    settled.
    """
    end_s = start_s + spec.duration_s
    settled_s = now_s if settled_s is None else settled_s
    reach_s = max(start_s, min(settled_s, end_s))
    complete = settled_s >= end_s
    due = sorted((sample for sample in samples if start_s <= sample.due_s < end_s), key=lambda sample: sample.due_s)
    inside = [sample for sample in due if not sample.void]
    measured = [sample for sample in inside if sample.measured()]
    counted = [sample for sample in measured if spec.counts(sample)]
    bad_by_journey = Counter(sample.journey for sample in counted if spec.is_bad(sample)).most_common()
    bad = sum(count for _, count in bad_by_journey)
    seconds, latencies = _by_second(counted, start_s), sorted(sample.latency_ms for sample in counted)
    # The most samples that there can be in the end; what is out already can only make it fewer. What is void may have been good.
    probes = len(due) if complete else max(len(due), math.floor(spec.duration_s * rate_hz) + 1)
    n_possible = probes - (len(inside) - len(counted))
    tally = _Tally(
        spec=spec,
        n=len(counted),
        n_possible=n_possible,
        bad=bad,
        at_least=_value(spec, latencies, bad, n_possible),
        probes=probes,
        unmeasured=len(inside) - len(measured),
        not_a_number=any(sample.lag_ms is not None and not math.isfinite(sample.latency_ms) for sample in inside),
    )

    blind = {math.floor(sample.due_s - start_s) for sample in due if sample.blocked}
    broken = tally.beyond_saving() or _bad_run(seconds, spec, reach_s - start_s, blind=blind)
    unknown = (
        why_void(due)
        or tally.unfit()
        or gap([sample.due_s for sample in counted], spec.gap_max_s, start_s, reach_s)
        or _silence(spec, now_s - settled_s, complete=complete)
    )
    state, reason = standing(broken, unknown, complete=complete)
    return WindowVerdict(
        spec=spec,
        state=state,
        reason=reason,
        value=_value(spec, latencies, bad, len(counted)),
        at_least=tally.at_least,
        bad_run_s=longest_s(_stretches(seconds, spec, reach_s - start_s, blind)),
        n=tally.n,
        bad=tally.bad,
        unmeasured=tally.unmeasured,
        observed_s=reach_s - start_s,
        bad_by_journey=tuple(bad_by_journey),
    )


@dataclass(frozen=True)
class _Tally:
    """The counts of a window, and what follows from counts alone."""

    spec: WindowSpec
    n: int
    n_possible: int
    bad: int
    at_least: float | None
    probes: int
    unmeasured: int
    not_a_number: bool

    def beyond_saving(self) -> str:
        """Why the limit is reached whatever comes; empty when it is not."""
        spec = self.spec
        if self.at_least is None or self.at_least < spec.limit:
            return ""
        against = "errors" if spec.measure is Measure.ERROR_RATE_PCT else f"samples at or above {spec.limit:g} ms"
        what = "the error rate" if spec.measure is Measure.ERROR_RATE_PCT else "p95"
        return (
            f"{self.bad} {against} among at most {self.n_possible} samples: "
            f"whatever still comes, {what} stays at {spec.limit:g} {spec.unit} or more"
        )

    def unfit(self) -> str:
        """Why these counts allow no verdict; empty when they do."""
        spec = self.spec
        if self.not_a_number:
            return "a latency is not a number"
        if 100 * self.unmeasured > _UNMEASURED_PCT_MAX * self.probes:
            return (
                f"{self.unmeasured} of {self.probes} probes never left or left more than {LATE_MS:g} ms late "
                f"(tolerated {_UNMEASURED_PCT_MAX:g} %): the prober was not fit to judge"
            )
        if self.n_possible < spec.samples_min:
            return f"{self.n_possible} usable samples at most, {spec.samples_min} are needed"
        return ""


def _value(spec: WindowSpec, latencies: list[float], bad: int, n: int) -> float | None:
    """The measure over ``n`` samples, from the latencies of the counted ones in order. The others are good and take no time."""
    if not latencies:
        return None
    if spec.measure is Measure.ERROR_RATE_PCT:
        return 100 * bad / n
    place = nearest_rank(n, _P95) - (n - len(latencies))
    return latencies[place - 1] if place > 0 else 0.0


def _by_second(counted: list[Sample], start_s: float) -> dict[int, list[Sample]]:
    seconds: dict[int, list[Sample]] = defaultdict(list)
    for sample in counted:
        seconds[math.floor(sample.due_s - start_s)].append(sample)
    return seconds


def _bad_run(seconds: dict[int, list[Sample]], spec: WindowSpec, reach_s: float, *, blind: set[int]) -> str:
    """Why a run of wholly bad seconds is too long; empty when none is.

    A second without samples neither ends nor starts a run; one in which we were blocked ends it.
    """
    found = too_long(_stretches(seconds, spec, reach_s, blind), spec.bad_run_max_s)
    if found is None:
        return ""
    first, last = found
    length_s = last.until_s - first.from_s
    return f"every sample bad for {length_s:g} s from +{first.from_s:g} s of the watch on (tolerated {spec.bad_run_max_s:g} s)"


def _stretches(
    seconds: dict[int, list[Sample]], spec: WindowSpec, reach_s: float, blind: set[int]
) -> Iterator[Stretch]:
    for second in sorted({*seconds, *blind}):
        if second in blind:
            yield Stretch(second, second, bad=False)
        end_s = min(second + 1, spec.duration_s)
        if end_s > reach_s:
            return
        if second in seconds:
            yield Stretch(second, end_s, bad=all(map(spec.is_bad, seconds[second])))


def gap(
    moments: list[float],
    gap_max_s: float,
    start_s: float,
    reach_s: float,
    *,
    what: str = "usable sample",
    hides: str = "an outage",
) -> str:
    """Why a hole between these moments, in seconds, is too long; empty when none is. ``hides``: what may have been in it."""
    inside = [moment for moment in moments if moment <= reach_s]
    edges = [start_s, *inside, reach_s]
    length_s, since_s = max((after - before, before) for before, after in pairwise(edges))
    if length_s <= gap_max_s:
        return ""
    return (
        f"no {what} for {length_s:.1f} s from +{since_s - start_s:.1f} s of the watch on (tolerated {gap_max_s:g} s): "
        f"a hole hides {hides}"
    )


def _silence(spec: WindowSpec, silent_s: float, *, complete: bool) -> str:
    """Why the prober seems to have stopped; empty when it does not."""
    if complete or silent_s <= spec.answer_max_s + spec.gap_max_s:
        return ""
    return f"the prober has recorded nothing for {silent_s:.1f} s"


def judge_without_prober_lag(
    samples: Iterable[Sample], spec: WindowSpec, *, start_s: float, now_s: float, rate_hz: float, settled_s: float
) -> WindowVerdict:
    """Judge as ``judge`` does, and take back what only the prober's own lag broke.

    Latencies count from the due time, so a prober that left late makes them longer. A window that is broken only because of that is not
    known: this machine was too busy to judge. So windows may run beside the rest of the suite: its load cannot turn them green, and what it
    alone turns red is unknown.
    """
    samples = tuple(samples)
    verdict, at_its_best = (
        judge(some, spec, start_s=start_s, now_s=now_s, rate_hz=rate_hz, settled_s=settled_s)
        for some in (samples, map(_without_prober_lag, samples))
    )
    if verdict.state is WindowState.BROKEN and at_its_best.state is not WindowState.BROKEN:
        reason = f"the prober was not fit to judge: without its own lag it would not be so: {verdict.reason}"
        return replace(verdict, state=WindowState.UNKNOWN, reason=reason)
    return verdict


def _without_prober_lag(sample: Sample) -> Sample:
    return replace(sample, latency_ms=sample.latency_ms - sample.lag_ms) if sample.lag_ms else sample
