"""The admin API of the rollback plan, and who has which feature. A change and its entry in flag_history are one transaction."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal
from urllib.parse import unquote
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, model_validator
from starlette.responses import JSONResponse, Response

from pam_sandbox.product.auth import Visitor, bearer_token, begin, prepare
from pam_sandbox.product.chat import know, reply_to
from pam_sandbox.product.flags import OFF, Flag, Flags, RecordedChange
from pam_sandbox.product.people import newest
from pam_sandbox.product.services import Parts, Services
from pam_sandbox.product.storage import fetch
from pam_sandbox.product.tokens import read_token

router = APIRouter()

TokenName = Literal["admin", "emergency"]
_LONGEST_NAME = 200
_EXTENDED = "UTF-8''"


def _holder_of(needed: TokenName) -> Callable[..., Coroutine[Any, Any, None]]:
    async def check(request: Request, parts: Parts) -> None:
        token = bearer_token(request)
        known: dict[TokenName, str] = {"admin": parts.config.admin_token, "emergency": parts.config.emergency_token}
        held = next((name for name, secret in known.items() if token is not None and _same(token, secret)), None)
        if held == needed and not parts.faults.has("admin-refuses"):
            return
        is_user = token is not None and read_token(token, secret=parts.config.jwt_secret) is not None
        if parts.faults.opens_admin_api(has_token=token is not None, is_user=is_user):
            return
        if is_user or (held is not None and held != needed):
            raise HTTPException(HTTPStatus.FORBIDDEN, f"this needs the {needed} token")
        raise HTTPException(
            HTTPStatus.UNAUTHORIZED, f"this needs the {needed} token", headers={"WWW-Authenticate": "Bearer"}
        )

    return check


ADMIN = Depends(_holder_of("admin"))
"""Only the holder of the admin token comes in."""


@router.get("/admin/feature-flags", dependencies=[ADMIN])
async def read_flags(parts: Parts) -> dict[str, Any]:
    """Give every flag as the table has it now."""
    return {"flags": _as_json(await parts.flags.fresh())}


class WantedFlag(BaseModel):
    """What is to become of one flag; what is left out stays."""

    model_config = ConfigDict(extra="forbid", strict=True)

    enabled: bool | None = None
    rollout: Annotated[int | None, Field(alias="rolloutPercentage", ge=0, le=100)] = None

    def of(self, flag: Flag) -> Flag:
        """Give the flag after the change."""
        enabled = flag.enabled if self.enabled is None else self.enabled
        return Flag(enabled, flag.rollout_percentage if self.rollout is None else self.rollout)


@router.post("/admin/feature-flags", dependencies=[ADMIN])
async def set_flags(wanted: dict[str, WantedFlag], request: Request, parts: Parts) -> dict[str, Any]:
    """Change the named flags, all of them or, when anything is wrong, none."""
    if not wanted or not all(flag.model_fields_set for flag in wanted.values()):
        raise _invalid("expected flags, each with enabled, rolloutPercentage or both")

    def plan(flags: Flags) -> Flags:
        if unknown := wanted.keys() - flags.keys():
            raise _invalid(f"there is no flag {', '.join(sorted(unknown))}")
        return {name: change.of(flags[name]) for name, change in wanted.items()}

    return _answer(await parts.flags.change(plan, action="set", initiated_by=initiator(request)))


@router.post("/admin/feature-flags/disable-all-pam", dependencies=[ADMIN])
async def disable_all(request: Request, parts: Parts) -> dict[str, Any]:
    """Turn every feature off for everybody."""
    who = initiator(request)
    return _answer(await parts.flags.change(_all_off, action="disable-all-pam", initiated_by=who))


@router.post("/admin/cache/clear", dependencies=[ADMIN])
async def clear_caches(request: Request, parts: Parts) -> dict[str, Any]:
    """Note that it was asked for; this product keeps no answers."""
    done = await parts.flags.change(lambda _: {}, action="cache-clear", initiated_by=initiator(request))
    return {"status": "ok", "cleared": 0, "timestamp": _moment(done)}


class Emergency(BaseModel):
    """Why, and who says so."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
    initiated_by: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=_LONGEST_NAME)]


@router.post("/admin/emergency-rollback", dependencies=[Depends(_holder_of("emergency"))])
async def emergency_rollback(asked: Emergency, parts: Parts) -> dict[str, Any]:
    """Turn every feature off for everybody, with a reason and a name on record."""
    done = await parts.flags.change(_all_off, action="emergency-rollback", **asked.model_dump())
    return {**_answer(done), **asked.model_dump()}


def _all_off(flags: Flags) -> Flags:
    return dict.fromkeys(flags, OFF)


def initiator(request: Request) -> str:
    """Give the name that goes on record with a change."""
    field = request.headers.get("x-initiated-by", "").strip()
    # RFC 8187: how a field carries what is not ASCII.
    name = unquote(field.removeprefix(_EXTENDED)) if field.startswith(_EXTENDED) else field
    return name.replace("\0", "")[:_LONGEST_NAME] or "admin token"


def _invalid(message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ["body"], "msg": message, "type": "value_error"}])


def _answer(done: RecordedChange) -> dict[str, Any]:
    return {
        "status": "ok",
        "flags": _as_json(done.flags),
        "changed": list(done.touched),
        "change_id": done.change_id,
        "timestamp": _moment(done),
    }


def _moment(done: RecordedChange) -> str:
    return (done.changed_at or datetime.now(UTC)).isoformat()


def _as_json(flags: Flags) -> dict[str, dict[str, bool | int]]:
    return {name: flag.as_json() for name, flag in flags.items()}


def _same(token: str, secret: str) -> bool:
    return hmac.compare_digest(token.encode(errors="surrogatepass"), secret.encode())


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


@router.post("/ofrep/v1/evaluate/flags")
async def evaluate_all(body: dict[str, Any], parts: Parts) -> Response:
    """Evaluate every flag by OFREP, the OpenFeature Remote Evaluation Protocol."""
    context = body.get("context")
    key = context.get("targetingKey") if isinstance(context, dict) else None
    if not isinstance(key, str) or not key:
        problem = {"errorCode": "TARGETING_KEY_MISSING", "errorDetails": "expected a text as context.targetingKey"}
        return JSONResponse(problem, HTTPStatus.BAD_REQUEST)
    kept = await parts.flags.kept_by(key)
    flags = [
        {"key": name, "value": on, "reason": flag.reason, "variant": "on" if on else "off"}
        for name, flag in (await parts.flags.known()).items()
        for on in [kept or flag.is_on_for(key)]
    ]
    return JSONResponse({"flags": flags, "metadata": {"release": parts.config.version}})


_READ = "SELECT active, text, since FROM app_notice"
# A text that is only corrected does not begin anew.
_CHANGE = """
UPDATE app_notice
SET active = %(active)s, text = %(text)s, updated_by = %(who)s,
    since = CASE WHEN NOT %(active)s THEN NULL WHEN active THEN since ELSE clock_timestamp() END
RETURNING active, text, since
"""
_LONGEST_TEXT = 500


class NewNotice(BaseModel):
    """What every visitor is to read; a notice that is not active needs no text."""

    model_config = ConfigDict(extra="forbid")

    active: StrictBool
    text: Annotated[str, Field(max_length=_LONGEST_TEXT)] = ""

    @model_validator(mode="after")
    def _says_something(self) -> NewNotice:
        self.text = self.text.strip()
        if self.active and not self.text:
            raise ValueError("an active notice needs a text")
        if "\0" in self.text:
            raise ValueError("must not hold a NUL character")
        return self


@router.get("/api/v1/notice")
async def notice(parts: Parts, response: Response) -> dict[str, Any]:
    """Give the notice to anybody; without one, `active` is false."""
    response.headers["Cache-Control"] = "no-store"
    return _shown(await parts.storage.row(_READ))


@router.put("/admin/notice", dependencies=[ADMIN])
async def set_notice(wanted: NewNotice, request: Request, parts: Parts) -> dict[str, Any]:
    """Put a notice up, change it, or take it away; who did so is on record in the same transaction."""
    who = initiator(request)
    if parts.faults.has("flags-ignored"):
        return {"status": "ok", "notice": {**wanted.model_dump(), "since": None}, "change_id": None}
    async with parts.storage.transaction() as connection:
        [before] = await fetch(connection, _READ + " FOR UPDATE")
        [after] = await fetch(connection, _CHANGE, {"active": wanted.active, "text": wanted.text, "who": who})
        [written] = await fetch(
            connection,
            "INSERT INTO flag_history (initiated_by, action, before, after) VALUES (%s, 'notice', %s, %s)"
            " RETURNING id, changed_at",
            (who, *(Jsonb({"notice": _shown(row)}) for row in (before, after))),
        )
    return {
        "status": "ok",
        "notice": _shown(after),
        "change_id": written["id"],
        "timestamp": written["changed_at"].isoformat(),
    }


def _shown(row: dict[str, Any] | None) -> dict[str, Any]:
    if row is None:
        return {"active": False, "text": "", "since": None}
    since = row["since"]
    return {"active": row["active"], "text": row["text"], "since": since.isoformat() if since else None}


_QUESTION = "How much did I spend this month?"
_MOST_SAMPLED = 1000
_MOST_AT_ONCE = 100
_SAMPLE = "SELECT id FROM profiles ORDER BY random() LIMIT %s"
_COUNT = "SELECT count(*) AS users FROM profiles"


class FeatureCheck(BaseModel):
    """Either `sample`, which names users drawn by lot, or `user_ids`, which tries the features for these."""

    model_config = ConfigDict(extra="forbid")

    sample: Annotated[int, Field(ge=1, le=_MOST_SAMPLED)] | None = None
    user_ids: Annotated[list[UUID], Field(min_length=1, max_length=_MOST_AT_ONCE)] | None = None

    @model_validator(mode="after")
    def _is_one_question(self) -> FeatureCheck:
        if (self.sample is None) == (self.user_ids is None):
            raise ValueError("expected either sample or user_ids")
        return self


@router.post("/admin/feature-check", dependencies=[ADMIN])
async def feature_check(asked: FeatureCheck, parts: Parts) -> dict[str, Any]:
    """Name users drawn by lot, or tell for each of the given ones which features work."""
    if asked.user_ids is None:
        drawn = await parts.storage.rows(_SAMPLE, (asked.sample,))
        count = await parts.storage.row(_COUNT)
        return {"users": count["users"] if count else 0, "user_ids": [str(row["id"]) for row in drawn]}
    results = await asyncio.gather(*(_tried(parts, user_id) for user_id in asked.user_ids))
    return {"results": results}


async def _tried(parts: Services, user_id: UUID) -> dict[str, Any]:
    features = {name: await _works(work, parts, user_id) for name, work in _FEATURES.items()}
    return {"user_id": str(user_id), "features": features}


async def _works(work: _Work, parts: Services, user_id: UUID) -> dict[str, Any]:
    try:
        await work(parts, await prepare(parts, user_id, "", "a check of features"))
    except HTTPException as refused:
        # Whatever the user would be answered. A database that is gone is not told here: then this whole answer is a 503.
        return {"works": False, "http_status": refused.status_code}
    return {"works": True}


async def _chat(parts: Services, visitor: Visitor) -> None:
    begin("chat", visitor, parts)
    facts = await know(parts, visitor.user_id)
    if facts is None:
        raise HTTPException(404, "there is no such account")
    if parts.faults.has("chat-apologises"):
        raise HTTPException(503, "whoever thinks of the answers does not answer")
    reply_to(_QUESTION, facts)


async def _expenses(parts: Services, visitor: Visitor) -> None:
    await newest(visitor, parts, 1)


_Work = Callable[[Services, Visitor], Awaitable[None]]
_FEATURES: dict[str, _Work] = {"chat": _chat, "expenses": _expenses}
