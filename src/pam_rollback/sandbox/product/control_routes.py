"""The sandbox's switches for faults: no part of the product's public surface, and invisible without the sandbox's token."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from pam_rollback.sandbox.product.auth import bearer_token
from pam_rollback.sandbox.product.bodies import read_json
from pam_rollback.sandbox.product.faults import CATALOGUE, FaultKind
from pam_rollback.sandbox.product.services import Parts

PREFIX = "/__range__"


async def _known(request: Request, parts: Parts) -> None:
    token = bearer_token(request) or ""
    if not hmac.compare_digest(token.encode(errors="surrogatepass"), parts.config.internal_token.encode()):
        raise HTTPException(HTTPStatus.NOT_FOUND)


router = APIRouter(prefix=PREFIX, dependencies=[Depends(_known)], include_in_schema=False)


@router.get("/faults")
async def faults(parts: Parts) -> dict[str, Any]:
    """Give the catalogue and what is active."""
    return {"catalogue": [kind.described() for kind in CATALOGUE.values()], "active": parts.faults.active()}


@router.put("/faults/{name}")
async def plant(name: str, request: Request, parts: Parts) -> dict[str, Any]:
    """Switch a fault on with the given parameters; those left out have their defaults."""
    kind = _kind(name)
    given = await read_json(request) if await request.body() else {}
    try:
        parameters = kind.parameters.model_validate(given)
    except ValidationError as error:
        raise RequestValidationError(
            [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors(include_url=False)]
        ) from None
    parts.faults.plant(name, parameters)
    return {"active": parts.faults.active()}


@router.delete("/faults/{name}")
async def clear(name: str, parts: Parts) -> dict[str, Any]:
    """Switch a fault off."""
    parts.faults.clear(_kind(name).name)
    return {"active": parts.faults.active()}


def _kind(name: str) -> FaultKind:
    try:
        return CATALOGUE[name]
    except KeyError:
        raise HTTPException(
            HTTPStatus.NOT_FOUND, f"there is no fault {name!r}; expected one of {', '.join(CATALOGUE)}"
        ) from None
