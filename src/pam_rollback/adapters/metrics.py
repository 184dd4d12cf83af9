"""The product's own metrics, in Prometheus' text format."""

import math
import time
from http import HTTPStatus

from pam_rollback.adapters.http import fetch
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.memory import MemoryReading

MEMORY = "pam_memory_usage_bytes"
STARTED = "process_start_time_seconds"
"""Optional: with it a restart is seen even when the new process holds as much as the old one."""
_MB = 1e6


def read_memory(url: str, *, deadline_s: float, name: str = MEMORY) -> MemoryReading:
    """Read how much memory the product holds. With several processes in one answer the largest counts: the limit is for each.

    Raises MeasurementFailed when the endpoint does not say: no answer, another status, no metrics, not this one, not a number.
    """
    answer = fetch(url, deadline_s=deadline_s)
    at_s = time.monotonic()
    if answer.problem or answer.http_status != HTTPStatus.OK:
        raise MeasurementFailed(f"memory is not known: expected metrics, found {answer}")
    # Costs 70 ms to load, and most sessions read no metrics.
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

    try:
        text = answer.body.decode("utf-8")
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    except (ValueError, KeyError, IndexError) as error:
        raise MeasurementFailed(
            f"memory is not known: {url} answers what is not Prometheus' text format ({error}): {answer.text}"
        ) from None
    values = [sample.value for sample in samples if sample.name == name]
    starts = [sample.value for sample in samples if sample.name == STARTED and math.isfinite(sample.value)]
    if not values:
        raise MeasurementFailed(
            f"memory is not known: {url} has no {name} ({len(answer.body)} bytes came); "
            'is this the right [paths] metrics? If the product has none, take "metrics" out of abilities'
        )
    if not all(map(math.isfinite, values)):
        raise MeasurementFailed(f"memory is not known: {url} says {name} is {values}")
    # Of several processes the youngest: whichever begins anew, this moment moves.
    return MemoryReading(at_s=at_s, mb=max(values) / _MB, started_s=max(starts, default=None))
