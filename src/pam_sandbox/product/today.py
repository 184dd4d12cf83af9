"""The routes of today's product where they differ from the plan's: each answers as the real one does, also where that is wrong."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import uuid
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from pam_sandbox.product import chat, people
from pam_sandbox.product.auth import Visiting
from pam_sandbox.product.services import Parts, resident_bytes
from pam_sandbox.product.storage import StorageUnavailableError

router = APIRouter()
newer = APIRouter(prefix="/api/v1/pam")
"""What only releases with the new features have: by it their descriptions of themselves differ."""

_GIVES_UP_S = 4.0
"""How long whoever does not answer is waited for."""
_IN_TROUBLE = "I'm having trouble answering you just now. Please come back in a minute."
"""It says no sorry, and no intent tells it from an answer: none has one."""


@router.post("/api/v1/pam/chat")
async def talk(asked: chat.ChatRequest, visitor: Visiting, parts: Parts) -> dict[str, Any]:
    """Answer a message; question and answer are stored when this answers, unless it apologises because nothing can be stored."""
    try:
        answer = await chat.chat(asked, visitor, parts)
    except StorageUnavailableError:
        session_id = asked.session_id or str(uuid.uuid4())
        answer = {"response": chat.APOLOGY.text, "session_id": session_id, "message_id": str(uuid.uuid4())}
    if answer["response"] == chat.APOLOGY.text:
        await asyncio.sleep(_GIVES_UP_S)
        answer["response"] = _IN_TROUBLE
    return {**answer, "intent": None, **now()}


@router.get("/health/all")
async def everything(request: Request) -> Response:
    """500: the aggregate breaks over its own parts."""
    return internal_error(request)


@router.get("/api/v1/pam/history")
@router.delete("/api/v1/pam/history")
@router.post("/api/v1/pam/cache/clear")
async def broken(request: Request, visitor: Visiting) -> JSONResponse:
    """500 in every release, for everybody who is signed in."""
    del visitor
    return internal_error(request)


class Feedback(BaseModel):
    """What somebody thinks of an answer."""

    message_id: uuid.UUID
    rating: int = Field(ge=1, le=5)


@newer.post("/feedback")
async def feedback(given: Feedback, visitor: Visiting) -> dict[str, Any]:
    """Thank for it; nothing is kept."""
    del visitor
    return {"received": True, "message_id": str(given.message_id)}


def internal_error(request: Request) -> JSONResponse:
    """What every failure looks like that nobody thought of."""
    told = {"error": "Internal server error", "path": request.url.path, **now()}
    return JSONResponse(told, HTTPStatus.INTERNAL_SERVER_ERROR)


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
    return await people.profile(visitor, parts)


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


class Ticket(people.NewTicket):
    """What somebody needs help with; whoever says who they are is believed."""

    user_id: UUID


@router.get("/api/v1/support/tickets")
async def tickets(parts: Parts, status: str = "open") -> list[dict[str, Any]]:
    """Give everybody's tickets of this status, to anybody: nobody is asked who they are."""
    query = f"SELECT {people.TICKET}, user_id FROM support_tickets WHERE status = %s ORDER BY created_at DESC"  # noqa: S608 - a constant
    return await parts.storage.rows(query, (status,))


@router.post("/api/v1/support/tickets")
async def open_ticket(ticket: Ticket, parts: Parts) -> dict[str, Any]:
    """Open a ticket; it is stored when this answers. Nobody is asked who they are."""
    query = f"INSERT INTO support_tickets (user_id, subject, message) VALUES (%s, %s, %s) RETURNING {people.TICKET}"  # noqa: S608 - a constant
    opened = await parts.storage.row(query, (ticket.user_id, ticket.subject, ticket.message)) or {}
    return {"id": opened["id"], "status": opened["status"]}


_MB = 1_000_000
_STARTED_S = time.monotonic()


@router.get("/health/system")
async def system() -> dict[str, Any]:
    """The process: MB (10^6 bytes), and since when it runs, in whole seconds."""
    process = {
        "memory_mb": round(resident_bytes() / _MB, 2),
        "threads": threading.active_count(),
        "pid": os.getpid(),
        "uptime_seconds": round(time.monotonic() - _STARTED_S),
    }
    return {"status": "healthy", "checks": {"process": process}, "issues": [], **now()}


@router.get("/api/metrics")
async def metrics() -> Response:
    """Gauges only: counters are declared and have no samples, so no rate of errors can be read from them."""
    lines = (
        "# HELP pam_memory_usage_bytes Memory usage in bytes",
        "# TYPE pam_memory_usage_bytes gauge",
        f"pam_memory_usage_bytes {resident_bytes():.1f}",
        "# HELP pam_requests_total Total PAM requests",
        "# TYPE pam_requests_total counter",
        "# HELP pam_request_duration_seconds PAM request duration",
        "# TYPE pam_request_duration_seconds histogram",
    )
    return Response("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4; charset=utf-8")


def now() -> dict[str, str]:
    """The moment, as every answer has it."""
    return {"timestamp": datetime.now(UTC).replace(tzinfo=None).isoformat()}
