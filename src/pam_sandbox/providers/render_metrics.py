"""Render's metrics: answers from what the back end of the sandbox really did.

Paths, parameters and shapes are those of https://api-docs.render.com (2026). Differences: steps may be as short as
a second, where Render tells 30 s at least, because its windows last seconds; and what the documents leave open is decided here:
a step is named by its first moment, the step that is not over is told too, and a status without requests has no point.
"""

import asyncio
import math
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import web

from pam_sandbox.faults import Fault
from pam_sandbox.providers.host import Refusal
from pam_sandbox.releases import Fleet

GIVEN_UP = 499
"""The status of a request whose client did not wait for the answer."""
_KEPT_S = 3600
_READ_EVERY_S = 0.5
_PROC = Path("/proc")


@dataclass
class Second:
    """One second, by the machine's clock."""

    statuses: Counter[int] = field(default_factory=Counter)
    durations_ms: list[float] = field(default_factory=list)
    memory_bytes: dict[str, int] = field(default_factory=dict)
    """By process; the most that was seen."""


class ServiceRecords:
    """The latest hour."""

    def __init__(self) -> None:
        self._seconds: dict[int, Second] = {}

    def note_answer(self, status: int, duration_ms: float) -> None:
        """Count one request at the moment of its end."""
        second = self._now()
        second.statuses[status] += 1
        second.durations_ms.append(duration_ms)

    def note_memory(self, process: str, held_bytes: int) -> None:
        """Remember what a process holds now."""
        memory = self._now().memory_bytes
        memory[process] = max(held_bytes, memory.get(process, 0))

    def steps(self, since: float, until: float, step_s: int) -> Iterator[tuple[int, list[Second]]]:
        """Give each step that something was noted in, by its first second; steps begin at multiples of their length since 1970."""
        by_step: dict[int, list[Second]] = {}
        for moment, second in self._seconds.items():
            begin = moment - moment % step_s
            if since <= begin <= until:
                by_step.setdefault(begin, []).append(second)
        yield from sorted(by_step.items())

    async def watch(self, fleet: Fleet) -> None:
        """Note the memory of the live release's process, again and again, until cancelled."""
        while True:
            pid = fleet.live.pid
            if pid is not None:
                # The process may end between the question and the answer: then there is nothing to note.
                with suppress(OSError, ValueError, IndexError, subprocess.SubprocessError):
                    self.note_memory(str(pid), await asyncio.to_thread(_resident_bytes, pid))
            await asyncio.sleep(_READ_EVERY_S)

    def _now(self) -> Second:
        moment = int(time.time())
        found = self._seconds.get(moment)
        if found is None:
            found = self._seconds[moment] = Second()
            for old in [known for known in self._seconds if known < moment - _KEPT_S]:
                del self._seconds[old]
        return found


def _resident_bytes(pid: int) -> int:
    if _PROC.is_dir():
        pages = (_PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, timeout=5, check=True)  # noqa: S603, S607 - our own child's number
    return int(told.stdout) * 1024


FAULT = "render-metrics"
_POINTS_MAX = 10_000
_LAST_HOUR_S = 3600
_DEFAULT_STEP_S = 60
_COARSE_STEP_S = 60
_HOLE_S, _HOLES_EVERY_S = 8, 12
_QUIET = {"requests": 12.0, "ms": 30.0, "bytes": 5e7}
"""What another, quiet and healthy service would have in each step."""
_ERRORS_FROM = 500

Series = tuple[dict[str, str], dict[int, float | None]]


@dataclass(frozen=True)
class _Asked:
    since: float
    until: float
    step_s: int
    quantile: float
    aggregate_by: str


class Metrics:
    """Those of one service."""

    def __init__(self, records: ServiceRecords, *, service_id: str, finest_step_s: int) -> None:
        self._records = records
        self._service_id = service_id
        self._finest_step_s = finest_step_s
        self._metrics: Mapping[str, Callable[[_Asked], tuple[str, list[Series]]]] = {
            "memory": self._memory,
            "http-requests": self._requests,
            "http-latency": self._latency,
        }

    def document(self, request: web.BaseRequest, name: str, fault: Fault | None) -> Any:
        """Tell what was asked, or what the planted fault says. Raises Refusal."""
        what = str(fault.settings["what"]) if fault is not None else ""
        metric = self._metrics.get(name)
        if metric is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "not found")
        resources = request.query.getall("resource", [])
        if not resources:
            raise Refusal(HTTPStatus.BAD_REQUEST, "resource is required")
        if resources != [self._service_id]:
            raise Refusal(HTTPStatus.NOT_FOUND, f"not found: {', '.join(resources)}")
        asked = self._asked(request)
        if what == "coarse":
            asked = _Asked(asked.since, asked.until, _COARSE_STEP_S, asked.quantile, asked.aggregate_by)
        unit, series = metric(asked)
        if what:
            series = list(_spoilt(series, what, unit, fault))
        return [
            {
                "labels": [{"field": name, "value": value} for name, value in labels.items()],
                "values": [
                    {"timestamp": rfc3339(datetime.fromtimestamp(moment, UTC)), "value": value}
                    for moment, value in sorted(values.items())
                ],
                "unit": unit,
            }
            for labels, values in series
        ]

    def _asked(self, request: web.BaseRequest) -> _Asked:
        query, now = request.query, time.time()
        try:
            until = _moment(query["endTime"]) if "endTime" in query else now
            since = _moment(query["startTime"]) if "startTime" in query else until - _LAST_HOUR_S
            step_s = int(query.get("resolutionSeconds", _DEFAULT_STEP_S))
            quantile = float(query.get("quantile", "0.95"))
        except ValueError as problem:
            raise Refusal(HTTPStatus.BAD_REQUEST, f"invalid query: {problem}") from None
        if step_s < self._finest_step_s:
            raise Refusal(HTTPStatus.BAD_REQUEST, f"resolutionSeconds must be at least {self._finest_step_s}")
        if until < since or not 0 < quantile < 1:
            raise Refusal(HTTPStatus.BAD_REQUEST, "invalid query: the end comes before the start, or no quantile")
        if (until - since) / step_s > _POINTS_MAX:
            raise Refusal(
                HTTPStatus.INTERNAL_SERVER_ERROR, "internal server error"
            )  # the documented way of saying "too many points"
        aggregate_by = query.get("aggregateBy", "")
        if aggregate_by not in {"", "statusCode"}:
            raise Refusal(HTTPStatus.BAD_REQUEST, f"invalid query: aggregateBy {aggregate_by!r}")
        return _Asked(since, until, step_s, quantile, aggregate_by)

    def _steps(self, asked: _Asked) -> Iterator[tuple[int, list[Second]]]:
        return self._records.steps(asked.since, asked.until, asked.step_s)

    def _memory(self, asked: _Asked) -> tuple[str, list[Series]]:
        by_instance: dict[str, dict[int, float | None]] = {}
        for moment, seconds in self._steps(asked):
            for process in {name for second in seconds for name in second.memory_bytes}:
                highest = max(second.memory_bytes.get(process, 0) for second in seconds)
                by_instance.setdefault(process, {})[moment] = float(highest)
        return "bytes", [
            ({"resource": self._service_id, "instance": f"{self._service_id}-{name}"}, values)
            for name, values in by_instance.items()
        ]

    def _requests(self, asked: _Asked) -> tuple[str, list[Series]]:
        by_status: dict[str, dict[int, float | None]] = {}
        for moment, seconds in self._steps(asked):
            for second in seconds:
                for status, count in second.statuses.items():
                    values = by_status.setdefault(str(status) if asked.aggregate_by else "", {})
                    values[moment] = (values.get(moment) or 0.0) + count
        return "unitless", [
            ({"resource": self._service_id, **({"statusCode": status} if status else {})}, values)
            for status, values in by_status.items()
        ]

    def _latency(self, asked: _Asked) -> tuple[str, list[Series]]:
        values: dict[int, float | None] = {}
        for moment, seconds in self._steps(asked):
            durations = sorted(duration for second in seconds for duration in second.durations_ms)
            if durations:
                values[moment] = durations[max(0, math.ceil(asked.quantile * len(durations)) - 1)]
        labels = {"resource": self._service_id, "quantile": f"{asked.quantile:g}"}
        return "ms", [(labels, values)] if values else []


def _spoilt(series: Iterable[Series], what: str, unit: str, fault: Fault | None) -> Iterator[Series]:
    """Change what is told as the fault says."""
    planted = time.time() - (time.monotonic() - fault.planted_s) if fault is not None else 0.0
    quiet = {"ms": _QUIET["ms"], "bytes": _QUIET["bytes"]}.get(unit, _QUIET["requests"])
    for labels, values in series:
        if what == "empty" or (what == "errors-untold" and int(labels.get("statusCode", 0)) >= _ERRORS_FROM):
            continue
        if what == "another-service" and labels.get("statusCode", "200") != "200":
            continue
        changed = {
            moment: None if what == "not-a-number" else quiet if what == "another-service" else value
            for moment, value in values.items()
            if not (what == "stale" and moment >= planted)
            and not (what == "gaps" and moment % _HOLES_EVERY_S < _HOLE_S)
        }
        yield labels, changed


def rfc3339(moment: datetime) -> str:
    """Write a moment as Render does."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _moment(text: str) -> float:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.timestamp()
