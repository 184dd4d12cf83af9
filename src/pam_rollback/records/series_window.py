"""The servers' records over a window, "below X for T", for points instead of probes (the engine is ``probe/measure.py``).

* What was **counted** (answers, buckets) is added up over the window, and the sum is held against the limit when the window is complete:
  how many answers are still to come is not known, so the sum cannot break it earlier. Steps in a row at or above the limit do.
* A **gauge** (memory) is below in every point.
* *Unknown*: too few points, too coarse ones, too few answers, a hole, a percentile whose bounds hold the limit.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.probe.measure import Bin, Reach, Terms, Told, Window, WindowState, held
from pam_rollback.probe.memory import READINGS_MIN, SPAN_MIN_S, MemoryReading
from pam_rollback.probe.samples import Sample
from pam_rollback.stats.series import Answers, Evidence, Point, Quantity, Series, Standing, pooled

_SPARE = 1.25
_LONGER_AT_MOST = 4
"""Where even that would be too short, waiting does not help a rehearsal."""
_BAD = {Standing.REACHED: True, Standing.BELOW: False, Standing.UNDECIDED: None}


def long_enough_s(windows: Sequence[Window]) -> float:
    """How long a window must be for enough answers, at the rate at which they were counted; 0 where it is as it should be.

    Only what the pace made shorter is made longer, to four times its length at most and never beyond what the plan asks for; nothing is
    where a measure is broken.
    """
    if any(window.state is WindowState.BROKEN for window in windows):
        return 0.0
    needed_s = [
        min(window.spec.duration_s * _SPARE * window.spec.answers_min / window.n, window.asked_s)
        for window in windows
        if window.state is WindowState.UNKNOWN and 0 < window.n < window.spec.answers_min
    ]
    longest_s, shown_s = max(needed_s, default=0.0), max((window.spec.duration_s for window in windows), default=0.0)
    return longest_s if longest_s <= _LONGER_AT_MOST * shown_s else 0.0


def judge_series(series: Series, spec: Terms, *, start_s: float, now_s: float) -> Window:
    """Judge the window that began at ``start_s``, as ``series`` tells it at ``now_s``.

    Of what is counted, a step that began before the window is left out, so read the series from ``start_s`` on. The window is complete when
    a known point has come at its end, or when so much time has passed that none will. ValueError for a series of another quantity.
    """
    if series.quantity is not spec.measure:
        raise ValueError(f"a series of {series.quantity} cannot be judged by a window on {spec.measure}")
    end_s = start_s + spec.duration_s
    inside = [point for point in series.points if start_s < point.at_s <= end_s and _is_within(point, series, start_s)]
    known = [point for point in inside if point.known]
    # A point from beyond the end tells as well that nothing more will come.
    last_s = max((point.at_s for point in series.points if point.known), default=start_s)
    complete = last_s >= end_s - series.step_s / 2 or now_s >= end_s + max(spec.gap_max_s, 2 * series.step_s)
    reach = Reach(start_s, end_s if complete else max(start_s, min(now_s, end_s)), complete)
    counted = any(point.evidence is not None for point in known)
    highest = max((point for point in known if point.value is not None), key=lambda one: one.value or 0.0, default=None)
    total = pooled(known)

    def instead(hole: Bin) -> str:
        reasons = Counter(one.why for one in inside if not one.known and hole.from_s <= one.at_s <= hole.until_s)
        return next((why for why, _ in reasons.most_common(1)), "no point at all")

    told = Told(
        reach=reach,
        known=[point.at_s for point in known],
        bins=[
            Bin(max(0.0, one.at_s - series.step_s - start_s), one.at_s - start_s, _BAD[one.standing(spec.limit)])
            for one in (known if counted else ())
        ],
        lost=(_lost(total, spec) if complete else "") if counted else _reached(known, spec, start_s),
        unfit=_too_coarse(series, spec),
        lacking=(_too_few(known, total, spec) or _undecided(known, total, spec)) if complete else "",
        what="known point",
        instead=instead,
        badly=f"at or above {spec.limit:g} {spec.measure.unit}",
    )
    found = held(told, gap_max_s=spec.gap_max_s, bad_run_max_s=spec.bad_run_max_s)
    value = total.value if total else None if counted or highest is None else highest.value
    restarts = sum(start_s < moment <= end_s for moment in series.restarts)
    how = (
        total.definition if total else "added up over the window" if counted else "the highest point",
        series.where,
        f"{len(known)} of {len(inside)} points known",
        f"{restarts} {'restart' if restarts == 1 else 'restarts'}" if restarts else "",
        f"gone: {', '.join(series.gone)}" if series.gone else "",
    )
    return Window(
        spec=spec,
        state=found.state,
        reason=found.reason,
        value=value,
        bounds=total.bounds if total else "",
        at_least=total.at_least if total else value or 0.0,
        bad_run_s=found.bad_run_s,
        n=round(total.n) if total else len(known),
        observed_s=reach.observed_s,
        definition=", ".join(filter(None, how)),
    )


def _is_within(point: Point, series: Series, start_s: float) -> bool:
    return point.evidence is None or point.at_s - series.step_s >= start_s - 1e-6


def _reached(known: Sequence[Point], spec: Terms, start_s: float) -> str:
    first = next((point for point in known if point.standing(spec.limit) is Standing.REACHED), None)
    return "" if first is None else f"{first.value:.2f} {spec.measure.unit} at +{first.at_s - start_s:.0f} s"


def _lost(total: Evidence | None, spec: Terms) -> str:
    if total is None or total.standing(spec.limit) is not Standing.REACHED:
        return ""
    shown = f"{total.value:.2f} {spec.measure.unit}" if total.value is not None else total.bounds
    return f"{shown} over all {round(total.n)} answers of the window"


def _undecided(known: Sequence[Point], total: Evidence | None, spec: Terms) -> str:
    if total is not None and total.standing(spec.limit) is Standing.UNDECIDED:
        return (
            f"the {spec.measure.words} lies {total.bounds}, and the limit of {spec.limit:g} {spec.measure.unit} lies there too: "
            f"it cannot be told from what is known; a histogram needs an edge at the limit"
        )
    if total is None and any(point.evidence is not None for point in known):
        return "some points were counted and some were not: they cannot be added up"
    return ""


def _too_coarse(series: Series, spec: Terms) -> str:
    possible = math.floor(spec.duration_s / series.step_s + 1e-9)
    if possible >= spec.n_min:
        return ""
    return (
        f"its points stand for {series.step_s:g} s each, so a window of {spec.duration_s:g} s has {possible} at most, {spec.n_min} "
        "are needed: have it tell finer steps, or observe for longer (--pace)"
    )


def _too_few(known: Sequence[Point], total: Evidence | None, spec: Terms) -> str:
    if len(known) < spec.n_min:
        return f"{len(known)} known points, {spec.n_min} are needed"
    if total is not None and total.n < spec.answers_min:
        return f"{round(total.n)} answers were counted, {spec.answers_min} are needed"
    return ""


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

    window: Window
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
        if self.window.spec.measure is Quantity.ERROR_RATE_PCT:
            return f"; the prober saw {self.own.value:.2f} %, n={self.own.n:g}"
        return f"; {self.own.n:g} requests were the prober's"

    @property
    def cut_short(self) -> bool:
        """Whether the wait ended before the window did, because another measure was broken."""
        return self.window.state is WindowState.HOLDING
