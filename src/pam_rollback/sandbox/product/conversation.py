"""One exchange with PAM: what PAM has to know, the answer, and both stored together or not at all."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from uuid import UUID

import psycopg
from fastapi import HTTPException

from pam_rollback.sandbox.product.assistant import APOLOGY, CRASH, Facts, Reply
from pam_rollback.sandbox.product.flags import PERFORMANCE_OPTIMIZATIONS
from pam_rollback.sandbox.product.services import Services
from pam_rollback.sandbox.product.storage import Connection, fetch
from pam_rollback.sandbox.product.thinking import ModelUnavailableError, think
from pam_rollback.sandbox.product.visitor import Visitor

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
    from_cache: bool


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
    reply, from_cache = await _reply(parts, visitor, message)
    reply = parts.faults.mistaken(visitor.user_id, reply.intent, reply)
    async with parts.storage.transaction() as connection:
        exchange = await _store(connection, visitor, message, reply, given_session=session_id, from_cache=from_cache)
        if conversation_id is not None and conversation_id != exchange.conversation_id:
            # Raised inside the transaction, so that nothing of it stays; the same answer whether it exists or not.
            raise HTTPException(HTTPStatus.NOT_FOUND, "you have no such conversation")
        if parts.faults.forgets("messages"):
            raise psycopg.Rollback  # ends the transaction, and nothing else
    return exchange


async def _reply(parts: Services, visitor: Visitor, message: str) -> tuple[Reply, bool]:
    if says := parts.faults.answer_says():
        return APOLOGY if says == "apology" else CRASH, False
    optimised = PERFORMANCE_OPTIMIZATIONS in visitor.features
    generation = (await parts.flags.state()).cache_generation if optimised else 0
    if optimised and (cached := parts.answers.find(visitor.key, message, generation=generation)) is not None:
        return cached, True
    facts = await know(parts, visitor.user_id)
    if facts is None:
        raise HTTPException(HTTPStatus.UNAUTHORIZED, "this account no longer exists")
    try:
        reply = think(parts, message, facts)
    except ModelUnavailableError:
        if not parts.config.personality.apologises:
            raise
        return APOLOGY, False
    if optimised:
        parts.answers.keep(visitor.key, message, reply, generation=generation)
    return reply, False


async def _store(
    connection: Connection, visitor: Visitor, message: str, reply: Reply, *, given_session: str | None, from_cache: bool
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
        from_cache=from_cache,
    )


def _amount(text: str | None) -> Decimal | None:
    try:
        amount = Decimal(text) if text is not None else None
    except InvalidOperation:
        return None  # a person may store any value under the name of a setting
    return amount if amount is not None and amount.is_finite() and amount >= 0 else None
