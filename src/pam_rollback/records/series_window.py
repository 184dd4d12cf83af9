"""A criterion held for a time, judged over a series: "below X for T" by the rules of a window, for points instead of probes.

* What was **counted** (answers, buckets) is added up over the window, and the sum is held against the limit when the window is complete:
  how many answers are still to come is not known, so the sum cannot break it earlier. A **gauge** (memory) is below in every point.
* It **fails fast**: *broken* as soon as a gauge reaches the limit, or what is counted reaches it in each step for longer than tolerated.
  Unknown points neither end nor start such a run.
* It **passes late**: *met* only when the whole window has been told.
* *Unknown*, never met: too few points, too coarse ones, too few answers, a hole, a percentile whose bounds hold the limit. Broken
  comes before unknown.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Fact, Measured
from pam_rollback.observation.memory import READINGS_MIN, SPAN_MIN_S, MemoryReading
from pam_rollback.observation.samples import Sample
from pam_rollback.observation.window_state import WindowResult, WindowState, standing
from pam_rollback.stats.bad_runs import Stretch, longest_s, too_long
from pam_rollback.stats.series import (
    Answers,
    Evidence,
    Histogram,
    Point,
    Quantity,
    Series,
    Standing,
    pooled,
)

_SPARE = 1.25
_LONGER_AT_MOST = 4
"""Where even that would be too short, waiting does not help a rehearsal."""


@dataclass(frozen=True, kw_only=True)
class SeriesSpec:
    """What is asked. ValueError when a figure makes no sense."""

    quantity: Quantity
    limit: float
    """The measure must stay strictly below this, in the unit of the quantity."""
    duration_s: float
    """How long is observed."""
    asked_s: float | None = None
    """How long the plan asks for, when the pace made ``duration_s`` shorter."""
    points_min: int = 10
    answers_min: int = 150
    """Of what is counted: so many without an error show less than 2 % with 95 % confidence (``observation/window_specs.py``)."""
    gap_max_s: float
    """The longest time without a known point."""
    bad_run_max_s: float = 0.0
    """Of what is counted: the longest run of steps at or above the limit that is tolerated. Gauges have no such tolerance."""

    def __post_init__(self) -> None:
        """Refuse figures that could never be judged."""
        for name in ("limit", "duration_s", "gap_max_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"window on {self.quantity}: {name} must be a number above 0, it is {value}")
        for name in ("points_min", "answers_min"):
            if getattr(self, name) < 1:
                raise ValueError(f"window on {self.quantity}: {name} must be above 0: empty is not green")


@dataclass(frozen=True, repr=False)
class SeriesWindow(WindowResult):
    """How a window stands, with what it rests on. ``value``, ``margin`` (limit less value) and the limit share a unit."""

    spec: SeriesSpec
    state: WindowState
    reason: str
    where: str
    value: float | None
    """The measure over the window: of what was counted in all, or the highest point of a gauge. None: unknown, or only bounded."""
    bounds: str
    """Between which values it lies, where it is known within bounds only."""
    definition: str
    n: int
    """Answers that were counted; of a gauge, its points."""
    points: int
    """Known points."""
    unknown: int
    """Points that are not known."""
    restarts: int
    gone: tuple[str, ...]
    observed_s: float
    counted: bool = False
    """Whether ``n`` are answers."""
    at_least: float = 0.0
    """What the measure certainly reaches."""
    bad_run_s: float = 0.0
    """The longest run of steps that certainly are at or above the limit."""

    @property
    def number(self) -> float:
        """What the limit is compared with. Raises MeasurementFailed where the window is not known."""
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
        """The measure over the window, or between which values it lies."""
        spec, unit = self.spec, self.spec.quantity.unit
        only_bounded = self.value is None and bool(self.bounds)
        found = f"{self.value:.2f} {unit}" if self.value is not None else self.bounds
        return Measured(
            what=spec.quantity.words,
            asked=f"< {spec.limit:g} {unit} for {self.asked_s:g} s",
            value=self.bounds if only_bounded else self.value,
            unit="" if only_bounded else unit,
            n=self.n,
            margin=self.margin,
            definition=f"{self.definition}, {self._coverage}",
            proviso=self.proviso,
            sentence=f"{self.headed(spec.quantity.words, found)}, asked below {spec.limit:g} {unit} for {self.asked_s:g} s (n={self.n}, "
            f"{self.definition}; {self._coverage})" + (f": {self.reason}" if self.reason else ""),
        )

    @property
    def _coverage(self) -> str:
        parts = [
            self.where,
            f"{self.points} of {self.points + self.unknown} points known",
            f"observed {self.observed_s:.0f} s",
        ]
        if self.restarts:
            parts.append(f"{self.restarts} {'restart' if self.restarts == 1 else 'restarts'}")
        if self.gone:
            parts.append(f"gone: {', '.join(self.gone)}")
        return ", ".join(parts)


def long_enough_s(windows: Sequence[SeriesWindow]) -> float:
    """How long a window must be for enough answers, at the rate at which they were counted; 0 where it is as it should be.

    Only what the pace made shorter is made longer, to four times its length at most and never beyond what the plan asks for; nothing is
    where a measure is broken.
    """
    if any(window.state is WindowState.BROKEN for window in windows):
        return 0.0
    needed_s = [
        min(window.spec.duration_s * _SPARE * window.spec.answers_min / window.n, window.asked_s)
        for window in windows
        if window.state is WindowState.UNKNOWN and window.counted and 0 < window.n < window.spec.answers_min
    ]
    longest_s, shown_s = max(needed_s, default=0.0), max((window.spec.duration_s for window in windows), default=0.0)
    return longest_s if longest_s <= _LONGER_AT_MOST * shown_s else 0.0


def judge_series(series: Series, spec: SeriesSpec, *, start_s: float, now_s: float) -> SeriesWindow:
    """Judge the window that began at ``start_s``, as ``series`` tells it at ``now_s``.

    Of what is counted, a step that began before the window is left out, so read the series from ``start_s`` on. The window is complete when
    a known point has come at its end, or when so much time has passed that none will. ValueError for a series of another quantity.
    """
    if series.quantity is not spec.quantity:
        raise ValueError(f"a series of {series.quantity} cannot be judged by a window on {spec.quantity}")
    end_s = start_s + spec.duration_s
    inside = [point for point in series.points if start_s < point.at_s <= end_s and _is_within(point, series, start_s)]
    known = [point for point in inside if point.known]
    # A point from beyond the end tells as well that nothing more will come.
    last_s = max((point.at_s for point in series.points if point.known), default=start_s)
    complete = last_s >= end_s - series.step_s / 2 or now_s >= end_s + max(spec.gap_max_s, 2 * series.step_s)
    reach_s = end_s if complete else max(start_s, min(now_s, end_s))
    total, mismatch = _total(known)
    counted = any(point.evidence is not None for point in known)

    broken = _bad_run(known, series, spec, start_s, counted=counted)
    unknown = mismatch or _too_coarse(series, spec) or _gap(inside, spec, start_s, reach_s)
    if complete:
        broken = broken or _lost(total, spec)
        unknown = unknown or _too_few(known, total, spec) or _undecided(known, total, spec)
    state, reason = standing(broken, unknown, complete=complete)
    highest = max((point.value for point in known if point.value is not None), default=None)
    at_least = total.at_least if total else None if counted else highest
    return SeriesWindow(
        spec=spec,
        state=state,
        reason=reason,
        where=series.where,
        value=total.value if total else None if counted else highest,
        bounds=total.bounds if total else "",
        definition=total.definition if total else "added up over the window" if counted else "the highest point",
        n=round(total.n) if total else len(known),
        points=len(known),
        unknown=len(inside) - len(known),
        restarts=sum(start_s < moment <= end_s for moment in series.restarts),
        gone=series.gone,
        observed_s=reach_s - start_s,
        counted=total is not None,
        at_least=at_least or 0.0,
        bad_run_s=longest_s(_stretches(known, series, spec, start_s)),
    )


def _is_within(point: Point, series: Series, start_s: float) -> bool:
    return point.evidence is None or point.at_s - series.step_s >= start_s - 1e-6


def _total(known: Sequence[Point]) -> tuple[Evidence | None, str]:
    try:
        return pooled(known), ""
    except MeasurementFailed as problem:
        return None, str(problem)


def _bad_run(known: Sequence[Point], series: Series, spec: SeriesSpec, start_s: float, *, counted: bool) -> str:
    tolerated_s = spec.bad_run_max_s if counted else 0.0
    found = too_long(_stretches(known, series, spec, start_s), tolerated_s)
    if found is None:
        return ""
    since_s, at_s = found[0].from_s, found[1].until_s
    point = next(one for one in known if one.at_s == at_s)
    bounds = point.evidence.bounds if point.evidence is not None else ""
    shown = f"{point.value:.2f} {spec.quantity.unit}" if point.value is not None else bounds
    run = f"for {at_s - since_s:g} s " if counted else ""
    return (
        f"at or above {spec.limit:g} {spec.quantity.unit} {run}from +{since_s - start_s:.0f} s of the watch on, {shown} at "
        f"+{at_s - start_s:.0f} s (tolerated {tolerated_s:g} s)"
    )


def _stretches(known: Sequence[Point], series: Series, spec: SeriesSpec, start_s: float) -> Iterator[Stretch]:
    bad = {Standing.REACHED: True, Standing.BELOW: False, Standing.UNDECIDED: None}
    for point in known:
        yield Stretch(max(start_s, point.at_s - series.step_s), point.at_s, bad[point.standing(spec.limit)])


def _lost(total: Evidence | None, spec: SeriesSpec) -> str:
    if total is None or total.standing(spec.limit) is not Standing.REACHED:
        return ""
    shown = f"{total.value:.2f} {spec.quantity.unit}" if total.value is not None else total.bounds
    return f"{shown} over all {round(total.n)} answers of the window"


def _undecided(known: Sequence[Point], total: Evidence | None, spec: SeriesSpec) -> str:
    if total is not None and total.standing(spec.limit) is Standing.UNDECIDED:
        way_out = "; give the histogram an edge at the limit" if isinstance(total, Histogram) else ""
        return (
            f"the {spec.quantity.words} lies {total.bounds}, and the limit of {spec.limit:g} {spec.quantity.unit} lies there too: "
            f"it cannot be told from what is known{way_out}"
        )
    if total is None and any(point.evidence is not None for point in known):
        return "some points were counted and some were not: they cannot be added up"
    return ""


def _too_coarse(series: Series, spec: SeriesSpec) -> str:
    possible = math.floor(spec.duration_s / series.step_s + 1e-9)
    if possible >= spec.points_min:
        return ""
    return (
        f"its points stand for {series.step_s:g} s each, so a window of {spec.duration_s:g} s has {possible} at most, {spec.points_min} "
        "are needed: have it tell finer steps, or observe for longer (--pace)"
    )


def _too_few(known: Sequence[Point], total: Evidence | None, spec: SeriesSpec) -> str:
    if len(known) < spec.points_min:
        return f"{len(known)} known points, {spec.points_min} are needed"
    if total is not None and total.n < spec.answers_min:
        return f"{round(total.n)} answers were counted, {spec.answers_min} are needed"
    return ""


def _gap(inside: Sequence[Point], spec: SeriesSpec, start_s: float, reach_s: float) -> str:
    edges = [start_s, *(point.at_s for point in inside if point.known and point.at_s < reach_s), reach_s]
    length_s, since_s = max((after - before, before) for before, after in pairwise(edges))
    if length_s <= spec.gap_max_s:
        return ""
    reasons = [point.why for point in inside if not point.known and since_s <= point.at_s <= since_s + length_s]
    instead = max(set(reasons), key=reasons.count) if reasons else "no point at all"
    return (
        f"nothing known for {length_s:.1f} s from +{since_s - start_s:.1f} s of the watch on (tolerated {spec.gap_max_s:g} s): {instead}; "
        "a hole hides an outage"
    )


def answers_in(samples: Iterable[Sample]) -> Answers | None:
    """Count our own requests that were measured; None where none was."""
    measured = [sample for sample in samples if sample.measured()]
    return Answers(len(measured), sum(not sample.ok for sample in measured)) if measured else None


def settled_readings(series: Series, *, start_s: float, end_s: float) -> tuple[MemoryReading, ...]:
    """Give what was read of memory in the window since the last restart in it: a leak looks like a fall where a restart lies between.

    Raises MeasurementFailed when that is too little for a pace, and ValueError for a series of another quantity.
    """
    if series.quantity is not Quantity.MEMORY_MB:
        raise ValueError(f"a series of {series.quantity} says nothing of memory")
    restarts = [moment for moment in series.restarts if start_s < moment <= end_s]
    since_s = max(restarts, default=start_s)
    readings = tuple(
        MemoryReading(at_s=point.at_s, mb=point.value)
        for point in series.points
        if point.value is not None and since_s <= point.at_s <= end_s
    )
    span_s = readings[-1].at_s - readings[0].at_s if readings else 0.0
    if len(readings) >= READINGS_MIN and span_s >= SPAN_MIN_S:
        return readings
    began = (
        f" since the process began anew at +{since_s - start_s:.0f} s ({len(restarts)} such moments in the window)"
        if restarts
        else ""
    )
    raise MeasurementFailed(
        f"{series.where}: {len(readings)} readings of memory over {span_s:.1f} s{began}; a pace needs {READINGS_MIN} over "
        f"{SPAN_MIN_S:g} s. Wait and verify again"
    )


SEEN_SHARE_MIN = 0.8
"""Of our own requests, records must have so many: what lies at the edges of their steps, or was lost by a restart, may be missing."""


@dataclass(frozen=True, repr=False)
class RecordedWindow(Fact):
    """A window over the records. ``own`` are our own requests to the same servers in that time; None: not to be told apart there."""

    window: SeriesWindow
    own: Answers | None = None

    @property
    def number(self) -> float:
        """What the limit is compared with. Raises MeasurementFailed when the records do not say, or not about this service."""
        if self.cut_short:
            raise MeasurementFailed(str(self))
        # What was not answered to us may never have arrived there.
        answered = 0.0 if self.own is None else self.own.n - self.own.bad
        if self.window.met and self.window.n < SEEN_SHARE_MIN * answered:
            raise MeasurementFailed(
                f"{self}: expected our own {answered:g} requests of that time among them; are these the records of this service?"
            )
        return self.window.number

    @property
    def measured(self) -> Measured:
        """The measure over the window, beside what the prober saw."""
        row = self.window.measured
        cut_short = "; not waited for: another measure is broken" if self.cut_short else ""
        return replace(
            row, definition=f"{row.definition}{self._beside}", sentence=f"{row.sentence}{self._beside}{cut_short}"
        )

    @property
    def _beside(self) -> str:
        if self.own is None:
            return ""
        if self.window.spec.quantity is Quantity.ERROR_RATE_PCT:
            return f"; the prober saw {self.own.value:.2f} %, n={self.own.n:g}"
        return f"; {self.own.n:g} requests were the prober's"

    @property
    def cut_short(self) -> bool:
        """Whether the wait ended before the window did, because another measure was broken."""
        return self.window.state is WindowState.HOLDING
