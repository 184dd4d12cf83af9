"""Render's API, as far as its metrics are concerned: answers from what the back end of the range really did.

Paths, parameters, shapes and the limit of requests are those of https://api-docs.render.com (2026). Differences: steps may be as short as
a second, where Render tells 30 s at least, because a window of the range lasts seconds; and what the documents leave open is decided here:
a step is named by its first moment, the step that is not over is told too, and a status without requests has no point.
"""

import hmac
import math
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web

from pam_rollback.sandbox.faults import Fault, PlantedFaults
from pam_rollback.sandbox.service_records import Second, ServiceRecords

FAULT = "render-metrics"
BASE = "/v1"
_GETS_PER_MIN = 400
_WINDOW_S = 60
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


class _Refusal(Exception):  # noqa: N818 - an answer, not a defect
    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class RenderApi:
    """One account with one service."""

    def __init__(
        self,
        faults: PlantedFaults,
        records: ServiceRecords,
        *,
        key: str,
        service_id: str,
        owner_id: str,
        finest_step_s: int = 1,
        gets_per_min: int = _GETS_PER_MIN,
    ) -> None:
        self._faults = faults
        self._records = records
        self._key = key
        self._service_id = service_id
        self._owner_id = owner_id
        self._finest_step_s = finest_step_s
        self._limit = gets_per_min
        self._left = gets_per_min
        self._until = 0.0
        self._metrics: Mapping[str, Callable[[_Asked], tuple[str, list[Series]]]] = {
            "memory": self._memory,
            "http-requests": self._requests,
            "http-latency": self._latency,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer as Render does, or as the planted fault says."""
        fault = next(reversed(self._faults.named(FAULT)), None)
        what = str(fault.settings["what"]) if fault is not None else ""
        try:
            if fault is not None and what == "hangs":
                await fault.cleared.wait()
                if request.transport is not None:
                    request.transport.abort()
            self._let_in(request, what)
            if what == "garbage":
                return web.Response(body=b'[{"labels": [', content_type="application/json", headers=self._limits())
            return web.json_response(self._document(request, fault, what), headers=self._limits())
        except _Refusal as refusal:
            body = {"id": secrets.token_hex(8), "message": str(refusal)}
            return web.json_response(body, status=refusal.status, headers=self._limits())

    def _let_in(self, request: web.BaseRequest, what: str) -> None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode("utf-8", "surrogateescape")
        if what == "unauthorized" or not hmac.compare_digest(given, self._key.encode()):
            raise _Refusal(HTTPStatus.UNAUTHORIZED, "unauthorized")
        now = time.time()
        if now >= self._until:
            self._left, self._until = self._limit, now + _WINDOW_S
        if self._left < 1 or what == "rate-limited":
            raise _Refusal(HTTPStatus.TOO_MANY_REQUESTS, "rate limit exceeded")
        self._left -= 1
        if what == "error-500":
            raise _Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "internal server error")

    def _limits(self) -> dict[str, str]:
        reset_s = max(1, math.ceil(self._until - time.time()))
        return {
            "Ratelimit-Limit": str(self._limit),
            "Ratelimit-Remaining": str(max(0, self._left)),
            "Ratelimit-Reset": str(reset_s),
        }

    def _document(self, request: web.BaseRequest, fault: Fault | None, what: str) -> Any:
        if request.method != "GET":
            raise _Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method not allowed")
        if request.path == f"{BASE}/services/{self._service_id}":
            return self._service()
        metric = self._metrics.get(request.path.removeprefix(f"{BASE}/metrics/"))
        if metric is None:
            raise _Refusal(HTTPStatus.NOT_FOUND, "not found")
        resources = request.query.getall("resource", [])
        if not resources:
            raise _Refusal(HTTPStatus.BAD_REQUEST, "resource is required")
        if resources != [self._service_id]:
            raise _Refusal(HTTPStatus.NOT_FOUND, f"not found: {', '.join(resources)}")
        asked = self._asked(request)
        if what == "coarse":
            asked = _Asked(asked.since, asked.until, _COARSE_STEP_S, asked.quantile, asked.aggregate_by)
        unit, series = metric(asked)
        if what:
            series = list(_spoilt(series, what, unit, fault))
        return [
            {
                "labels": [{"field": name, "value": value} for name, value in labels.items()],
                "values": [{"timestamp": _rfc3339(moment), "value": value} for moment, value in sorted(values.items())],
                "unit": unit,
            }
            for labels, values in series
        ]

    def _service(self) -> dict[str, object]:
        return {
            "id": self._service_id,
            "ownerId": self._owner_id,
            "name": "pam-backend",
            "type": "web_service",
            "suspended": "not_suspended",
        }

    def _asked(self, request: web.BaseRequest) -> _Asked:
        query, now = request.query, time.time()
        try:
            until = _moment(query["endTime"]) if "endTime" in query else now
            since = _moment(query["startTime"]) if "startTime" in query else until - _LAST_HOUR_S
            step_s = int(query.get("resolutionSeconds", _DEFAULT_STEP_S))
            quantile = float(query.get("quantile", "0.95"))
        except ValueError as problem:
            raise _Refusal(HTTPStatus.BAD_REQUEST, f"invalid query: {problem}") from None
        if step_s < self._finest_step_s:
            raise _Refusal(HTTPStatus.BAD_REQUEST, f"resolutionSeconds must be at least {self._finest_step_s}")
        if until < since or not 0 < quantile < 1:
            raise _Refusal(HTTPStatus.BAD_REQUEST, "invalid query: the end comes before the start, or no quantile")
        if (until - since) / step_s > _POINTS_MAX:
            raise _Refusal(
                HTTPStatus.INTERNAL_SERVER_ERROR, "internal server error"
            )  # the documented way of saying "too many points"
        aggregate_by = query.get("aggregateBy", "")
        if aggregate_by not in {"", "statusCode"}:
            raise _Refusal(HTTPStatus.BAD_REQUEST, f"invalid query: aggregateBy {aggregate_by!r}")
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


def _moment(text: str) -> float:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.timestamp()


def _rfc3339(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
