"""How much memory the product's process holds, and whether that grows. Source: the plan's MT-3; MB are 10^6 bytes.

*Low*: every reading is below the limit. *Settled*: at the pace of the readings, memory would not reach the level that asks for a rollback
(IR-6) within the time for which success must be held (SC-1). The pace is a Theil-Sen slope, the median of the slopes between all pairs
of readings, of each half of them, and the calmer half counts: a leak grows in both, while one step, such as a cache that fills, bends one
of them at most. What is smaller than the scatter of the readings cannot be seen; the smallest pace that could have been seen is part of
the fact, and readings that scatter too much for the question are unknown.

A slow leak, or one in large and rare steps, is not what a few seconds can exclude: SC-3 ("low and stable") stays with the window.
Nor are a few seconds enough for red: a process that has just begun takes memory for all that it does the first time. Growth over less time
than it is projected to is looked at again, over readings of its own: a leak goes on, a warm-up does not.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations, groupby, pairwise
from statistics import median

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Fact, Measured
from pam_rollback.observation.window_state import WindowResult, WindowState, standing
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import ErrorRateGoal, MemoryTrigger

READINGS_MIN = 10
MEMORY_ITEMS = frozenset({"MT-3", "SC-3"})
"""The plan items that are about it after a rollback."""
LOOKS_MAX = 3
"""How often growth that was seen over a short time is looked at before it counts."""
SPAN_MIN_S = 4.0
_SMALLEST_SCATTER_MB = 0.05
"""A dozen pages: the allocator takes them as it likes."""
_MINUTE_S = 60.0
_SAME_START_S = 1.0
"""Moments of a process' start that differ by less are the same, rounded differently."""
_FELL_TO = 0.5
_STILL_MIN = 3
_STILL_MIN_S, _STILL_SHARE, _STILL_MAX_S, _STILL_WITHOUT_COUNTERS_S = 10.0, 0.8, 60.0, 300.0


@dataclass(frozen=True)
class MemoryReading:
    """What the process held at a moment of ``time.monotonic()``."""

    at_s: float
    mb: float
    started_s: float | None = None
    """When the process started, in seconds since 1970; None when the product does not tell."""
    page: str = ""
    """A fingerprint of the whole page; empty where it is no page that was read."""
    counts: bool = False
    """The page has counters, which move with each request."""


@dataclass(frozen=True, repr=False)
class MemoryLevel(Fact):
    """How much it is."""

    readings: tuple[MemoryReading, ...]
    limit_mb: float

    def __post_init__(self) -> None:
        """Refuse what says nothing: too few readings, or one that is no amount of memory."""
        _usable(self.readings)

    @property
    def highest_mb(self) -> float:
        """The largest reading."""
        return max(reading.mb for reading in self.readings)

    @property
    def measured(self) -> Measured:
        """The largest reading."""
        return Measured(
            what="memory",
            asked=f"< {self.limit_mb:g} MB",
            value=self.highest_mb,
            unit="MB",
            n=len(self.readings),
            margin=self.limit_mb - self.highest_mb,
            definition=f"the highest of the readings over {_span_s(self.readings):.1f} s, MB of 10^6 bytes",
            sentence=f"memory in use up to {self.highest_mb:.1f} MB, expected below {self.limit_mb:g} MB "
            f"(n={len(self.readings)} over {_span_s(self.readings):.1f} s, MB of 10^6 bytes)",
        )


@dataclass(frozen=True, repr=False)
class MemoryGrowth(Fact):
    """Where it leads. ``alarm_mb`` is the level that asks for a rollback, ``horizon_s`` how far is looked ahead."""

    readings: tuple[MemoryReading, ...]
    alarm_mb: float
    horizon_s: float

    @classmethod
    def of(cls, readings: Sequence[MemoryReading], plan: Plan) -> "MemoryGrowth":
        """By the plan's level, as far ahead as success must be held."""
        return cls(tuple(readings), plan.the(MemoryTrigger).memory_mb_max, plan.the(ErrorRateGoal).duration_s)

    def __post_init__(self) -> None:
        """Refuse what says nothing: readings that are too few, too close together, or no amounts of memory."""
        _usable(self.readings)
        if _span_s(self.readings) < SPAN_MIN_S:
            raise MeasurementFailed(
                f"memory was read over {_span_s(self.readings):.1f} s, growth needs {SPAN_MIN_S:g} s at least"
            )

    @property
    def mb_per_min(self) -> float:
        """The pace: the slope of the calmer half."""
        return _MINUTE_S * _slope(self._calmer_half)

    @property
    def smallest_visible_mb_per_min(self) -> float:
        """A slower growth than this disappears in the scatter of these readings."""
        return _MINUTE_S * _smallest_visible_slope(self._calmer_half)

    @property
    def _calmer_half(self) -> tuple[MemoryReading, ...]:
        """The half that excludes more: a flat one with a step in it says less than one that hardly moves."""
        middle = len(self.readings) // 2
        halves = (self.readings[:middle], self.readings[middle:])
        return min(halves, key=lambda half: max(_slope(half), _smallest_visible_slope(half)))

    @property
    def expected_mb(self) -> float:
        """What the process will hold at the end of the horizon, at this pace. Memory that shrinks stays as it is."""
        return self._after(self.mb_per_min)

    @property
    def surely_mb(self) -> float:
        """The same, to compare with the alarm. Raises MeasurementFailed when these readings cannot tell on which side it is."""
        pace, smallest = self.mb_per_min, self.smallest_visible_mb_per_min
        if self.expected_mb >= self.alarm_mb and 0 < pace <= smallest:
            raise MeasurementFailed(f"{self}: no more than the scatter of the readings")
        if self.expected_mb < self.alarm_mb <= self._after(smallest):
            raise MeasurementFailed(f"{self}: the readings scatter too much to exclude a growth that matters")
        return self.expected_mb

    @property
    def settled(self) -> bool:
        """Memory is not on its way to the alarm. Raises MeasurementFailed when these readings cannot tell."""
        return self.surely_mb < self.alarm_mb

    @property
    def surely_settled(self) -> bool:
        """Like ``settled``, and false where these readings cannot tell."""
        with suppress(MeasurementFailed):
            return self.settled
        return False

    def _after(self, mb_per_min: float) -> float:
        return median(reading.mb for reading in self.readings) + max(0.0, mb_per_min) * self.horizon_s / _MINUTE_S

    @property
    def measured(self) -> Measured:
        """What the process will hold."""
        return Measured(
            what="memory growth",
            asked=f"< {self.alarm_mb:g} MB after {self.horizon_s / _MINUTE_S:g} min",
            value=self.expected_mb,
            unit="MB",
            n=len(self.readings),
            margin=self.alarm_mb - self.expected_mb,
            definition=(
                f"Theil-Sen slope of the calmer half, {self.mb_per_min:+z.2f} MB/min, over {_span_s(self.readings):.1f} s, "
                f"smallest visible {self.smallest_visible_mb_per_min:.2f} MB/min"
            ),
            sentence=f"memory grows by {self.mb_per_min:+z.2f} MB a minute: {self.expected_mb:.0f} MB in "
            f"{self.horizon_s / _MINUTE_S:g} minutes, expected below {self.alarm_mb:g} MB (n={len(self.readings)} over "
            f"{_span_s(self.readings):.1f} s, smallest visible growth {self.smallest_visible_mb_per_min:.2f} MB a minute)",
        )


def confirmed_growth(look: Callable[[], MemoryGrowth]) -> MemoryGrowth:
    """The first look at which memory is settled, else the last of ``LOOKS_MAX``. ``look`` takes fresh readings each time.

    A process that began anew between two looks clears nobody: what grew before it stands.
    """
    growth = look()
    for _ in range(LOOKS_MAX - 1):
        if growth.surely_settled:
            break
        later = look()
        if restart((*growth.readings, *later.readings)):
            break
        growth = later
    return growth


def restart(readings: Sequence[MemoryReading], start_s: float = 0.0) -> str:
    """Why the readings are not of one process; empty when they are. Moments are told from ``start_s`` on."""
    for before, after in pairwise(readings):
        if before.started_s is not None and after.started_s is not None:
            anew = abs(after.started_s - before.started_s) > _SAME_START_S
            sign = "the process began anew"
        else:
            anew = after.mb < _FELL_TO * before.mb
            sign = f"from {before.mb:.1f} to {after.mb:.1f} MB, as a new process has"
        if anew:
            return f"restarted before +{after.at_s - start_s:.1f} s ({sign}): what it held before that is not known"
    return ""


def frozen(readings: Sequence[MemoryReading]) -> str:
    """Why the figures prove nothing: the page said the same over and over, although it was asked. Empty when it moved.

    Whoever writes the page anew only now and then is given a minute, and one without counters more: its figures may rest.
    """
    runs = [[*each] for page, each in groupby(readings, lambda reading: reading.page) if page]
    longest = max(runs, key=_span_s, default=[])
    if len(longest) < _STILL_MIN:
        return ""
    span_s, n = _span_s(longest), len(longest)
    # A window that the pace made short has no minute.
    short = n >= READINGS_MIN and span_s >= max(_STILL_MIN_S, _STILL_SHARE * _span_s(readings))
    enough_s = _STILL_WITHOUT_COUNTERS_S if not longest[0].counts else _STILL_MIN_S if short else _STILL_MAX_S
    if span_s < enough_s:
        return ""
    return (
        f"the page of metrics did not change for {span_s:.0f} s, in {n} readings, though each was a request of its own: "
        "it is frozen; ask past the cache in front of it, or see why its process counts nothing"
    )


def _usable(readings: Sequence[MemoryReading]) -> None:
    if len(readings) < READINGS_MIN:
        raise MeasurementFailed(f"{len(readings)} readings of memory, {READINGS_MIN} are needed: too few is not green")
    wrong = [reading.mb for reading in readings if not (math.isfinite(reading.mb) and reading.mb > 0)]
    if wrong:
        raise MeasurementFailed(f"memory in use was read as {wrong[0]:g} MB: no process holds that")
    if still := frozen(readings):
        raise MeasurementFailed(f"memory is not known: {still}")


def _span_s(readings: Sequence[MemoryReading]) -> float:
    return max(reading.at_s for reading in readings) - min(reading.at_s for reading in readings)


def _slope(readings: Sequence[MemoryReading]) -> float:
    """MB a second."""
    return median(
        (later.mb - earlier.mb) / (later.at_s - earlier.at_s)
        for earlier, later in combinations(readings, 2)
        if later.at_s != earlier.at_s
    )


def _smallest_visible_slope(readings: Sequence[MemoryReading]) -> float:
    """MB a second."""
    pace = _slope(readings)
    offset = median(reading.mb - pace * reading.at_s for reading in readings)
    scatter = max(abs(reading.mb - pace * reading.at_s - offset) for reading in readings)
    return 2 * max(scatter, _SMALLEST_SCATTER_MB) / _span_s(readings)


@dataclass(frozen=True, kw_only=True)
class MemoryWindowSpec:
    """What is asked. ValueError when a figure makes no sense."""

    limit_mb: float
    """Every reading must stay strictly below this."""
    alarm_mb: float
    """The level that asks for a rollback."""
    duration_s: float
    """How long is observed."""
    asked_s: float
    """How long the plan asks for."""
    readings_min: int
    gap_max_s: float
    """The longest time without a usable reading."""

    def __post_init__(self) -> None:
        """Refuse figures that could never be judged."""
        for name in ("limit_mb", "alarm_mb", "duration_s", "asked_s", "gap_max_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"window on memory: {name} must be a number above 0, it is {value}")
        if self.readings_min < 1:
            raise ValueError(
                f"window on memory: readings_min must be above 0, not {self.readings_min}: empty is not green"
            )


@dataclass(frozen=True)
class MissedReading:
    """A moment at which memory was asked for and not told."""

    at_s: float
    why: str
    cause: str = ""
    """What stood in the way, and in that of others."""


@dataclass(frozen=True, repr=False)
class MemoryWindow(WindowResult):
    """How the level stands over a window, with what it rests on."""

    spec: MemoryWindowSpec
    state: WindowState
    reason: str
    readings: tuple[MemoryReading, ...]
    """The usable ones inside the window."""
    observed_s: float
    cause: str = ""

    @property
    def value(self) -> float | None:
        """The highest reading, in MB; None when there is none."""
        return max((reading.mb for reading in self.readings), default=None)

    @property
    def margin(self) -> float | None:
        """How far the highest reading is below the limit; negative when above."""
        return None if self.value is None else self.spec.limit_mb - self.value

    @property
    def trend(self) -> "MemoryTrend":
        """Where it leads. Raises MeasurementFailed when the window is not complete, or not known."""
        if self.state is not WindowState.MET:
            raise MeasurementFailed(f"where memory leads is judged over a complete window: {self}", cause=self.cause)
        return MemoryTrend(self)

    @property
    def number(self) -> float:
        """The highest reading, in MB, to compare with the limit. Raises MeasurementFailed where the window is not known."""
        return self.decided(self.value)

    @property
    def measured(self) -> Measured:
        """The highest reading."""
        found = "" if self.value is None else f"up to {self.value:.1f} MB"
        return Measured(
            what="memory",
            asked=f"< {self.spec.limit_mb:g} MB for {self.spec.asked_s:g} s",
            value=self.value,
            unit="MB",
            n=len(self.readings),
            margin=self.margin,
            definition=f"the highest reading, observed {self.observed_s:.0f} s",
            proviso=self.proviso,
            sentence=f"{self.headed('memory', found)}, asked below {self.spec.limit_mb:g} MB (n={len(self.readings)}), observed "
            f"{self.observed_s:.0f} s of {self.spec.asked_s:g} s asked" + (f": {self.reason}" if self.reason else ""),
            cause=self.cause,
        )


@dataclass(frozen=True, repr=False)
class MemoryTrend(Fact):
    """Where the memory of a complete window leads, at its robust slope.

    It reaches neither the limit in as long again as was observed, nor the level that asks for a rollback within the plan's time.
    """

    window: MemoryWindow

    @property
    def growth(self) -> MemoryGrowth:
        """Towards the level that asks for a rollback, or towards the limit: whichever is nearer at this pace."""
        spec, readings = self.window.spec, self.window.readings
        towards = (
            MemoryGrowth(readings, alarm_mb=spec.limit_mb, horizon_s=self.window.observed_s),
            MemoryGrowth(readings, alarm_mb=spec.alarm_mb, horizon_s=spec.asked_s),
        )
        return min(towards, key=lambda growth: growth.alarm_mb - growth.expected_mb)

    @property
    def measured(self) -> Measured:
        """What the process will hold."""
        return self.growth.measured


def judge_memory(
    readings: Sequence[MemoryReading],
    missed: Sequence[MissedReading],
    spec: MemoryWindowSpec,
    *,
    start_s: float,
    now_s: float,
) -> MemoryWindow:
    """Judge SC-3 over the window that began at ``start_s``, as it is known at ``now_s``. ``missed`` only says why there is a hole.

    *Low* fails fast, at the first reading at or above the limit, and passes late. *Stable* is judged when the window is complete
    (``MemoryTrend``). Unknown, never met: too few readings, a hole between them, a restart of the process, which hides what was held
    before it: it is seen by the moment of the process' start where the product tells it, else by a level that fell by more than half from
    one reading to the next. Broken comes before unknown.
    """
    end_s = start_s + spec.duration_s
    reach_s = max(start_s, min(now_s, end_s))
    complete = now_s >= end_s
    inside = [reading for reading in readings if start_s <= reading.at_s < end_s]
    usable = tuple(sorted((reading for reading in inside if _is_amount(reading.mb)), key=lambda reading: reading.at_s))
    broken = _reached(usable, spec, start_s)
    unknown = restart(usable, start_s) or _gap(usable, missed, spec, start_s, reach_s)
    unknown = unknown or (frozen(usable) if complete else "")
    if complete and len(usable) < spec.readings_min:
        unknown = unknown or f"{len(usable)} usable readings, {spec.readings_min} are needed"
    state, reason = standing(broken, unknown, complete=complete)
    # Where something was read, that is the window's own story.
    cause = "" if usable or state is not WindowState.UNKNOWN else _cause([miss for miss in missed if miss.at_s < end_s])
    return MemoryWindow(spec, state, reason, usable, reach_s - start_s, cause)


def _cause(missed: Sequence[MissedReading]) -> str:
    causes = {miss.cause for miss in missed}
    return causes.pop() if len(causes) == 1 else ""


def _is_amount(mb: float) -> bool:
    return math.isfinite(mb) and mb > 0


def _reached(readings: Sequence[MemoryReading], spec: MemoryWindowSpec, start_s: float) -> str:
    first = next((reading for reading in readings if reading.mb >= spec.limit_mb), None)
    return "" if first is None else f"{first.mb:.1f} MB at +{first.at_s - start_s:.1f} s"


def _gap(
    readings: Sequence[MemoryReading],
    missed: Sequence[MissedReading],
    spec: MemoryWindowSpec,
    start_s: float,
    reach_s: float,
) -> str:
    edges = [start_s, *(reading.at_s for reading in readings if reading.at_s < reach_s), reach_s]
    length_s, since_s = max((after - before, before) for before, after in pairwise(edges))
    if length_s <= spec.gap_max_s:
        return ""
    reasons = [miss.why for miss in missed if since_s <= miss.at_s <= since_s + length_s]
    instead = f"; {reasons[-1]}" if reasons else ""
    since = f"from +{since_s - start_s:.1f} s of the watch on"
    return f"no usable reading for {length_s:.1f} s {since} (tolerated {spec.gap_max_s:g} s){instead}"
