"""What happens to every request: the release's name on the answer, a count and a duration, and JSON when the code breaks."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pam_rollback.sandbox.product.control_routes import PREFIX
from pam_rollback.sandbox.product.services import Services

RELEASE_HEADER = "X-Release"
_UNKNOWN_PATH = "(unknown)"

_log = logging.getLogger(__name__)


class FrontDesk:
    """ASGI middleware; plain, because it sits in front of every request."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = time.perf_counter()
        self._services.faults.leak()
        status: int | None = None

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if self._services.config.personality.tells_release:
                    MutableHeaders(scope=message)[RELEASE_HEADER] = self._services.config.version
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        except Exception:
            _log.exception("%s %s broke", scope["method"], scope["path"])
            if status is not None:
                raise  # the answer has begun; the server closes the connection
            answer = JSONResponse({"detail": "something went wrong on our side"}, HTTPStatus.INTERNAL_SERVER_ERROR)
            await answer(scope, receive, send_marked)
        finally:
            if not scope["path"].startswith(PREFIX):
                self._count(scope, status, time.perf_counter() - began_s)

    def _count(self, scope: Scope, status: int | None, duration_s: float) -> None:
        route = scope.get("route")
        self._services.metrics.observe(
            method=scope["method"],
            path=getattr(route, "path", _UNKNOWN_PATH),
            status=status or HTTPStatus.INTERNAL_SERVER_ERROR,
            duration_s=duration_s,
        )
