"""Which request bodies are accepted."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from fastapi import Depends, HTTPException, Request
from pydantic import AfterValidator

from pam_rollback.sandbox.product.problems import invalid

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
