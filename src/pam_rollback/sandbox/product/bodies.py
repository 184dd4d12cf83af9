"""Which request bodies are accepted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator
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


_JSON = "application/json"


def media_type(request: Request) -> str:
    """Give the declared type of the body without its parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _json_only(request: Request) -> None:
    if media_type(request) != _JSON:
        raise _unsupported(request)


async def _json_or_nothing(request: Request) -> None:
    empty = not await request.body()
    if media_type(request) not in ({_JSON, ""} if empty else {_JSON}):
        raise _unsupported(request)


JsonOnly = Depends(_json_only)
"""The body has to be declared as JSON; 415 otherwise."""
JsonOrNothing = Depends(_json_or_nothing)
"""The same for calls that need no body: nothing may also go undeclared."""


async def read_json(request: Request) -> Any:
    """Parse the body; raises the exception for 422 when it is no JSON."""
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError):
        raise invalid((), "the body is not valid JSON") from None


def _unsupported(request: Request) -> HTTPException:
    found = media_type(request) or "no content type"
    return HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected Content-Type {_JSON}, found {found}")


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must hold more than white space")
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    return text


NOT_BLANK = AfterValidator(_not_blank)
"""For a text that has to say something; it is stored as it was sent."""
