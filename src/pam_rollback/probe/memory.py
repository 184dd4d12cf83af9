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

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import ErrorRateGoal, MemoryGoal, MemoryTrigger
from pam_rollback.probe.measure import Bin, Reach, Terms, Told, Window, WindowState, held, shortened_gap_s
from pam_rollback.stats.series import Quantity

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
_READINGS_SPARE = 2
_LONGEST_PAUSE_S, _SHORTEST_PAUSE_S = 10.0, 0.1
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


def confirmed_growth(look: Callable[[int], MemoryGrowth | None]) -> MemoryGrowth:
    """The first look at which memory is settled, else the last of ``LOOKS_MAX``. ``look`` takes fresh readings each time.

    A process that began anew between two looks clears nobody, nor does a look that shows nothing (None): what grew before it stands.
    """
    growth = look(0)
    assert growth is not None, "what is looked at again was seen"
    for number in range(1, LOOKS_MAX):
        later = None if growth.surely_settled else look(number)
        if later is None or restart((*growth.readings, *later.readings)):
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


# ---------------------------------------------------------------- a window


@dataclass(frozen=True, kw_only=True)
class MemoryWindowSpec(Terms):
    """What is asked of memory: every reading stays below the limit, and memory is not on its way to the alarm."""

    measure: Quantity = Quantity.MEMORY_MB
    alarm_mb: float
    """The level that asks for a rollback."""


@dataclass(frozen=True)
class MissedReading:
    """A moment at which memory was asked for and not told."""

    at_s: float
    why: str
    cause: str = ""
    """What stood in the way, and in that of others."""


@dataclass(frozen=True, repr=False, kw_only=True)
class MemoryWindow(Window):
    """How the level stands over a window, by its highest reading."""

    spec: MemoryWindowSpec
    readings: tuple[MemoryReading, ...]
    """The usable ones inside the window."""

    @property
    def trend(self) -> MemoryGrowth:
        """Where the memory of a complete window leads, at its robust slope. Raises MeasurementFailed when it is not complete, or not known.

        It must reach neither the limit in as long again as was observed, nor the level that asks for a rollback within the plan's time:
        whichever is nearer at this pace.
        """
        if self.state is not WindowState.MET:
            raise MeasurementFailed(f"where memory leads is judged over a complete window: {self}", cause=self.cause)
        towards = (
            MemoryGrowth(self.readings, alarm_mb=self.spec.limit, horizon_s=self.observed_s),
            MemoryGrowth(self.readings, alarm_mb=self.spec.alarm_mb, horizon_s=self.asked_s),
        )
        return min(towards, key=lambda growth: growth.alarm_mb - growth.expected_mb)


def judge_memory(
    readings: Sequence[MemoryReading],
    missed: Sequence[MissedReading],
    spec: MemoryWindowSpec,
    *,
    start_s: float,
    now_s: float,
) -> MemoryWindow:
    """Judge SC-3 over the window that began at ``start_s``, as it is known at ``now_s``. ``missed`` only says why there is a hole.

    *Low* fails fast, at the first reading at or above the limit. *Stable* is judged when the window is complete (``MemoryWindow.trend``). A
    restart of the process hides what was held before it: it is seen by the moment of the process' start where the product tells it, else by
    a level that fell by more than half from one reading to the next.
    """
    reach = Reach.of(start_s, spec.duration_s, now_s)
    end_s = start_s + spec.duration_s
    inside = [one for one in readings if start_s <= one.at_s < end_s and math.isfinite(one.mb) and one.mb > 0]
    usable = tuple(sorted(inside, key=lambda one: one.at_s))
    highest = max((one.mb for one in usable), default=None)
    reached = next((one for one in usable if one.mb >= spec.limit), None)
    few = f"{len(usable)} usable readings, {spec.n_min} are needed" if len(usable) < spec.n_min else ""

    def instead(hole: Bin) -> str:
        return next((one.why for one in reversed(missed) if hole.from_s <= one.at_s <= hole.until_s), "")

    told = Told(
        reach=reach,
        known=[one.at_s for one in usable],
        lost=f"{reached.mb:.1f} MB at +{reached.at_s - start_s:.1f} s" if reached else "",
        unfit=restart(usable, start_s),
        lacking=(frozen(usable) or few) if reach.complete else "",
        what="usable reading",
        hides="a peak",
        instead=instead,
    )
    found = held(told, gap_max_s=spec.gap_max_s)
    causes = {one.cause for one in missed if one.at_s < end_s}
    # Where something was read, that is the window's own story.
    cause = causes.pop() if len(causes) == 1 and not usable and found.state is WindowState.UNKNOWN else ""
    return MemoryWindow(
        spec=spec,
        state=found.state,
        reason=found.reason,
        value=highest,
        at_least=highest,
        n=len(usable),
        observed_s=reach.observed_s,
        definition="the highest reading",
        cause=cause,
        readings=usable,
    )


def memory_spec(plan: Plan, *, pace: float) -> MemoryWindowSpec:
    """What is asked of the memory of the product's process."""
    goal = plan.the(MemoryGoal)
    return MemoryWindowSpec(
        limit=goal.memory_mb_max,
        alarm_mb=plan.the(MemoryTrigger).memory_mb_max,
        duration_s=goal.duration_s / pace,
        asked_s=goal.duration_s,
        n_min=goal.samples_min,
        gap_max_s=shortened_gap_s(goal.gap_s_max, pace),
    )


def reading_every_s(spec: MemoryWindowSpec) -> float:
    """Often enough for twice the readings that are needed, and every 10 s at least: a peak between two readings is not seen."""
    return max(_SHORTEST_PAUSE_S, min(_LONGEST_PAUSE_S, spec.duration_s / (_READINGS_SPARE * spec.n_min)))
