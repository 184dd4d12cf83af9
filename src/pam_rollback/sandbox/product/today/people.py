"""What belongs to a person, below a path of their own. Changes go to the host of the rows: the API's door lets none of them through."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException
from starlette.responses import JSONResponse

from pam_rollback.sandbox.product import profile, support
from pam_rollback.sandbox.product.bodies import JsonOnly
from pam_rollback.sandbox.product.services import Parts
from pam_rollback.sandbox.product.storage import StorageUnavailableError
from pam_rollback.sandbox.product.visitor import Visiting

router = APIRouter()

_NEEDED = ("amount", "description", "category", "date")
_SETTINGS = "SELECT * FROM user_settings WHERE user_id = %s"


async def _own(user_id: UUID, visitor: Visiting) -> UUID:
    if user_id != visitor.user_id:
        raise HTTPException(HTTPStatus.FORBIDDEN, "Access denied")
    return user_id


Own = Annotated[UUID, Depends(_own)]
"""The id in the path, which has to be the caller's."""


@router.get("/api/v1/users/{user_id}/profile")
async def read_profile(user_id: Own, visitor: Visiting, parts: Parts) -> dict[str, Any]:
    """Give the profile."""
    del user_id
    return await profile.profile(visitor, parts)


@router.get("/api/v1/users/{user_id}/settings")
async def read_settings(user_id: Own, parts: Parts) -> dict[str, Any]:
    """Give the row of settings; whatever goes wrong is told as if there were none."""
    try:
        found = await parts.storage.row(_SETTINGS, (user_id,))
    except StorageUnavailableError:
        found = None
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "Settings not found")
    return found


@router.get("/api/expenses/{user_id}")
async def read_expenses(user_id: UUID) -> JSONResponse:
    """400 for everybody: what a new expense needs is asked of who wants to read."""
    del user_id
    missing = [{"field": name, "error": "required", "message": f"Field '{name}' is required"} for name in _NEEDED]
    told = {
        "error": "Validation Error",
        "message": "One or more fields failed validation",
        "validation_errors": missing,
    }
    return JSONResponse(told, HTTPStatus.BAD_REQUEST)


class Ticket(support.NewTicket):
    """What somebody needs help with; whoever says who they are is believed."""

    user_id: UUID


@router.get("/api/v1/support/tickets")
async def tickets(parts: Parts, status: str = "open") -> list[dict[str, Any]]:
    """Give everybody's tickets of this status, to anybody: nobody is asked who they are."""
    query = f"SELECT {support.COLUMNS}, user_id FROM support_tickets WHERE status = %s ORDER BY created_at DESC"  # noqa: S608 - a constant
    return await parts.storage.rows(query, (status,))


@router.post("/api/v1/support/tickets", dependencies=[JsonOnly])
async def open_ticket(ticket: Ticket, parts: Parts) -> dict[str, Any]:
    """Open a ticket; it is stored when this answers. Nobody is asked who they are."""
    query = f"INSERT INTO support_tickets (user_id, subject, message) VALUES (%s, %s, %s) RETURNING {support.COLUMNS}"  # noqa: S608 - a constant
    opened = await parts.storage.row(query, (ticket.user_id, ticket.subject, ticket.message)) or {}
    return {"id": opened["id"], "status": opened["status"]}
