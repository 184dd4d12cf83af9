"""A load test second by second: asked, sent, answered well, failed, and how long it took. For tables and plots; it decides nothing."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pam_rollback.load.generator import steps_of
from pam_rollback.load.record import LoadRecord, LoadRequest
from pam_rollback.stats.percentiles import percentile

PERCENTILES = (50.0, 95.0, 99.0)


@dataclass(frozen=True)
class LoadSecond:
    """One second of one target, by the due time."""

    second: int
    target: str
    asked_hz: float | None
    due: int
    sent: int
    fine: int
    failed: int
    latency_ms: tuple[float, ...]
    """The percentiles of what was answered well, or failed late, by ``PERCENTILES``; empty: nothing was. A quick failure is not fast."""


def seconds_of(record: LoadRecord, *, slow_ms: float) -> tuple[LoadSecond, ...]:
    """Give every second of every target, in order; one without a request has zeros, and no percentile."""
    return tuple(_seconds(record, slow_ms))


def targets_of(record: LoadRecord) -> tuple[str, ...]:
    """Who was asked, in the order of the first request."""
    return tuple(dict.fromkeys(one.target for one in record.requests))


def _seconds(record: LoadRecord, slow_ms: float) -> Iterator[LoadSecond]:
    steps, targets = steps_of(record), targets_of(record)
    found: dict[tuple[int, str], list[LoadRequest]] = defaultdict(list)
    for one in record.requests:
        found[math.floor(one.due_s - record.began_s), one.target].append(one)
    for second in range(math.ceil(record.ended_s - record.began_s)):
        middle_s = record.began_s + second + 0.5
        rate_hz = next((step.rate_hz for step in steps if step.from_s <= middle_s < step.until_s), None)
        for target in targets:
            asked_hz = None if rate_hz is None else rate_hz / len(targets)
            yield _second(second, target, asked_hz, found.get((second, target), []), slow_ms)


def _second(second: int, target: str, asked_hz: float | None, due: Sequence[LoadRequest], slow_ms: float) -> LoadSecond:
    sent = [one for one in due if one.left]
    times = [one.latency_ms for one in sent if math.isfinite(one.done_s) and (one.ok or one.latency_ms >= slow_ms)]
    fine = sum(one.ok for one in sent)
    latency_ms = tuple(percentile(times, pct).value for pct in PERCENTILES) if times else ()
    return LoadSecond(second, target, asked_hz, len(due), len(sent), fine, len(sent) - fine, latency_ms)
