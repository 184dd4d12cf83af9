"""Which features somebody has: for the page, and by OFREP (the OpenFeature Remote Evaluation Protocol) for everybody else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import JSONResponse, Response

from pam_rollback.sandbox.product.auth import bearer_token
from pam_rollback.sandbox.product.bodies import JsonOnly
from pam_rollback.sandbox.product.rollout import Flag
from pam_rollback.sandbox.product.services import Parts, Services
from pam_rollback.sandbox.product.tokens import read_token

router = APIRouter()


@router.get("/api/v1/flags")
async def flags(
    request: Request, parts: Parts, user_id: Annotated[str | None, Query(min_length=1, max_length=200)] = None
) -> dict[str, Any]:
    """Give the features of the signed-in caller, or of the anonymous `user_id`."""
    token = bearer_token(request)
    account = None if token is None else read_token(token, secret=parts.config.jwt_secret)
    if token is not None and account is None:
        raise HTTPException(HTTPStatus.UNAUTHORIZED, "the token is not valid or has expired")
    if account is not None and user_id not in {None, str(account.user_id)}:
        raise HTTPException(HTTPStatus.FORBIDDEN, "this belongs to another account")
    who = user_id if account is None else str(account.user_id)
    if who is None:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "sign in, or say who asks with ?user_id=")
    return {"flags": await parts.flags.values_for(who)}


@router.post("/ofrep/v1/evaluate/flags", dependencies=[JsonOnly])
async def evaluate_all(request: Request, parts: Parts) -> Response:
    """Evaluate every flag; 304 when the answer is still the one of If-None-Match."""
    key, refusal = await _targeting_key(request)
    if key is None:
        return JSONResponse(refusal, HTTPStatus.BAD_REQUEST)
    body = {"flags": await _evaluate(parts, key), "metadata": {"release": parts.config.version}}
    etag = f'"{hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]}"'
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if etag in known:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
    return JSONResponse(body, headers={"ETag": etag})


async def _evaluate(parts: Services, user_id: str) -> list[dict[str, Any]]:
    state = await parts.flags.state()
    kept = await parts.flags.kept_by(user_id)
    return [_evaluation(name, flag, on=kept or flag.is_on_for(user_id)) for name, flag in state.flags.items()]


def _evaluation(name: str, flag: Flag, *, on: bool) -> dict[str, Any]:
    return {"key": name, "value": on, "reason": flag.reason, "variant": "on" if on else "off"}


async def _targeting_key(request: Request) -> tuple[str | None, Mapping[str, str]]:
    """Give the user to evaluate for, or the error by OFREP's codes."""
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        return None, {"errorCode": "PARSE_ERROR", "errorDetails": "the body is not valid JSON"}
    context = body.get("context") if isinstance(body, dict) else None
    if not isinstance(context, dict):
        return None, {"errorCode": "INVALID_CONTEXT", "errorDetails": "expected an object under context"}
    key = context.get("targetingKey")
    if key is None or key == "":
        return None, {
            "errorCode": "TARGETING_KEY_MISSING",
            "errorDetails": "expected the user's id as context.targetingKey",
        }
    if not isinstance(key, str):
        return None, {"errorCode": "INVALID_CONTEXT", "errorDetails": "expected a text as context.targetingKey"}
    return key, {}
