"""How many requests a second a service had at its busiest, from what its process counts: the load under which an incident was seen."""

from collections.abc import Iterator, Sequence

from pam_rollback.records.rules.memory import MemoryReading

SPAN_S = 5.0
"""Over less, some requests that happen to come together look like a load."""


def busiest_hz(readings: Sequence[MemoryReading]) -> float | None:
    """The most requests a second over some ``SPAN_S`` seconds of one process. None when no process was read for so long, or none counts."""
    return max((rate for run in _runs(readings) for rate in _rates(run)), default=None)


def _runs(readings: Sequence[MemoryReading]) -> Iterator[list[tuple[float, float]]]:
    """Moments and counts of one process at a time: what began anew counts from 0."""
    run: list[tuple[float, float]] = []
    started_s: float | None = None
    for reading in readings:
        fell = bool(run) and reading.requests is not None and reading.requests < run[-1][1]
        if reading.requests is None or reading.started_s != started_s or fell:
            yield run
            run, started_s = [], reading.started_s
        if reading.requests is not None:
            run.append((reading.at_s, reading.requests))
    yield run


def _rates(run: Sequence[tuple[float, float]]) -> Iterator[float]:
    end = 0
    for at_s, count in run:
        while end < len(run) and run[end][0] - at_s < SPAN_S:
            end += 1
        if end == len(run):
            return
        yield (run[end][1] - count) / (run[end][0] - at_s)
