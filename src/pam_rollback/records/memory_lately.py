"""What memory did lately, for somebody who looks over and over: by the product's own metrics, else by its servers' records."""

import time
from collections.abc import Callable

from pam_rollback.probe.memory import READINGS_MIN, MemoryReading, restart
from pam_rollback.probe.memory_readings import memory_reader
from pam_rollback.records.prometheus import prometheus_of, sources
from pam_rollback.rollback import kept_host_records as host_records
from pam_rollback.stats.series import Quantity, Source
from pam_rollback.target.environment import Environment

KEPT = 2 * READINGS_MIN
"""So many readings tell a leak from a step: growth is judged by halves of them."""
_ASKED = KEPT + READINGS_MIN
"""Steps of records: the latest may be late, and some are lost."""
Lately = Callable[[], tuple[MemoryReading, ...]]
"""The latest readings of one process, at most ``KEPT``, the oldest first. Raises MeasurementFailed when nobody tells."""


def memory_lately(environment: Environment) -> Lately | None:
    """By the first that is declared; None where nobody is. The product's own metrics are read once at each call."""
    if "metrics" in environment.abilities:
        return Kept(memory_reader(environment))
    if host_records.ABILITY in environment.abilities:
        records = host_records.host_records(environment)
        return recorded(records.sources[Quantity.MEMORY_MB], records.step_s)
    settings = environment.prometheus
    if settings is None or not settings.memory_bytes:
        return None
    return recorded(sources(prometheus_of(environment), settings)[Quantity.MEMORY_MB], settings.step_s)


class Kept:
    """Readings that are taken one at a time. Those of a process that is gone are forgotten."""

    def __init__(self, read: Callable[[], MemoryReading]) -> None:
        self._read = read
        self._readings: list[MemoryReading] = []

    def __call__(self) -> tuple[MemoryReading, ...]:
        """With one more."""
        latest = self._read()
        if restart((*self._readings[-1:], latest)):
            self._readings.clear()
        self._readings = [*self._readings, latest][-KEPT:]
        return tuple(self._readings)


def recorded(source: Source, step_s: float) -> Lately:
    """Readings that somebody else keeps: those since the last restart."""

    def lately() -> tuple[MemoryReading, ...]:
        now_s = time.monotonic()
        series = source.read(now_s - _ASKED * step_s, now_s)
        since_s = max(series.restarts, default=-float("inf"))
        known = ((point.at_s, point.value) for point in series.points if point.at_s >= since_s)
        return tuple(MemoryReading(at_s, value) for at_s, value in known if value is not None)[-KEPT:]

    return lately
