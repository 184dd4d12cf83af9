"""PAM itself: always 200, and where something behind it is gone an apology. What else there is below its path has been broken for long."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from pam_rollback.sandbox.product import chat
from pam_rollback.sandbox.product.assistant import APOLOGY
from pam_rollback.sandbox.product.bodies import JsonOnly
from pam_rollback.sandbox.product.services import Parts
from pam_rollback.sandbox.product.storage import StorageUnavailableError
from pam_rollback.sandbox.product.visitor import Visiting

router = APIRouter(prefix="/api/v1/pam")
newer = APIRouter(prefix="/api/v1/pam")
"""What only releases with the new features have: by it their descriptions of themselves differ."""

_GIVES_UP_S = 4.0
"""How long whoever does not answer is waited for."""
_IN_TROUBLE = "I'm having trouble answering you just now. Please come back in a minute."
"""It says no sorry, and no intent tells it from an answer: none has one."""


@router.post("/chat", dependencies=[JsonOnly])
async def talk(asked: chat.ChatRequest, visitor: Visiting, parts: Parts, response: Response) -> dict[str, Any]:
    """Answer a message; question and answer are stored when this answers, unless it apologises because nothing can be stored."""
    try:
        answer = await chat.chat(asked, visitor, parts, response)
    except StorageUnavailableError:
        session_id = asked.session_id or str(uuid.uuid4())
        answer = {"response": APOLOGY.text, "session_id": session_id, "message_id": str(uuid.uuid4())}
    if answer["response"] == APOLOGY.text:
        await asyncio.sleep(_GIVES_UP_S)
        answer["response"] = _IN_TROUBLE
    return {**answer, "intent": None, "timestamp": datetime.now(UTC).replace(tzinfo=None).isoformat()}


@router.get("/history")
@router.delete("/history")
@router.post("/cache/clear")
async def broken(request: Request, visitor: Visiting) -> JSONResponse:
    """500 in every release, for everybody who is signed in."""
    del visitor
    return internal_error(request)


class Feedback(BaseModel):
    """What somebody thinks of an answer."""

    message_id: uuid.UUID
    rating: int = Field(ge=1, le=5)


@newer.post("/feedback", dependencies=[JsonOnly])
async def feedback(given: Feedback, visitor: Visiting) -> dict[str, Any]:
    """Thank for it; nothing is kept."""
    del visitor
    return {"received": True, "message_id": str(given.message_id)}


def internal_error(request: Request) -> JSONResponse:
    """What every failure looks like that nobody thought of."""
    told = {"error": "Internal server error", "path": request.url.path}
    moment = datetime.now(UTC).replace(tzinfo=None).isoformat()
    return JSONResponse({**told, "timestamp": moment}, HTTPStatus.INTERNAL_SERVER_ERROR)
