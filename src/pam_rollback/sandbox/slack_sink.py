"""Receives what is sent to the incident channel. Answers as Slack's incoming webhooks do: `ok`, and errors as plain text.

Words and statuses are those of Slack's changelog of 2016-05-17 and, where that is silent, of third parties' reports (`no_text`,
`no_service`, `invalid_token`); the limit is the documented message a second with short bursts.
"""

import json
import time
from collections import deque
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from pam_rollback.sandbox.channel_faults import RETRY_AFTER, cut_off, how_it_fails
from pam_rollback.sandbox.faults import PlantedFaults

_KEPT = 1000
_BURST = 10
_PER_S = 1.0


class SlackSink:
    """One webhook at an unguessable path. What came in is kept, up to a bound."""

    def __init__(self, faults: PlantedFaults, *, path: str) -> None:
        self._faults = faults
        self.path = path
        self.messages: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._allowance = float(_BURST)
        self._allowed_s = time.monotonic()

    def forget(self) -> None:
        """Empty the channel, and the limit with it: the next story begins anew."""
        self.messages.clear()
        self._allowance = float(_BURST)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Accept a message, or say in Slack's words why not."""
        cut = await cut_off(self._faults, "slack", request)
        if cut is not None:
            return cut
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        body = _payload(request.content_type, await request.read())
        if body is None:
            return web.Response(text="invalid_payload", status=HTTPStatus.BAD_REQUEST)
        if not any(body.get(part) for part in ("text", "blocks", "attachments")):
            return web.Response(text="no_text", status=HTTPStatus.BAD_REQUEST)
        self.messages.append({"received_s": time.monotonic(), "headers": dict(request.headers), "body": body})
        return web.Response(text="ok")

    def _refusal(self, request: web.BaseRequest) -> web.Response | None:
        if request.path != self.path:
            known = request.path.rpartition("/")[0] == self.path.rpartition("/")[0]
            if known:
                return web.Response(text="invalid_token", status=HTTPStatus.FORBIDDEN)
            return web.Response(text="no_service", status=HTTPStatus.NOT_FOUND)
        if request.method != "POST":
            return web.Response(text="invalid_payload", status=HTTPStatus.BAD_REQUEST)
        if self._faults.named("notifications-down"):
            return web.Response(text="rollup_error", status=HTTPStatus.INTERNAL_SERVER_ERROR)
        return self._refusal_for_now()

    def _refusal_for_now(self) -> web.Response | None:
        how = how_it_fails(self._faults, "slack")
        if how == "refuses":
            return web.Response(text="action_prohibited", status=HTTPStatus.FORBIDDEN)
        if how == "rate-limited":
            return web.Response(text="rate_limited", status=HTTPStatus.TOO_MANY_REQUESTS, headers=RETRY_AFTER)
        if not self._may_pass():
            headers = {"Retry-After": "1"}
            return web.Response(text="rate_limited", status=HTTPStatus.TOO_MANY_REQUESTS, headers=headers)
        return None

    def _may_pass(self) -> bool:
        now_s = time.monotonic()
        self._allowance = min(_BURST, self._allowance + (now_s - self._allowed_s) * _PER_S)
        self._allowed_s = now_s
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


def _payload(content_type: str, raw: bytes) -> dict[str, Any] | None:
    """The message; None when the body is no JSON object or is not what its content type says."""
    try:
        text = raw.decode()
        if content_type == "application/x-www-form-urlencoded":
            text = parse_qs(text, strict_parsing=True)["payload"][0]
        elif content_type != "application/json":
            return None
        body = json.loads(text)
    except (ValueError, KeyError):
        return None
    return body if isinstance(body, dict) else None
