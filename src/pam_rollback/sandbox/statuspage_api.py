"""Statuspage's API for whoever manages the page, in front of the board that the public page shows.

Paths, shapes and refusals are those of https://developer.statuspage.io (2026). What the documents leave open is decided here: an incident
that is being watched leaves the page's headline at minor.
"""

import hmac
import json
import time
from collections import deque
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from pam_rollback.sandbox.channel_faults import RETRY_AFTER, cut_off, how_it_fails, may_pass
from pam_rollback.sandbox.faults import PlantedFaults
from pam_rollback.sandbox.status_page import IMPACTS, STATUSES, Incident, StatusBoard

BASE = "/v1"
_PER_MIN = 60
_KEPT = 1000
_NAME_CHARACTERS = 255
_BODY_CHARACTERS = 25_000
_TOO_MANY = 420
_KNOWN = frozenset(
    {"name", "status", "impact_override", "body", "components", "component_ids", "deliver_notifications", "metadata"}
)
_OPEN = frozenset({"investigating", "identified"})


class StatuspageApi:
    """One account with one page and one key."""

    def __init__(self, faults: PlantedFaults, board: StatusBoard, *, key: str) -> None:
        self._faults = faults
        self._board = board
        self._key = key
        self._latest_s: deque[float] = deque(maxlen=_PER_MIN)
        self.messages: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        """What was posted and accepted."""

    def forget(self) -> None:
        """Have nothing posted, and the limit anew; what the page shows stays."""
        self.messages.clear()
        self._latest_s.clear()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request to the API."""
        cut = await cut_off(self._faults, "statuspage", request)
        if cut is not None:
            return cut
        raw = await request.read()
        how = how_it_fails(self._faults, "statuspage")
        given = request.headers.get("Authorization", "").removeprefix("OAuth ").encode("utf-8", "surrogateescape")
        if how == "refuses" or not hmac.compare_digest(given, self._key.encode()):
            return _refused(HTTPStatus.UNAUTHORIZED, "Could not authenticate")
        if how == "rate-limited" or not may_pass(self._latest_s):
            return _refused(_TOO_MANY, "Too many requests", headers=RETRY_AFTER)
        page, _, rest = request.path.removeprefix(f"{BASE}/pages/").partition("/")
        if page != self._board.page_id:
            return _refused(HTTPStatus.NOT_FOUND, "Not found")
        return self._answer(request.method, rest, raw)

    def _answer(self, method: str, path: str, raw: bytes) -> web.Response:
        board = self._board
        match method, path.split("/"):
            case "GET", [""]:
                return web.json_response({"id": board.page_id, "name": "Wheels & Wins", "url": board.url})
            case "GET", ["incidents"]:
                return web.json_response([self._shown(one) for one in board.incidents])
            case "GET", ["incidents", "unresolved"]:
                return web.json_response([self._shown(one) for one in board.unresolved])
            case "POST", ["incidents"]:
                return self._change(None, raw)
            case "PATCH" | "PUT", ["incidents", incident_id]:
                found = next((one for one in board.incidents if one.id == incident_id), None)
                return _refused(HTTPStatus.NOT_FOUND, "Not found") if found is None else self._change(found, raw)
        return _refused(HTTPStatus.NOT_FOUND, "Not found")

    def _change(self, incident: Incident | None, raw: bytes) -> web.Response:
        try:
            wanted = json.loads(raw)["incident"]
        except (ValueError, KeyError, TypeError):
            return _refused(HTTPStatus.BAD_REQUEST, "incident is missing")
        if not isinstance(wanted, dict):
            return _refused(HTTPStatus.BAD_REQUEST, "incident is missing")
        problem = _wrong_with(wanted, is_new=incident is None)
        if problem:
            return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, problem)
        is_new = incident is None
        if incident is None:
            incident = Incident(name=wanted["name"], impact=wanted.get("impact_override", "none"))
            self._board.incidents.insert(0, incident)
        else:
            incident.name = wanted.get("name", incident.name)
            incident.impact = wanted.get("impact_override", incident.impact)
        status = wanted.get("status", "investigating" if is_new else incident.status)
        incident.update(status, wanted.get("body", ""))
        incident.updates[0]["deliver_notifications"] = wanted.get("deliver_notifications", True)
        self._board.indicator = _headline(self._board)
        self._board.updated_at = incident.updates[0]["updated_at"]
        self.messages.append({"received_s": time.monotonic(), "incident_id": incident.id, "body": wanted})
        return web.json_response(self._shown(incident), status=HTTPStatus.CREATED if is_new else HTTPStatus.OK)

    def _shown(self, incident: Incident) -> dict[str, Any]:
        return incident.as_json(self._board.page_id, self._board.url) | {"impact_override": incident.impact}


def _wrong_with(wanted: Mapping[str, Any], *, is_new: bool) -> str:
    name, body = wanted.get("name"), wanted.get("body", "")
    unknown = sorted(set(wanted) - _KNOWN)
    if unknown:
        return f"unknown: {', '.join(unknown)}"
    if (is_new or name is not None) and not (isinstance(name, str) and 0 < len(name) <= _NAME_CHARACTERS):
        return "Name can't be blank" if not name else "Name is too long (maximum is 255 characters)"
    if not isinstance(body, str) or len(body) > _BODY_CHARACTERS:
        return "Body is too long (maximum is 25000 characters)"
    if wanted.get("status", STATUSES[0]) not in STATUSES:
        return "Status is not included in the list"
    if wanted.get("impact_override", IMPACTS[0]) not in {*IMPACTS, "maintenance"}:
        return "Impact override is not included in the list"
    return ""


def _headline(board: StatusBoard) -> str:
    """The worst of what is open; minor while something is only watched."""
    open_impacts = [one.impact for one in board.unresolved if one.status in _OPEN]
    if open_impacts:
        return max((impact for impact in open_impacts if impact in IMPACTS), key=IMPACTS.index, default="none")
    return "minor" if board.unresolved else "none"


def _refused(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"message": message}, status=status, headers=headers)
