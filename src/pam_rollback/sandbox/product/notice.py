"""The notice inside the app: one row for all releases, read by every visitor, changed by the administrator only."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from pam_rollback.sandbox.product.admin import ADMIN, initiator
from pam_rollback.sandbox.product.bodies import JsonOnly
from pam_rollback.sandbox.product.services import Parts
from pam_rollback.sandbox.product.storage import fetch

router = APIRouter()

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


@router.put("/admin/notice", dependencies=[ADMIN, JsonOnly], status_code=HTTPStatus.OK)
async def set_notice(wanted: NewNotice, request: Request, parts: Parts) -> dict[str, Any]:
    """Put a notice up, change it, or take it away; who did so is on record in the same transaction."""
    who = initiator(request, "admin")
    if parts.faults.is_on("flags-ignored"):
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
