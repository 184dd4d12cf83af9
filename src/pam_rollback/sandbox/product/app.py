"""The PAM API of one release, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from pam_rollback.sandbox.product import (
    admin,
    auth,
    bodies,
    chat,
    control_routes,
    evaluation,
    expenses,
    feature_check,
    health,
    notice,
    profile,
    support,
    voice,
)
from pam_rollback.sandbox.product.config import ProductConfig
from pam_rollback.sandbox.product.front_desk import RELEASE_HEADER, FrontDesk
from pam_rollback.sandbox.product.services import build_services
from pam_rollback.sandbox.product.storage import StorageUnavailableError
from pam_rollback.sandbox.product.today import health as todays_health
from pam_rollback.sandbox.product.today import people, talk

_PLANNED = (
    auth,
    profile,
    chat,
    voice,
    expenses,
    support,
    evaluation,
    health,
    admin,
    feature_check,
    notice,
    control_routes,
)
_TODAYS = (people, talk, voice, todays_health, control_routes)


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
        version=config.version if personality.tells_release else todays_health.VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    bodies.install(app)
    if config.product == "pam-today":
        app.add_exception_handler(StorageUnavailableError, _broken)
    for part in _PLANNED if config.product == "pam-plan" else _TODAYS:
        app.include_router(part.router)
    if config.product == "pam-today" and config.has_new_features:
        app.include_router(talk.newer)
    app.add_middleware(FrontDesk, services=services)
    # Outermost, so that the page can read the failures, too.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=[config.frontend_origin],
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=[RELEASE_HEADER, "ETag", "Retry-After", "X-Cache"],
    )
    return app


async def _broken(request: Request, _: Exception) -> Response:
    return talk.internal_error(request)
