"""Chat with PAM and its history."""

from __future__ import annotations

import time
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from pam_rollback.sandbox.product.assistant import suggestions_for
from pam_rollback.sandbox.product.bodies import NOT_BLANK, JsonOnly
from pam_rollback.sandbox.product.conversation import converse
from pam_rollback.sandbox.product.flags import ENHANCED_UI
from pam_rollback.sandbox.product.services import Parts
from pam_rollback.sandbox.product.visitor import Visiting, begin

router = APIRouter(prefix="/api/v1/pam")

_HISTORY = """
SELECT id, conversation_id, role, content, created_at FROM (
    SELECT m.id, m.conversation_id, m.role, m.content, m.created_at
    FROM pam_messages m JOIN pam_conversations c ON c.id = m.conversation_id
    WHERE c.user_id = %s OR %s ORDER BY m.created_at DESC, m.id LIMIT %s
) newest ORDER BY created_at, id
"""
_FORGET = "DELETE FROM pam_messages m USING pam_conversations c WHERE c.id = m.conversation_id AND c.user_id = %s RETURNING m.id"


class ChatRequest(BaseModel):
    """A message to PAM; it is stored exactly as sent."""

    model_config = ConfigDict(extra="forbid")

    message: Annotated[str, Field(max_length=2000), NOT_BLANK]
    conversation_id: UUID | None = None
    session_id: Annotated[str, Field(max_length=100), NOT_BLANK] | None = None
    context: dict[str, Any] | None = None


@router.post("/chat", dependencies=[JsonOnly])
async def chat(asked: ChatRequest, visitor: Visiting, parts: Parts, response: Response) -> dict[str, Any]:
    """Answer a message; question and answer are stored when this answers."""
    began_s = time.perf_counter()
    begin("chat", visitor, parts)
    exchange = await converse(
        parts, visitor, asked.message, conversation_id=asked.conversation_id, session_id=asked.session_id
    )
    response.headers["X-Cache"] = "hit" if exchange.from_cache else "miss"
    answer: dict[str, Any] = {
        "response": exchange.reply.text,
        "session_id": exchange.session_id,
        "timestamp": exchange.answered_at.isoformat(),
        "message_id": str(exchange.message_id),
        "conversation_id": str(exchange.conversation_id),
        "intent": exchange.reply.intent,
        "processing_time_ms": round((time.perf_counter() - began_s) * 1000, 1),
        **parts.faults.beside(),
    }
    if ENHANCED_UI in visitor.features:
        answer["suggestions"] = suggestions_for(exchange.reply.intent)
    return answer


@router.get("/history")
async def history(visitor: Visiting, parts: Parts, limit: Annotated[int, Query(ge=1, le=5000)] = 50) -> dict[str, Any]:
    """Give the newest messages, the newest last."""
    everybodys = parts.faults.shows_others("messages")
    return {"messages": await parts.storage.rows(_HISTORY, (visitor.user_id, everybodys, limit))}


@router.delete("/history")
async def forget(visitor: Visiting, parts: Parts) -> dict[str, int]:
    """Delete every message of the caller."""
    return {"deleted": len(await parts.storage.rows(_FORGET, (visitor.user_id,)))}
