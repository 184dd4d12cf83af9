"""Receives what would ring somebody: answers as PagerDuty's Events API v2 does, and keeps events, changes and the state of each alert."""

import json
import time
from collections import deque
from http import HTTPStatus
from typing import Any

from aiohttp import web

from pam_rollback.sandbox.channel_faults import RETRY_AFTER, cut_off, how_it_fails, may_pass
from pam_rollback.sandbox.faults import PlantedFaults

_KEPT = 1000
_PER_MIN = 120
_KEY_CHARACTERS = 255
_SUMMARY_CHARACTERS = 1024
_BODY_BYTES = 512 * 1024
_SEVERITIES = frozenset({"critical", "error", "warning", "info"})
_STATES = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}


class PagerDutySink:
    """One integration with one routing key."""

    def __init__(self, faults: PlantedFaults, *, routing_key: str) -> None:
        self._faults = faults
        self._routing_key = routing_key
        self._latest_s: deque[float] = deque(maxlen=_PER_MIN)
        self.messages: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.alerts: dict[str, str] = {}

    def forget(self) -> None:
        """Have no events and no alerts, and the limit anew."""
        self.messages.clear()
        self.alerts.clear()
        self._latest_s.clear()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Take one event, or say in PagerDuty's words why not."""
        cut = await cut_off(self._faults, "pagerduty", request)
        if cut is not None:
            return cut
        raw = await request.read()
        if request.path not in {"/v2/enqueue", "/v2/change/enqueue"}:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        if request.method != "POST":
            return web.Response(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})
        if how_it_fails(self._faults, "pagerduty") == "rate-limited" or not may_pass(self._latest_s):
            body = {"status": "throttle exceeded", "message": "Requests for this service are arriving too quickly."}
            return web.json_response(body, status=HTTPStatus.TOO_MANY_REQUESTS, headers=RETRY_AFTER)
        if how_it_fails(self._faults, "pagerduty") == "refuses":
            return _invalid("Invalid routing key")
        return self._take(request.path, raw)

    def _take(self, path: str, raw: bytes) -> web.Response:
        if len(raw) > _BODY_BYTES:
            return _invalid("Event is larger than 512 KB")
        try:
            event = json.loads(raw)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            return _invalid("Event object is not JSON")
        is_change = path == "/v2/change/enqueue"
        problems = self._wrong_with_change(event) if is_change else self._wrong_with_event(event)
        if problems:
            return _invalid(*problems)
        self.messages.append({"received_s": time.monotonic(), "path": path, "body": _without_key(event)})
        if is_change:
            return web.json_response(
                {"status": "success", "message": "Change event processed"}, status=HTTPStatus.ACCEPTED
            )
        key = str(event.get("dedup_key") or f"{len(self.alerts):032x}")
        if event["event_action"] == "trigger" or key in self.alerts:
            self.alerts[key] = _STATES[event["event_action"]]
        body = {"status": "success", "message": "Event processed", "dedup_key": key}
        return web.json_response(body, status=HTTPStatus.ACCEPTED)

    def _wrong_with_event(self, event: dict[str, Any]) -> list[str]:
        problems = self._wrong_with_key(event)
        action, key = event.get("event_action"), event.get("dedup_key")
        if action not in _STATES:
            problems.append("'event_action' is invalid (must be trigger, acknowledge or resolve)")
        if key is not None and (not isinstance(key, str) or len(key) > _KEY_CHARACTERS):
            problems.append("'dedup_key' is invalid")
        if action in {"acknowledge", "resolve"} and not key:
            problems.append("'dedup_key' is missing or blank")
        if action == "trigger":
            payload = event.get("payload")
            problems += _wrong_with_summary(payload)
            if isinstance(payload, dict) and not payload.get("source"):
                problems.append("'payload.source' is missing or blank")
            if isinstance(payload, dict) and payload.get("severity") not in _SEVERITIES:
                problems.append("'payload.severity' is invalid (must be one of: critical, warning, error, info)")
        return problems

    def _wrong_with_change(self, event: dict[str, Any]) -> list[str]:
        return [*self._wrong_with_key(event), *_wrong_with_summary(event.get("payload"))]

    def _wrong_with_key(self, event: dict[str, Any]) -> list[str]:
        return [] if event.get("routing_key") == self._routing_key else ["Invalid routing key"]


def _wrong_with_summary(payload: object) -> list[str]:
    summary = payload.get("summary") if isinstance(payload, dict) else None
    if not isinstance(summary, str) or not summary.strip():
        return ["'payload.summary' is missing or blank"]
    return ["'payload.summary' is too long"] if len(summary) > _SUMMARY_CHARACTERS else []


def _without_key(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != "routing_key"}


def _invalid(*problems: str) -> web.Response:
    body = {"status": "invalid event", "message": "Event object is invalid", "errors": problems}
    return web.json_response(body, status=HTTPStatus.BAD_REQUEST)
