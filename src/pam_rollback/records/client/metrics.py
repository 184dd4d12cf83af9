"""The product's own metrics, in Prometheus' text format."""

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.outside_text import cut
from pam_rollback.outside.http import fetch
from pam_rollback.records.rules.memory import MemoryReading
from pam_rollback.records.rules.servers_count import ServersCount
from pam_rollback.stats.counters import RawSeries, StatusRule, count, error_rate_points, p95_points
from pam_rollback.stats.histogram import Histogram
from pam_rollback.stats.series import Answers

MEMORY = "pam_memory_usage_bytes"
STARTED = "process_start_time_seconds"
"""Optional: with it a restart is seen even when the new process holds as much as the old one."""
REQUESTS = "pam_requests_total"
TIMES = "pam_request_duration_seconds_bucket"
_MB = 1e6
_SHOWN_CHARACTERS = 120
_COUNTER = re.compile(r"^\w+_(?:total|count|sum)[{ ]", re.MULTILINE)
_MAY_BE_METRICS = re.compile(r"[#a-zA-Z_:]|$")


@dataclass(frozen=True)
class RequestCounters:
    """What the product has counted so far: requests by status, and how long they took, since its process began."""

    url: str
    at_s: float
    values: Mapping[tuple[str, tuple[tuple[str, str], ...]], float]
    """By the name of the series and its labels."""
    started_s: float | None


def read_requests(url: str, *, deadline_s: float) -> RequestCounters:
    """Read the counters of requests. Raises MeasurementFailed when the endpoint has none."""
    at_s, samples, _ = _read(url, "the servers' count of requests", deadline_s=deadline_s)
    values = {
        (one.name, tuple(sorted(one.labels.items()))): one.value for one in samples if one.name in {REQUESTS, TIMES}
    }
    starts = [one.value for one in samples if one.name == STARTED and math.isfinite(one.value)]
    if not any(name == REQUESTS for name, _ in values):
        raise MeasurementFailed(
            f"the servers' count of requests is not known: {url} has no {REQUESTS} ({len(samples)} other samples came); "
            'is this the right [paths] metrics? If the product has none, take "metrics" out of abilities'
        )
    return RequestCounters(url, at_s, values, max(starts, default=None))


def counted_between(before: RequestCounters, after: RequestCounters) -> ServersCount:
    """What was counted from one reading to the other. Raises MeasurementFailed when the process began anew between them."""
    where = f"the product's own metrics at {after.url}"
    answers: list[Answers] = []
    times: Histogram | None = None
    why_no_times = f"there is no {TIMES}"
    for name in (REQUESTS, TIMES):
        raw = [
            RawSeries(dict(labels), _samples(before, after, (series, labels)))
            for series, labels in after.values.keys() | before.values.keys()
            if series == name
        ]
        starts = [
            RawSeries({}, ((before.at_s, before.started_s or 0.0), (after.at_s, after.started_s or 0.0))),
        ]
        length_s = after.at_s - before.at_s
        steps = count(raw, start_s=before.at_s, end_s=after.at_s, step_s=length_s, started=starts).steps
        if name == REQUESTS:
            points = list(error_rate_points(steps, StatusRule()))
            answers += [one.evidence for one in points if isinstance(one.evidence, Answers)]
            problem = next((one.why for one in points if one.evidence is None and "no request" not in one.why), "")
            if problem or not points:
                raise MeasurementFailed(
                    f"the servers' count of requests is not known: {where}: {problem or 'no time passed'}"
                )
        elif raw:
            for one in p95_points(steps):
                times, why_no_times = (one.evidence, "") if isinstance(one.evidence, Histogram) else (None, one.why)
    n, bad = (round(sum(getattr(one, part) for one in answers)) for part in ("n", "bad"))
    return ServersCount(where, n, bad, times, why_no_times)


def read_memory(url: str, *, deadline_s: float) -> MemoryReading:
    """Read how much memory the product holds. With several processes in one answer the largest counts: the limit is for each.

    Raises MeasurementFailed when the endpoint does not say: no answer, another status, no metrics, not this one, not a number.
    """
    at_s, samples, text = _read(url, "memory", deadline_s=deadline_s, only=(MEMORY, STARTED, REQUESTS))
    values = [sample.value for sample in samples if sample.name == MEMORY]
    starts = [sample.value for sample in samples if sample.name == STARTED and math.isfinite(sample.value)]
    if not values:
        raise MeasurementFailed(
            f"memory is not known: {url} has no {MEMORY} ({len(samples)} other samples came); "
            'is this the right [paths] metrics? If the product has none, take "metrics" out of abilities'
        )
    if not all(map(math.isfinite, values)):
        raise MeasurementFailed(f"memory is not known: {url} says {MEMORY} is {values}")
    counts = [sample.value for sample in samples if sample.name == REQUESTS and math.isfinite(sample.value)]
    # Of several processes the youngest: whichever begins anew, this moment moves.
    started_s, requests = max(starts, default=None), sum(counts) if counts else None
    page = sha256(text.encode()).hexdigest()
    return MemoryReading(at_s, max(values) / _MB, started_s, requests, page, counts=bool(_COUNTER.search(text)))


def _samples(
    before: RequestCounters, after: RequestCounters, key: tuple[str, tuple[tuple[str, str], ...]]
) -> tuple[tuple[float, float], ...]:
    return tuple((reading.at_s, reading.values[key]) for reading in (before, after) if key in reading.values)


def _read(url: str, what: str, *, deadline_s: float, only: tuple[str, ...] = ()) -> tuple[float, list[Any], str]:
    """Everything that stands there, when it was read, and its text. Raises MeasurementFailed, in the name of ``what``.

    ``only``: series that begin so are enough, where the first of them is there. Memory is read up to ten times a second, and the histograms
    of a page take most of the parser's time.
    """
    answer = fetch(url, deadline_s=deadline_s)
    at_s = time.monotonic()
    if answer.problem or answer.http_status != HTTPStatus.OK:
        raise MeasurementFailed(f"{what} is not known: expected metrics, found {answer}", cause=answer.cause)
    # Costs 70 ms to load, and most sessions read no metrics.
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

    try:
        whole = text = answer.body.decode("utf-8")
        lines = text.split("\n")
        if any(line.startswith(only[:1]) for line in lines) and all(map(_MAY_BE_METRICS.match, lines)):
            text = "".join(f"{line}\n" for line in lines if line.startswith(only))
        return at_s, [one for family in text_string_to_metric_families(text) for one in family.samples], whole
    except (ValueError, KeyError, IndexError) as error:
        raise MeasurementFailed(
            f"{what} is not known: {url} answers what is not Prometheus' text format ({cut(str(error), _SHOWN_CHARACTERS)}): {answer.text}"
        ) from None
