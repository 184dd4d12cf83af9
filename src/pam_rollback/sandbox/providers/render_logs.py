"""Render's logs of one service: the requests that failed, page by page. Contract: https://api-docs.render.com (List logs)."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import islice
from typing import Any

from aiohttp import web

from pam_rollback.sandbox.providers.accounts import Refusal
from pam_rollback.sandbox.service_records import Line

_LIMIT, _LIMIT_MAX = 20, 100
_SPAN = timedelta(hours=1)
"""What is told where no time is asked for."""


def page(request: web.BaseRequest, log: Iterable[Line], *, service_id: str, owner_id: str) -> dict[str, Any]:
    """One page. Raises Refusal where something is missing, wrong or another's."""
    query = request.rel_url.query
    if query.get("ownerId") != owner_id or query.getall("resource", []) != [service_id]:
        raise Refusal(HTTPStatus.NOT_FOUND, "not found")
    now = datetime.now(UTC)
    start, end = _moment(query.get("startTime"), now - _SPAN), _moment(query.get("endTime"), now)
    forward = query.get("direction", "backward") == "forward"
    limit = _limit(query.get("limit", str(_LIMIT)))
    found = [line for line in log if start.timestamp() <= line.at <= end.timestamp()]
    ordered = found if forward else list(reversed(found))
    told, more = list(islice(ordered, limit)), len(ordered) > limit
    if more:
        edge = datetime.fromtimestamp(told[-1].at, UTC)
        start, end = (edge, end) if forward else (start, edge)
    return {
        "hasMore": more,
        "nextStartTime": _told(start),
        "nextEndTime": _told(end),
        "logs": [_line(line, service_id) for line in told],
    }


def _line(line: Line, service_id: str) -> dict[str, Any]:
    return {
        "id": f"log-{line.number}",
        "message": line.text,
        "timestamp": _told(datetime.fromtimestamp(line.at, UTC)),
        "labels": [{"name": "resource", "value": service_id}, {"name": "level", "value": "error"}],
    }


def _limit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _LIMIT_MAX:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"invalid limit: {text}")
    return int(text)


def _moment(text: str | None, default: datetime) -> datetime:
    if text is None:
        return default
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"invalid time: {text}") from None


def _told(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
