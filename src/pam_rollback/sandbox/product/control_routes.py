"""The sandbox's switches for faults: no part of the product's public surface, and invisible without the sandbox's token."""

from __future__ import annotations

import hmac
from http import HTTPStatus

from fastapi import APIRouter, Depends, HTTPException, Request

from pam_rollback.sandbox.product.auth import bearer_token
from pam_rollback.sandbox.product.bodies import read_json
from pam_rollback.sandbox.product.services import Parts

PREFIX = "/__range__"


async def _known(request: Request, parts: Parts) -> None:
    token = bearer_token(request) or ""
    if not hmac.compare_digest(token.encode(errors="surrogatepass"), parts.config.internal_token.encode()):
        raise HTTPException(HTTPStatus.NOT_FOUND)


router = APIRouter(prefix=f"{PREFIX}/faults", dependencies=[Depends(_known)], include_in_schema=False)


@router.put("/{name}")
async def plant(name: str, request: Request, parts: Parts) -> None:
    """Switch a fault on with settings that the sandbox has checked."""
    parts.faults.plant(name, await read_json(request))


@router.delete("/{name}")
async def clear(name: str, parts: Parts) -> None:
    """Switch a fault off."""
    parts.faults.clear(name)
