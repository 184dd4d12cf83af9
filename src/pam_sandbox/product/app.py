"""The PAM API of one release: its routes, the release's name on each answer, a count, and JSON when the code breaks."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pam_sandbox.personalities import MOMENT
from pam_sandbox.product import admin, auth, chat, health, people, today
from pam_sandbox.product.auth import bearer_token
from pam_sandbox.product.chat import ModelUnavailableError
from pam_sandbox.product.services import Parts, ProductConfig, Services, build_services
from pam_sandbox.product.storage import StorageUnavailableError

PREFIX = "/__range__"


async def _known(request: Request, parts: Parts) -> None:
    token = bearer_token(request) or ""
    if not hmac.compare_digest(token.encode(errors="surrogatepass"), parts.config.internal_token.encode()):
        raise HTTPException(HTTPStatus.NOT_FOUND)


router = APIRouter(prefix=f"{PREFIX}/faults", dependencies=[Depends(_known)], include_in_schema=False)


@router.put("/{name}")
async def plant(name: str, settings: dict[str, Any], parts: Parts) -> None:
    """Switch a fault on with settings that the sandbox has checked."""
    parts.faults.plant(name, settings)


@router.delete("/{name}")
async def clear(name: str, parts: Parts) -> None:
    """Switch a fault off."""
    parts.faults.clear(name)


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


def build_app(config: ProductConfig) -> FastAPI:
    """Build the API; it connects to its database when it starts. Without one the plan's starts, too, and today's does not."""
    services = build_services(config)
    personality = config.personality

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await services.storage.open()
        if personality.needs_database_to_start:
            await services.storage.connected()
        yield
        await services.storage.close()

    # No pages of documentation: they would load their scripts from elsewhere.
    app = FastAPI(
        title="PAM API",
        version=config.version if personality.tells_release else "1.0.0",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    _install(app)
    for path, (status, body) in personality.constant.items():
        app.add_api_route(path, _constant(status, body))
    routers = [auth.router, people.router, chat.router, health.router, admin.router]
    if personality.constant:
        app.add_exception_handler(StorageUnavailableError, _broken)
        routers = [today.router, *([today.newer] if config.has_new_features else [])]
    for found in (*routers, chat.voice_router, router):
        app.include_router(found)
    app.add_middleware(FrontDesk, services=services)
    # Outermost, so that the page can read the failures, too.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=[config.frontend_origin],
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=[RELEASE_HEADER, "ETag", "Retry-After"],
    )
    return app


_ANSWERS: Mapping[type[Exception], tuple[HTTPStatus, str]] = {
    StorageUnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "the database cannot be reached"),
    ModelUnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "PAM cannot answer at the moment"),
    psycopg.DataError: (HTTPStatus.UNPROCESSABLE_ENTITY, "the request holds a value that cannot be stored"),
    psycopg.errors.ForeignKeyViolation: (HTTPStatus.UNAUTHORIZED, "this account no longer exists"),
}
"""In these words alone: those of the exception may name the address of the database."""


def _install(app: FastAPI) -> None:
    """Make `app` answer its exceptions in JSON."""
    app.add_exception_handler(RequestValidationError, _invalid)
    for kind, (status, words) in _ANSWERS.items():
        app.add_exception_handler(kind, partial(_told, status, words))


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    # The input itself is left out: it may be a password, and it may be something that JSON cannot carry, such as NaN.
    problems: Sequence[Any] = error.errors() if isinstance(error, RequestValidationError) else ()
    detail = [{"loc": list(p["loc"]), "msg": p["msg"], "type": p["type"]} for p in problems]
    return JSONResponse({"detail": detail}, HTTPStatus.UNPROCESSABLE_ENTITY)


async def _told(status: HTTPStatus, words: str, _request: Request, _error: Exception) -> JSONResponse:
    headers = {"Retry-After": "1"} if status is HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse({"detail": words}, status, headers=headers)


async def _broken(request: Request, _: Exception) -> Response:
    return today.internal_error(request)


def _constant(status: HTTPStatus, body: Mapping[str, Any]) -> Callable[[], Coroutine[Any, Any, JSONResponse]]:
    async def constant() -> JSONResponse:
        """Give the same to everybody, at whatever moment."""
        return JSONResponse({**body, **(today.now() if body.get("timestamp") == MOMENT else {})}, status)

    return constant
