"""Chat with PAM, written or spoken, and its history: question and answer are stored together or not at all."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import psycopg
from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from pam_sandbox.product.assistant import APOLOGY, CRASH, Facts, ModelUnavailableError, Reply, reply_to
from pam_sandbox.product.auth import Visiting, Visitor, begin
from pam_sandbox.product.flags import VOICE_FEATURES
from pam_sandbox.product.services import NOT_BLANK, Parts, Services
from pam_sandbox.product.storage import Connection, OpenCircuitError, fetch


def think(parts: Services, message: str, facts: Facts) -> Reply:
    """Have an answer thought of; raises ModelUnavailableError, at once when it failed several times a moment ago."""
    try:
        with parts.model.guard(ModelUnavailableError):
            if parts.faults.has("model-down"):
                raise ModelUnavailableError("the model provider does not answer")
            return reply_to(message, facts)
    except OpenCircuitError as error:
        raise ModelUnavailableError(str(error)) from error


_FACTS = """
SELECT profile.full_name, spent.total, spent.number, top.category AS top_category,
       (SELECT {budget}) AS budget, (SELECT {currency}) AS currency
FROM profiles profile
CROSS JOIN LATERAL (
    SELECT coalesce(sum(amount), 0) AS total, count(*) AS number
    FROM expenses WHERE user_id = profile.id AND date >= date_trunc('month', current_date)
) spent
LEFT JOIN LATERAL (
    SELECT category FROM expenses WHERE user_id = profile.id AND date >= date_trunc('month', current_date)
    GROUP BY category ORDER BY sum(amount) DESC, category LIMIT 1
) top ON true
WHERE profile.id = %s
"""
_NARROW = "setting_value #>> '{{}}' FROM user_settings WHERE user_id = profile.id AND setting_name = '{name}'"
_WIDE = "regional_preferences ->> '{name}' FROM user_settings WHERE user_id = profile.id"
# The row stays locked until the end of the transaction: two exchanges of one person are stored one after the other.
_CONVERSATION = """
INSERT INTO pam_conversations (user_id, session_id, title) VALUES (%(user)s, %(session)s, 'Talk with PAM')
ON CONFLICT (user_id) DO UPDATE SET session_id = coalesce(%(given)s, pam_conversations.session_id, EXCLUDED.session_id)
RETURNING id, session_id
"""
_QUESTION = "INSERT INTO pam_messages (conversation_id, role, content) VALUES (%s, 'user', %s) RETURNING id"
_ANSWER = """
INSERT INTO pam_messages (conversation_id, role, content, intent, confidence) VALUES (%s, 'assistant', %s, %s, %s)
RETURNING id, created_at
"""
_CURRENCY_LETTERS = 3


@dataclass(frozen=True, slots=True)
class Exchange:
    """A stored question and its stored answer."""

    reply: Reply
    conversation_id: UUID
    session_id: str
    message_id: UUID
    answered_at: datetime


async def know(parts: Services, user_id: UUID) -> Facts | None:
    """Give what PAM knows of the person; None when the account no longer exists."""
    setting = _WIDE if parts.config.personality.has_wide_settings else _NARROW
    query = _FACTS.format(budget=setting.format(name="monthly_budget"), currency=setting.format(name="currency"))
    row = await parts.storage.row(query, (user_id,))
    if row is None:
        return None
    currency = row["currency"] or "EUR"
    return Facts(
        first_name=(row["full_name"] or "Traveller").split()[0],
        month_total=row["total"],
        month_count=row["number"],
        top_category=row["top_category"],
        monthly_budget=_amount(row["budget"]),
        currency=currency if len(currency) == _CURRENCY_LETTERS else "EUR",
    )


async def converse(
    parts: Services, visitor: Visitor, message: str, *, conversation_id: UUID | None, session_id: str | None
) -> Exchange:
    """Answer the message; returns only after question and answer are committed.

    Raises HTTPException 401 for an account that is gone and 404 for a conversation that is not the visitor's.
    """
    reply = await _reply(parts, visitor, message)
    reply = parts.faults.mistaken(visitor.user_id, reply.intent, reply)
    async with parts.storage.transaction() as connection:
        exchange = await _store(connection, visitor, message, reply, given_session=session_id)
        if conversation_id is not None and conversation_id != exchange.conversation_id:
            # Raised inside the transaction, so that nothing of it stays; the same answer whether it exists or not.
            raise HTTPException(HTTPStatus.NOT_FOUND, "you have no such conversation")
        if parts.faults.has("writes-forgotten", what="messages"):
            raise psycopg.Rollback  # ends the transaction, and nothing else
    return exchange


async def _reply(parts: Services, visitor: Visitor, message: str) -> Reply:
    if says := parts.faults.answer_says():
        return APOLOGY if says == "apology" else CRASH
    facts = await know(parts, visitor.user_id)
    if facts is None:
        raise HTTPException(HTTPStatus.UNAUTHORIZED, "this account no longer exists")
    try:
        return think(parts, message, facts)
    except ModelUnavailableError:
        if not parts.config.personality.apologises:
            raise
        return APOLOGY


async def _store(
    connection: Connection, visitor: Visitor, message: str, reply: Reply, *, given_session: str | None
) -> Exchange:
    fresh_session = given_session or f"session-{secrets.token_hex(5)}"
    [conversation] = await fetch(
        connection, _CONVERSATION, {"user": visitor.user_id, "session": fresh_session, "given": given_session}
    )
    await connection.execute(_QUESTION, (conversation["id"], message))
    [answer] = await fetch(connection, _ANSWER, (conversation["id"], reply.text, reply.intent, reply.confidence))
    return Exchange(
        reply=reply,
        conversation_id=conversation["id"],
        session_id=conversation["session_id"],
        message_id=answer["id"],
        answered_at=answer["created_at"],
    )


def _amount(text: str | None) -> Decimal | None:
    try:
        amount = Decimal(text) if text is not None else None
    except InvalidOperation:
        return None  # a person may store any value under the name of a setting
    return amount if amount is not None and amount.is_finite() and amount >= 0 else None


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


@router.post("/chat")
async def chat(asked: ChatRequest, visitor: Visiting, parts: Parts) -> dict[str, Any]:
    """Answer a message; question and answer are stored when this answers."""
    began_s = time.perf_counter()
    begin("chat", visitor, parts)
    exchange = await converse(
        parts, visitor, asked.message, conversation_id=asked.conversation_id, session_id=asked.session_id
    )
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
    return answer


@router.get("/history")
async def history(visitor: Visiting, parts: Parts, limit: Annotated[int, Query(ge=1, le=5000)] = 50) -> dict[str, Any]:
    """Give the newest messages, the newest last."""
    everybodys = parts.faults.has("cross-user-read", what="messages")
    return {"messages": await parts.storage.rows(_HISTORY, (visitor.user_id, everybodys, limit))}


@router.delete("/history")
async def forget(visitor: Visiting, parts: Parts) -> dict[str, int]:
    """Delete every message of the caller."""
    return {"deleted": len(await parts.storage.rows(_FORGET, (visitor.user_id,)))}


_LARGEST_BYTES = 2 * 1024 * 1024
_HEARD = (
    "How much did I spend this month?",
    "Find a quiet campground for tonight",
    "Plan a weekend by the sea",
    "What will the weather be on Saturday?",
)


voice_router = APIRouter(prefix="/api/v1/pam")
"""Both products have it; the chat around it differs."""


@voice_router.post("/voice")
async def voice(request: Request, visitor: Visiting, parts: Parts) -> dict[str, Any]:
    """Hear a recording and answer it; the feature adds an answer to be spoken, without it the answer is text only."""
    declared = request.headers.get("content-type", "")
    if not declared.startswith("audio/") and not declared.startswith("application/octet-stream"):
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected audio, found {declared or 'no content type'}")
    if parts.faults.hits("voice", visitor.features):
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "the voice service does not answer")
    transcript = _hear(await _recording(request))
    exchange = await converse(parts, visitor, transcript, conversation_id=None, session_id=None)
    answer: dict[str, Any] = {
        "transcript": transcript,
        "response": exchange.reply.text,
        "session_id": exchange.session_id,
        "timestamp": exchange.answered_at.isoformat(),
        "message_id": str(exchange.message_id),
        "conversation_id": str(exchange.conversation_id),
    }
    if VOICE_FEATURES in visitor.features:
        answer["speech"] = {"voice": "warm", "text": exchange.reply.text}
    return answer


async def _recording(request: Request) -> bytes:
    audio = bytearray()
    async for piece in request.stream():
        audio += piece
        if len(audio) > _LARGEST_BYTES:
            raise HTTPException(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a recording may have {_LARGEST_BYTES} bytes at most"
            )
    if not audio:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "the recording is empty")
    return bytes(audio)


def _hear(audio: bytes) -> str:
    return _HEARD[hashlib.sha256(audio).digest()[0] % len(_HEARD)]
