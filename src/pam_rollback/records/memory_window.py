"""Memory low and stable for a time: the plan's SC-3, over readings of the product's own metric; MB are 10^6 bytes.

* **Low** fails fast: a reading at or above the limit breaks the window at once. It passes late: *met* only when the window is complete.
* **Stable** is judged when the window is complete, by the robust slope of ``records/memory.py``: at that pace memory reaches
  neither the limit in as long again as was observed, nor the level that asks for a rollback (IR-6) in the time that the plan asks for.
* *Unknown*, never met: too few readings, a hole between them, a restart of the process. A restart hides what was held before it: it is
  seen by the moment of the process' start where the product tells it, else by a level that fell by more than half from one reading to the
  next. Broken comes before unknown.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.observation.window_state import WindowResult, WindowState, standing
from pam_rollback.records.memory import MemoryGrowth, MemoryReading, frozen, restart


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
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what="memory",
            asked=f"< {self.spec.limit_mb:g} MB for {self.spec.asked_s:g} s",
            measured=self.value,
            unit="MB",
            n=len(self.readings),
            margin=self.margin,
            definition=f"the highest reading, observed {self.observed_s:.0f} s",
            proviso=self.proviso,
        )

    def __str__(self) -> str:
        found = "" if self.value is None else f"up to {self.value:.1f} MB"
        return (
            f"{self.headed('memory', found)}, asked below {self.spec.limit_mb:g} MB (n={len(self.readings)}), observed "
            f"{self.observed_s:.0f} s of {self.spec.asked_s:g} s asked" + (f": {self.reason}" if self.reason else "")
        )


@dataclass(frozen=True, repr=False)
class MemoryTrend(Sentence):
    """Where the memory of a complete window leads."""

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
    def stable(self) -> bool:
        """Memory leads to neither. Raises MeasurementFailed when the readings scatter too much to tell."""
        return self.growth.settled

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return self.growth.figures

    def __str__(self) -> str:
        return str(self.growth)


def judge_memory(
    readings: Sequence[MemoryReading],
    missed: Sequence[MissedReading],
    spec: MemoryWindowSpec,
    *,
    start_s: float,
    now_s: float,
) -> MemoryWindow:
    """Judge the window that began at ``start_s``, as it is known at ``now_s``. ``missed`` only says why there is a hole."""
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
    """What stood in the way of all of them; empty where that differs."""
    causes = {miss.cause for miss in missed}
    return causes.pop() if len(causes) == 1 else ""


def _is_amount(mb: float) -> bool:
    return math.isfinite(mb) and mb > 0


def _reached(readings: Sequence[MemoryReading], spec: MemoryWindowSpec, start_s: float) -> str:
    """Why it is not low, whatever comes; empty when it is."""
    first = next((reading for reading in readings if reading.mb >= spec.limit_mb), None)
    return "" if first is None else f"{first.mb:.1f} MB at +{first.at_s - start_s:.1f} s"


def _gap(
    readings: Sequence[MemoryReading],
    missed: Sequence[MissedReading],
    spec: MemoryWindowSpec,
    start_s: float,
    reach_s: float,
) -> str:
    """Why a hole between the readings is too long, and what was answered instead; empty when none is."""
    edges = [start_s, *(reading.at_s for reading in readings if reading.at_s < reach_s), reach_s]
    length_s, since_s = max((after - before, before) for before, after in pairwise(edges))
    if length_s <= spec.gap_max_s:
        return ""
    reasons = [miss.why for miss in missed if since_s <= miss.at_s <= since_s + length_s]
    instead = f"; {reasons[-1]}" if reasons else ""
    since = f"from +{since_s - start_s:.1f} s of the watch on"
    return f"no usable reading for {length_s:.1f} s {since} (tolerated {spec.gap_max_s:g} s){instead}"
