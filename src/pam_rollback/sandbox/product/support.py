"""Support tickets."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from pam_rollback.sandbox.product.bodies import NOT_BLANK, JsonOnly
from pam_rollback.sandbox.product.services import Parts
from pam_rollback.sandbox.product.visitor import Visiting

router = APIRouter(prefix="/api/v1/support")

COLUMNS = "id, subject, message, status, created_at"


class NewTicket(BaseModel):
    """What somebody needs help with."""

    model_config = ConfigDict(extra="forbid")

    subject: Annotated[str, Field(max_length=200), NOT_BLANK]
    message: Annotated[str, Field(max_length=5000), NOT_BLANK]


@router.get("/tickets")
async def tickets(visitor: Visiting, parts: Parts, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> dict[str, Any]:
    """Give the caller's tickets, the newest first."""
    query = f"SELECT {COLUMNS} FROM support_tickets WHERE user_id = %s OR %s ORDER BY created_at DESC LIMIT %s"  # noqa: S608 - a constant
    everybodys = parts.faults.shows_others("tickets")
    return {"tickets": await parts.storage.rows(query, (visitor.user_id, everybodys, limit))}


@router.post("/tickets", status_code=HTTPStatus.CREATED, dependencies=[JsonOnly])
async def open_ticket(ticket: NewTicket, visitor: Visiting, parts: Parts) -> dict[str, Any] | None:
    """Open a ticket; it is stored when this answers."""
    query = f"INSERT INTO support_tickets (user_id, subject, message) VALUES (%s, %s, %s) RETURNING {COLUMNS}"  # noqa: S608 - a constant
    return await parts.storage.row(query, (visitor.user_id, ticket.subject, ticket.message))
