"""Everything that goes wrong is answered in JSON with a `detail`: a sentence, or a list of places in the request."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import JSONResponse

from pam_rollback.sandbox.product.storage import StorageUnavailableError
from pam_rollback.sandbox.product.thinking import ModelUnavailableError


def install(app: FastAPI) -> None:
    """Make `app` answer its exceptions in JSON."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(StorageUnavailableError, _unavailable)
    app.add_exception_handler(ModelUnavailableError, _speechless)
    app.add_exception_handler(psycopg.DataError, _not_storable)
    app.add_exception_handler(psycopg.errors.ForeignKeyViolation, _account_is_gone)


def invalid(place: Sequence[str | int], message: str) -> RequestValidationError:
    """Make the exception for one wrong place of a request body."""
    return RequestValidationError([{"loc": ["body", *place], "msg": message, "type": "value_error"}])


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    # The input itself is left out: it may be a password, and it may be something that JSON cannot carry, such as NaN.
    problems: Sequence[Any] = error.errors() if isinstance(error, RequestValidationError) else ()
    detail = [{"loc": list(p["loc"]), "msg": p["msg"], "type": p["type"]} for p in problems]
    return JSONResponse({"detail": detail}, HTTPStatus.UNPROCESSABLE_ENTITY)


async def _unavailable(_: Request, error: Exception) -> JSONResponse:
    del error  # may name the address of the database
    return JSONResponse(
        {"detail": "the database cannot be reached"}, HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "1"}
    )


async def _speechless(_: Request, error: Exception) -> JSONResponse:
    del error
    return JSONResponse(
        {"detail": "PAM cannot answer at the moment"}, HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "1"}
    )


async def _not_storable(_: Request, error: Exception) -> JSONResponse:
    del error
    return JSONResponse({"detail": "the request holds a value that cannot be stored"}, HTTPStatus.UNPROCESSABLE_ENTITY)


async def _account_is_gone(_: Request, error: Exception) -> JSONResponse:
    del error
    return JSONResponse({"detail": "this account no longer exists"}, HTTPStatus.UNAUTHORIZED)
