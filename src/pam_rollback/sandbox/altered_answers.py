"""True answers that are made something else on their way: writes that fail from some moment on, reads of before, other contents."""

import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from aiohttp import web

from pam_rollback.sandbox.faults import Fault, PlantedFaults

_PARTS = {
    **{name: name for name in ("chat", "expenses", "settings", "profile", "tickets", "history")},
    "pam_messages": "history",
    "user_settings": "settings",
    "profiles": "profile",
}
"""By the last part of a path that says what it is about: the API's, and tables."""
_OLD = timedelta(hours=1)
_HUNDRED = 100
_DAY_S = 86_400
_IDLE_BYTES = 30_000_000

Answering = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class AlteredAnswers:
    """What one host answers, as the planted faults of the layer `answers` change it."""

    def __init__(self, faults: PlantedFaults) -> None:
        self._faults = faults
        self._kept: dict[tuple[object, ...], tuple[float, bytes]] = {}
        self._reads = 0

    async def give(self, request: web.BaseRequest, answer: Answering) -> web.StreamResponse:
        """The answer to one request."""
        planted = [fault for fault in self._faults if fault.kind.layer == "answers"]
        part = next((_PARTS[one] for one in reversed(request.path.split("/")) if one in _PARTS), "")
        if any(_fails(fault, request, part) for fault in planted):
            return web.json_response({"detail": "something went wrong on our side"}, status=500)
        found = await answer(request)
        if (
            not planted
            or request.method != "GET"
            or found.status != HTTPStatus.OK
            or not isinstance(found, web.Response)
        ):
            return found
        body = found.body if isinstance(found.body, bytes) else b""
        for fault in planted:
            body = self._changed(fault, request, part, body)
        headers = found.headers.copy()
        headers.popall("Content-Length", None)
        return web.Response(body=body, headers=headers)

    def _changed(self, fault: Fault, request: web.BaseRequest, part: str, body: bytes) -> bytes:
        what = fault.settings.get("what", "")
        match fault.kind.name:
            case "reads-behind" if part in {"expenses", "history"}:
                return self._of_before(fault, request, body, float(fault.settings["s"]))
            case "metrics-lie" if request.path.endswith("/metrics"):
                return self._of_another() if what == "of-another" else self._of_before(fault, request, body, _DAY_S)
            case "contents-altered" if part:
                return json.dumps(_altered(json.loads(body), str(what), part)).encode()
        return body

    def _of_before(self, fault: Fault, request: web.BaseRequest, body: bytes, seconds: float) -> bytes:
        query = tuple((name, value) for name, value in request.query.items() if name != "probe")
        key = (fault.planted_s, request.path, query, request.headers.get("Authorization", ""))
        now_s = time.monotonic()
        since_s, kept = self._kept.get(key, (0.0, b""))
        if not kept or now_s - since_s > seconds:
            since_s, kept = self._kept[key] = now_s, body
        return kept

    def _of_another(self) -> bytes:
        """What a process tells that nobody asks for anything, but for this."""
        self._reads += 1
        return (
            f"pam_memory_usage_bytes {_IDLE_BYTES + 4096 * (self._reads % 3)}\n"
            f"process_start_time_seconds {time.time() // _DAY_S * _DAY_S - _DAY_S}\n"
            f'pam_requests_total{{method="GET",path="/metrics",status="200"}} {self._reads}\n'
        ).encode()


def _fails(fault: Fault, request: web.BaseRequest, part: str) -> bool:
    if fault.kind.name != "writes-fail" or request.method in {"GET", "HEAD", "OPTIONS"} or not part:
        return False
    begun = time.monotonic() - fault.planted_s >= float(fault.settings["after_s"])
    return begun and fault.settings["what"] in {part, "all"}


def _altered(body: Any, what: str, part: str) -> Any:
    rows: Any = body.get("expenses", body.get("messages")) if isinstance(body, dict) else body
    now = datetime.now(UTC)
    if what == "old-amounts" and part == "expenses":
        for row in rows:
            if now - datetime.fromisoformat(row["created_at"]) > _OLD:
                row["amount"] *= _HUNDRED
    elif what == "foreign-message" and part == "history":
        moment = (now - timedelta(days=2)).isoformat()
        told = {"id": str(uuid4()), "conversation_id": str(uuid4()), "role": "user", "content": "Call my doctor."}
        rows.insert(0, {**told, "created_at": moment})
    elif what == "preferences-empty" and isinstance(body, dict):
        return {name: {} if name.endswith("preferences") else value for name, value in body.items()}
    return body
