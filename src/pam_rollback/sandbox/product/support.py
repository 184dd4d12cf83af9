"""Support tickets."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from pam_rollback.sandbox.product.bodies import JsonOnly, text_field
from pam_rollback.sandbox.product.services import Parts
from pam_rollback.sandbox.product.visitor import Visiting

router = APIRouter(prefix="/api/v1/support")

_COLUMNS = "id, subject, message, status, created_at"


class NewTicket(BaseModel):
    """What somebody needs help with."""

    model_config = ConfigDict(extra="forbid")

    subject: text_field(200)  # type: ignore[valid-type]
    message: text_field(5000)  # type: ignore[valid-type]


@router.get("/tickets")
async def tickets(visitor: Visiting, parts: Parts, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> dict[str, Any]:
    """Give the caller's tickets, the newest first."""
    query = f"SELECT {_COLUMNS} FROM support_tickets WHERE user_id = %s ORDER BY created_at DESC LIMIT %s"  # noqa: S608 - a constant
    return {"tickets": await parts.storage.rows(query, (visitor.user_id, limit))}


@router.post("/tickets", status_code=HTTPStatus.CREATED, dependencies=[JsonOnly])
async def open_ticket(ticket: NewTicket, visitor: Visiting, parts: Parts) -> dict[str, Any] | None:
    """Open a ticket; it is stored when this answers."""
    query = f"INSERT INTO support_tickets (user_id, subject, message) VALUES (%s, %s, %s) RETURNING {_COLUMNS}"  # noqa: S608 - a constant
    return await parts.storage.row(query, (visitor.user_id, ticket.subject, ticket.message))
