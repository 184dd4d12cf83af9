"""What the servers' own records say about a window, and what the prober saw, as the same points.

Records without the requests that we made ourselves are about something else.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.observation.samples import Sample
from pam_rollback.observation.window_state import WindowState
from pam_rollback.records.memory import READINGS_MIN, SPAN_MIN_S, MemoryReading
from pam_rollback.records.series_window import SeriesWindow
from pam_rollback.stats.series import Answers, Evidence, Latencies, Point, Quantity, Series, from_evidence

_WHERE = "the prober"


@dataclass(frozen=True)
class SampledSource:
    """One quantity from samples: a ``stats.series.Source``. ``samples`` gives those that were due in a time and are recorded."""

    quantity: Quantity
    samples: Callable[[float, float], Iterable[Sample]]
    step_s: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what nobody sees from outside."""
        if self.quantity is Quantity.MEMORY_MB:
            raise ValueError("a prober sees no memory")

    def read(self, since_s: float, until_s: float) -> Series:
        """Everything that was due from ``since_s`` until ``until_s``, in whole steps."""
        by_step: dict[int, list[Sample]] = {}
        for sample in self.samples(since_s, until_s):
            by_step.setdefault(math.floor((sample.due_s - since_s) / self.step_s), []).append(sample)
        number = max(0, math.floor((until_s - since_s) / self.step_s + 1e-9))
        return Series(self.quantity, _WHERE, self.step_s, tuple(self._points(by_step, since_s, number)))

    def _points(self, by_step: dict[int, list[Sample]], since_s: float, number: int) -> Iterator[Point]:
        for index in range(number):
            at_s = since_s + self.step_s * (index + 1)
            measured = [sample for sample in by_step.get(index, []) if sample.measured()]
            evidence = self._evidence(measured)
            yield from_evidence(at_s, evidence) if evidence else Point(at_s, None, why="no probe was measured")

    def _evidence(self, measured: list[Sample]) -> Evidence | None:
        if self.quantity is Quantity.ERROR_RATE_PCT:
            return Answers(len(measured), sum(not sample.ok for sample in measured)) if measured else None
        # An answer that failed quickly says nothing about speed.
        latencies = tuple(sample.latency_ms for sample in measured if sample.ok)
        return Latencies(latencies) if latencies else None


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
class RecordedWindow(Sentence):
    """A window over the records. ``own`` are our own requests to the same servers in that time; None: not to be told apart there."""

    window: SeriesWindow
    own: Answers | None = None

    @property
    def held(self) -> bool:
        """Whether the criterion held for its time. Raises MeasurementFailed when the records do not say, or not about this service."""
        if self.cut_short:
            raise MeasurementFailed(str(self))
        if not self.window.met:
            return False
        # What was not answered to us may never have arrived there.
        answered = 0.0 if self.own is None else self.own.n - self.own.bad
        if self.window.n < SEEN_SHARE_MIN * answered:
            raise MeasurementFailed(
                f"{self}: expected our own {answered:g} requests of that time among them; are these the records of this service?"
            )
        return True

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        figures = self.window.figures
        return replace(figures, definition=f"{figures.definition}{self._beside}")

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

    def __str__(self) -> str:
        return f"{self.window}{self._beside}" + (
            "; not waited for: another measure is broken" if self.cut_short else ""
        )
