"""Memory by the product's own metrics (Prometheus' text format), as far as they are those of the process that answers its users."""

import math
import re
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.outside_text import cut
from pam_rollback.http.client import fetch
from pam_rollback.probe.memory import MemoryReading, MissedReading
from pam_rollback.target.conditions import Nowhere, value_at
from pam_rollback.target.contract import Mark
from pam_rollback.target.environment import Environment

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


class MemoryWatch:
    """A thread that reads every ``every_s`` seconds. Also a context manager that ends it.

    What could not be read is kept with its reason and is a hole, never a reading. Should the thread itself end, that is a hole too.
    """

    def __init__(self, read: Callable[[], MemoryReading], every_s: float) -> None:
        self._read = read
        self._every_s = every_s
        self._readings: list[MemoryReading] = []
        self._missed: list[MissedReading] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory watch", daemon=True)
        self._thread.start()

    @property
    def readings(self) -> tuple[MemoryReading, ...]:
        """Everything that was read so far."""
        return tuple(self._readings)

    @property
    def missed(self) -> tuple[MissedReading, ...]:
        """Every moment at which it could not be read, and why."""
        return tuple(self._missed)

    def stop(self) -> None:
        """End the reading. A request that is under way ends by its own deadline; nobody waits for it."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.is_set():
            began_s = time.monotonic()
            try:
                self._readings.append(self._read())
            except MeasurementFailed as problem:
                self._missed.append(MissedReading(time.monotonic(), str(problem), problem.cause))
            except Exception as defect:  # noqa: BLE001 - a thread's defect would be seen by nobody: it is told as the reason of the hole
                self._missed.append(MissedReading(time.monotonic(), f"memory is not known: {defect!r}"))
            self._over.wait(max(0.0, self._every_s - (time.monotonic() - began_s)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
