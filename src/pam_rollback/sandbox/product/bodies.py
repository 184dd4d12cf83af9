"""What the routes accept in a body, and what every failure is answered with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator
from starlette.responses import JSONResponse

from pam_rollback.sandbox.product.assistant import ModelUnavailableError
from pam_rollback.sandbox.product.storage import StorageUnavailableError

_ANSWERS: Mapping[type[Exception], tuple[HTTPStatus, str]] = {
    StorageUnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "the database cannot be reached"),
    ModelUnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "PAM cannot answer at the moment"),
    psycopg.DataError: (HTTPStatus.UNPROCESSABLE_ENTITY, "the request holds a value that cannot be stored"),
    psycopg.errors.ForeignKeyViolation: (HTTPStatus.UNAUTHORIZED, "this account no longer exists"),
}
"""In these words alone: those of the exception may name the address of the database."""


def install(app: FastAPI) -> None:
    """Make `app` answer its exceptions in JSON."""
    app.add_exception_handler(RequestValidationError, _invalid)
    for kind, (status, words) in _ANSWERS.items():
        app.add_exception_handler(kind, partial(_told, status, words))


def invalid(place: Sequence[str | int], message: str) -> RequestValidationError:
    """Make the exception for one wrong place of a request body."""
    return RequestValidationError([{"loc": ["body", *place], "msg": message, "type": "value_error"}])


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    # The input itself is left out: it may be a password, and it may be something that JSON cannot carry, such as NaN.
    problems: Sequence[Any] = error.errors() if isinstance(error, RequestValidationError) else ()
    detail = [{"loc": list(p["loc"]), "msg": p["msg"], "type": p["type"]} for p in problems]
    return JSONResponse({"detail": detail}, HTTPStatus.UNPROCESSABLE_ENTITY)


async def _told(status: HTTPStatus, words: str, _request: Request, _error: Exception) -> JSONResponse:
    headers = {"Retry-After": "1"} if status is HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse({"detail": words}, status, headers=headers)


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must hold more than white space")
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    return text


NOT_BLANK = AfterValidator(_not_blank)
"""For a text that has to say something; it is stored as it was sent."""
