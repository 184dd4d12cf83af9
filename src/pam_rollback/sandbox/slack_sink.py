"""Receives what is sent to the incident channel. Answers as Slack's incoming webhooks do: `ok`, and errors as plain text."""

import json
import time
from collections import deque
from http import HTTPStatus
from typing import Any

from aiohttp import web

from pam_rollback.sandbox.faults import PlantedFaults

_KEPT = 1000
_BODY_BYTES_MAX = 512 * 1024


class SlackSink:
    """One webhook at an unguessable path. What came in is kept, up to a bound."""

    def __init__(self, faults: PlantedFaults, *, path: str) -> None:
        self._faults = faults
        self.path = path
        self.messages: deque[dict[str, Any]] = deque(maxlen=_KEPT)

    def application(self) -> web.Application:
        """The server of the sink's port."""
        app = web.Application(client_max_size=_BODY_BYTES_MAX)
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.Response:
        if request.path != self.path:
            return web.Response(text="no_service", status=HTTPStatus.NOT_FOUND)
        if request.method != "POST":
            return web.Response(text="invalid_method", status=HTTPStatus.METHOD_NOT_ALLOWED)
        if self._faults.named("notifications-down"):
            return web.Response(text="rollup_error", status=HTTPStatus.INTERNAL_SERVER_ERROR)
        raw = await request.text()
        problem = _problem(raw)
        if problem:
            return web.Response(text=problem, status=HTTPStatus.BAD_REQUEST)
        self.messages.append(
            {"received_s": time.monotonic(), "headers": dict(request.headers), "body": json.loads(raw)}
        )
        return web.Response(text="ok")


def _problem(raw: str) -> str:
    """Slack's word for what is wrong with a body; empty when nothing is."""
    try:
        body = json.loads(raw)
    except ValueError:
        return "invalid_payload"
    if not isinstance(body, dict):
        return "invalid_payload"
    return "" if body.get("text") or body.get("blocks") else "no_text"
