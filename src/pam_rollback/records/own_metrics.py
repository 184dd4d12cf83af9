"""Memory by the product's own metrics, as far as they are those of the process that answers its users."""

import time
from collections.abc import Callable

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.environment.environment import Environment
from pam_rollback.outside.http import fetch
from pam_rollback.product.conditions import Nowhere, value_at
from pam_rollback.product.contract import Mark
from pam_rollback.records.memory import MemoryReading
from pam_rollback.records.metrics import read_memory

_AGREES_S = 30.0
"""So far apart the starts of two processes of one deploy may be."""
_ASKED_EVERY_S = 60.0
_ASKED_MAX = 3
"""Of several processes another one may answer the first time."""


def memory_reader(environment: Environment) -> Callable[[], MemoryReading]:
    """Reads once at each call. Raises MeasurementFailed as ``read_memory``, and where the figures are of another process."""
    url, deadline_s = environment.url_of("metrics"), environment.probing.request_deadline_s
    marks = [mark for mark in environment.contract.marks if mark.tells == "uptime_s"]
    asked_again_s = 0.0

    def read() -> MemoryReading:
        nonlocal asked_again_s
        reading = read_memory(url, deadline_s=deadline_s)
        if marks and reading.started_s is not None and time.monotonic() >= asked_again_s:
            _refuse_another(environment, marks[0], reading.started_s, url)
            asked_again_s = time.monotonic() + _ASKED_EVERY_S
        return reading

    return read


def _refuse_another(environment: Environment, mark: Mark, started_s: float, url: str) -> None:
    """What does not tell how old it is refutes nothing."""
    apart = 0.0
    for _ in range(_ASKED_MAX):
        answer = fetch(
            f"{getattr(environment.urls, mark.site)}{mark.path}", deadline_s=environment.probing.request_deadline_s
        )
        try:
            apart = started_s - (time.time() - float(value_at(answer.json, mark.pointer)))
        except (Nowhere, TypeError, ValueError):
            return
        if abs(apart) <= _AGREES_S:
            return
    raise MeasurementFailed(
        f"memory is not known: {url} tells of a process that began {abs(apart):.0f} s {'after' if apart > 0 else 'before'} the one "
        f"that answers users, by {mark.title}: whose figures are they? See [paths] metrics"
    )
