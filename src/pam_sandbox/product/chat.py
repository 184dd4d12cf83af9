"""Chat with PAM, written or spoken, and its history: question and answer are stored together or not at all.

PAM is deterministic: the same rows and the same message give the same answer.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import psycopg
from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from pam_sandbox.product.auth import Visiting, Visitor, begin
from pam_sandbox.product.flags import VOICE_FEATURES
from pam_sandbox.product.services import NOT_BLANK, Parts, Services
from pam_sandbox.product.storage import OpenCircuitError, fetch

_SHOWN_CHARACTERS = 60
_SURE, _UNSURE = 0.93, 0.41
_OTHER = "other"


@dataclass(frozen=True, slots=True)
class Facts:
    """What PAM knows of the person who asks: the money of the current month."""

    first_name: str
    total: Decimal
    number: int
    top_category: str | None

    @property
    def spent(self) -> str:
        """The month's total as the person reads it."""
        return f"€{self.total:,.2f}"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer and how PAM understood the question; `confidence` is 0 to 1."""

    text: str
    intent: str | None
    """None: it was not understood, nor even looked at."""
    confidence: float


CRASH = Reply(
    'Traceback (most recent call last):\n  File "/app/pam/answer.py", line 88, in answer\nopenai.RateLimitError: 429 quota exceeded',
    _OTHER,
    0.9,
)
APOLOGY = Reply("I'm sorry, I'm having trouble answering right now. Please try again in a moment.", None, 0.0)
_TOPICS = {  # the first topic with a word in the message wins
    "budget": ("budget spend spent cost expense money afford save month price", ""),
    "campground": (
        "campground campsite camping pitch overnight tonight stay",
        "two quiet campgrounds have free pitches.",
    ),
    "route": ("route drive toll trip weekend plan sea mountain coast", "the valley road has no tolls."),
    "fuel": ("fuel diesel petrol gas charging", "fuel is cheapest on the ring road."),
    "weather": ("weather rain sunny forecast wind", "it stays dry until the evening."),
    "reminder": ("remind calendar appointment", "I put it on your calendar for tomorrow at nine."),
    "greeting": ("hello hi hey thank", "ask me about routes, campgrounds or your travel budget."),
}


class ModelUnavailableError(RuntimeError):
    """Whoever thinks of the answers does not answer."""


def think(parts: Services, message: str, facts: Facts) -> Reply:
    """Have an answer thought of; raises ModelUnavailableError, at once when it failed several times a moment ago."""
    try:
        with parts.model.guard(ModelUnavailableError):
            if parts.faults.has("model-down"):
                raise ModelUnavailableError("the model provider does not answer")
            return reply_to(message, facts)
    except OpenCircuitError as error:
        raise ModelUnavailableError(str(error)) from error


def reply_to(message: str, facts: Facts) -> Reply:
    """Answer the message; every answer names the person's month total, which only the database knows."""
    most = f", most of it for {facts.top_category}" if facts.top_category else ""
    month = f"you have spent {facts.spent} this month in {facts.number} expenses{most}."
    intent = _topic(message)
    if intent == _OTHER:
        shown = " ".join(message.split())
        quoted = shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS].rstrip()}…"
        return Reply(f"I noted “{quoted}”. I know most about trips and money: {month}", intent, _UNSURE)
    return Reply(" ".join(filter(None, (f"{facts.first_name},", _TOPICS[intent][1], month))), intent, _SURE)


def _topic(message: str) -> str:
    words = "".join(c if c.isalnum() else " " for c in message.casefold()).split()
    for topic, (keys, _) in _TOPICS.items():
        # A word may go on ("costs", "routes"), unless it is as short as "hi".
        if any(word == key or (len(key) > 2 and word.startswith(key)) for key in keys.split() for word in words):  # noqa: PLR2004
            return topic
    return _OTHER


_FACTS = """
SELECT split_part(coalesce(nullif(profile.full_name, ''), 'Traveller'), ' ', 1) AS first_name, spent.total, spent.number, top.category
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


async def know(parts: Services, user_id: UUID) -> Facts | None:
    """Give what PAM knows of the person; None when the account no longer exists."""
    row = await parts.storage.row(_FACTS, (user_id,))
    return None if row is None else Facts(row["first_name"], row["total"], row["number"], row["category"])


async def converse(
    parts: Services,
    visitor: Visitor,
    message: str,
    *,
    conversation_id: UUID | None = None,
    session_id: str | None = None,
) -> tuple[Reply, dict[str, Any]]:
    """Answer the message, and give what is told of the answer; returns only after question and answer are committed.

    Raises HTTPException 401 for an account that is gone and 404 for a conversation that is not the visitor's.
    """
    thought = await _reply(parts, visitor, message)
    reply = parts.faults.mistaken(visitor.user_id, thought.intent, thought)
    named = {"user": visitor.user_id, "session": session_id or f"session-{secrets.token_hex(5)}", "given": session_id}
    async with parts.storage.transaction() as connection:
        [conversation] = await fetch(connection, _CONVERSATION, named)
        await connection.execute(_QUESTION, (conversation["id"], message))
        said = (conversation["id"], reply.text, reply.intent, reply.confidence)
        [answer] = await fetch(connection, _ANSWER, said)
        if conversation_id not in {None, conversation["id"]}:
            # Raised inside the transaction, so that nothing of it stays; the same answer whether it exists or not.
            raise HTTPException(HTTPStatus.NOT_FOUND, "you have no such conversation")
        if parts.faults.has("writes-forgotten", what="messages"):
            raise psycopg.Rollback  # ends the transaction, and nothing else
    return reply, {
        "response": reply.text,
        "session_id": conversation["session_id"],
        "timestamp": answer["created_at"].isoformat(),
        "message_id": str(answer["id"]),
        "conversation_id": str(conversation["id"]),
    }


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
    begin("chat", visitor, parts)
    reply, told = await converse(
        parts, visitor, asked.message, conversation_id=asked.conversation_id, session_id=asked.session_id
    )
    return {**told, "intent": reply.intent, **parts.faults.beside()}


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
    if not declared.startswith(("audio/", "application/octet-stream")):
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected audio, found {declared or 'no content type'}")
    if parts.faults.hits("voice", visitor.features):
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "the voice service does not answer")
    recording = await _recording(request)
    transcript = _HEARD[hashlib.sha256(recording).digest()[0] % len(_HEARD)]
    reply, told = await converse(parts, visitor, transcript)
    spoken = {"speech": {"voice": "warm", "text": reply.text}} if VOICE_FEATURES in visitor.features else {}
    return {"transcript": transcript, **told, **spoken}


async def _recording(request: Request) -> bytes:
    audio = bytearray()
    async for piece in request.stream():
        audio += piece
        if len(audio) > _LARGEST_BYTES:
            words = f"a recording may have {_LARGEST_BYTES} bytes at most"
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words)
    if not audio:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "the recording is empty")
    return bytes(audio)
