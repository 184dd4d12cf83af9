"""The product's own metrics, in Prometheus' text format."""

import math
import re
import time
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.outside_text import cut
from pam_rollback.outside.http import fetch
from pam_rollback.records.memory import MemoryReading

MEMORY = "pam_memory_usage_bytes"
STARTED = "process_start_time_seconds"
"""Optional: with it a restart is seen even when the new process holds as much as the old one."""
_MB = 1e6
_SHOWN_CHARACTERS = 120
_COUNTER = re.compile(r"^\w+_(?:total|count|sum)[{ ]", re.MULTILINE)
_MAY_BE_METRICS = re.compile(r"[#a-zA-Z_:]|$")


def read_memory(url: str, *, deadline_s: float) -> MemoryReading:
    """Read how much memory the product holds. With several processes in one answer the largest counts: the limit is for each.

    Raises MeasurementFailed when the endpoint does not say: no answer, another status, no metrics, not this one, not a number.
    """
    at_s, samples, text = _read(url, "memory", deadline_s=deadline_s, only=(MEMORY, STARTED))
    values = [sample.value for sample in samples if sample.name == MEMORY]
    starts = [sample.value for sample in samples if sample.name == STARTED and math.isfinite(sample.value)]
    if not values:
        raise MeasurementFailed(
            f"memory is not known: {url} has no {MEMORY} ({len(samples)} other samples came); "
            'is this the right [paths] metrics? If the product has none, take "metrics" out of abilities'
        )
    if not all(map(math.isfinite, values)):
        raise MeasurementFailed(f"memory is not known: {url} says {MEMORY} is {values}")
    # Of several processes the youngest: whichever begins anew, this moment moves.
    started_s = max(starts, default=None)
    page = sha256(text.encode()).hexdigest()
    return MemoryReading(at_s, max(values) / _MB, started_s, page, counts=bool(_COUNTER.search(text)))


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
