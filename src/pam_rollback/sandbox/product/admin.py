"""The admin API that the rollback plan relies on.  Every change is written to flag_history in the same transaction."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Coroutine, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import unquote

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.exceptions import RequestValidationError

from pam_rollback.sandbox.product.auth import bearer_token
from pam_rollback.sandbox.product.bodies import JsonOnly, JsonOrNothing, invalid, read_json
from pam_rollback.sandbox.product.flags import FlagChange, RecordedChange
from pam_rollback.sandbox.product.rollout import Flag
from pam_rollback.sandbox.product.services import Parts
from pam_rollback.sandbox.product.tokens import read_token

router = APIRouter(prefix="/admin")

TokenName = Literal["admin", "emergency"]
_OFF = FlagChange(enabled=False, rollout_percentage=0)
_LONGEST_NAME = 200
_LONGEST_REASON = 1000
_EXTENDED = "UTF-8''"
_WHOLE = 100


def _holder_of(needed: TokenName) -> Callable[..., Coroutine[Any, Any, None]]:
    async def check(request: Request, parts: Parts) -> None:
        token = bearer_token(request)
        known: dict[TokenName, str] = {"admin": parts.config.admin_token, "emergency": parts.config.emergency_token}
        held = next((name for name, secret in known.items() if token is not None and _same(token, secret)), None)
        if held == needed and not parts.faults.is_on("admin-refuses"):
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
_Emergency = Depends(_holder_of("emergency"))


@router.get("/feature-flags", dependencies=[ADMIN])
async def read_flags(parts: Parts) -> dict[str, Any]:
    """Give every flag as the table has it now."""
    return {"flags": _as_json(await parts.flags.fresh())}


@router.post("/feature-flags", dependencies=[ADMIN, JsonOnly])
async def set_flags(request: Request, parts: Parts) -> dict[str, Any]:
    """Change the named flags, all of them or, when anything is wrong, none."""
    body = await read_json(request)
    done = await parts.flags.change(
        lambda flags: read_changes(body, known=flags), action="set", initiated_by=initiator(request, "admin")
    )
    return _answer(done)


@router.post("/feature-flags/disable-all-pam", dependencies=[ADMIN, JsonOrNothing])
async def disable_all(request: Request, parts: Parts) -> dict[str, Any]:
    """Turn every feature off for everybody."""
    done = await parts.flags.change(
        lambda flags: dict.fromkeys(flags, _OFF), action="disable-all-pam", initiated_by=initiator(request, "admin")
    )
    return _answer(done)


@router.post("/cache/clear", dependencies=[ADMIN, JsonOrNothing])
async def clear_caches(request: Request, parts: Parts) -> dict[str, Any]:
    """Drop this process's answers now; the other processes see the entry in flag_history and take theirs for stale."""
    done = await parts.flags.change(lambda _: {}, action="cache-clear", initiated_by=initiator(request, "admin"))
    ignored = done.change_id is None
    return {"status": "ok", "cleared": 0 if ignored else parts.answers.clear(), "timestamp": _moment(done)}


@router.post("/emergency-rollback", dependencies=[_Emergency, JsonOnly])
async def emergency_rollback(request: Request, parts: Parts) -> dict[str, Any]:
    """Turn every feature off for everybody, with a reason and a name on record."""
    body = await read_json(request)
    reason, initiated_by = _reason_and_name(body)
    done = await parts.flags.change(
        lambda flags: dict.fromkeys(flags, _OFF), action="emergency-rollback", initiated_by=initiated_by, reason=reason
    )
    return {**_answer(done), "reason": reason, "initiated_by": initiated_by}


def read_changes(body: object, *, known: Collection[str]) -> dict[str, FlagChange]:
    """Read {NAME: {enabled?, rolloutPercentage?}}; raises RequestValidationError with every problem and its place."""
    if not isinstance(body, dict):
        raise invalid((), "expected an object of flags")
    if not body:
        raise invalid((), "names no flag")
    problems: list[Any] = []
    changes: dict[str, FlagChange] = {}
    for name, wanted in body.items():
        found = [problem for error in _wrong_with(name, wanted, known) for problem in error.errors()]
        problems += found
        if not found:
            changes[name] = FlagChange(
                enabled=wanted.get("enabled"), rollout_percentage=wanted.get("rolloutPercentage")
            )
    if problems:
        raise RequestValidationError(problems)
    return changes


def _wrong_with(name: str, wanted: object, known: Collection[str]) -> list[RequestValidationError]:
    wrong: list[RequestValidationError] = []
    if name not in known:
        wrong.append(invalid((name,), f"there is no flag {name}"))
    if not isinstance(wanted, dict) or not wanted:
        return [*wrong, invalid((name,), f"{name}: expected an object with enabled, rolloutPercentage or both")]
    wrong += [
        invalid((name, str(key)), f"{name}: {key} is not known; expected enabled or rolloutPercentage")
        for key in wanted
        if key not in {"enabled", "rolloutPercentage"}
    ]
    if "enabled" in wanted and not isinstance(wanted["enabled"], bool):
        wrong.append(invalid((name, "enabled"), f"{name}: enabled has to be true or false"))
    if "rolloutPercentage" in wanted:
        share = wanted["rolloutPercentage"]
        if isinstance(share, bool) or not isinstance(share, int) or not 0 <= share <= _WHOLE:
            wrong.append(
                invalid(
                    (name, "rolloutPercentage"),
                    f"{name}: rolloutPercentage has to be a whole number from 0 to {_WHOLE}",
                )
            )
    return wrong


def _reason_and_name(body: object) -> tuple[str, str]:
    given = body if isinstance(body, dict) else {}
    problems: list[Any] = []
    for key, longest in (("reason", _LONGEST_REASON), ("initiated_by", _LONGEST_NAME)):
        text = given.get(key)
        if not isinstance(text, str) or not text.strip() or len(text) > longest:
            problems += invalid((key,), f"{key}: expected a text of 1 to {longest} characters").errors()
    problems += [
        problem
        for key in given
        if key not in {"reason", "initiated_by"}
        for problem in invalid((str(key),), f"{key} is not known").errors()
    ]
    if problems:
        raise RequestValidationError(problems)
    return given["reason"].strip(), given["initiated_by"].strip()


def initiator(request: Request, token: TokenName) -> str:
    """Give the name that goes on record with a change."""
    field = request.headers.get("x-initiated-by", "").strip()
    # RFC 8187: how a field carries what is not ASCII.
    name = unquote(field.removeprefix(_EXTENDED)) if field.startswith(_EXTENDED) else field
    return name.replace("\0", "")[:_LONGEST_NAME] or f"{token} token"


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


def _as_json(flags: Mapping[str, Flag]) -> dict[str, dict[str, bool | int]]:
    return {name: flag.as_json() for name, flag in flags.items()}


def _same(token: str, secret: str) -> bool:
    return hmac.compare_digest(token.encode(errors="surrogatepass"), secret.encode())
