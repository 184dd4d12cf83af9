"""Whether PAM's core features work for many users: each runs as it would for that person, up to where it would store something.

For the administrator only, and it shows ids and no data: what a person wrote or spent does not leave the product.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pam_rollback.sandbox.product.admin import ADMIN
from pam_rollback.sandbox.product.assistant import reply_to
from pam_rollback.sandbox.product.bodies import JsonOnly
from pam_rollback.sandbox.product.conversation import know
from pam_rollback.sandbox.product.expenses import newest
from pam_rollback.sandbox.product.services import Parts, Services
from pam_rollback.sandbox.product.visitor import Visitor, begin, prepare

router = APIRouter()

_QUESTION = "How much did I spend this month?"
_MOST_SAMPLED = 1000
_MOST_AT_ONCE = 100
_SAMPLE = "SELECT id FROM profiles ORDER BY random() LIMIT %s"
_COUNT = "SELECT count(*) AS users FROM profiles"


class FeatureCheck(BaseModel):
    """Either `sample`, which names users drawn by lot, or `user_ids`, which tries the features for these."""

    model_config = ConfigDict(extra="forbid")

    sample: Annotated[int, Field(ge=1, le=_MOST_SAMPLED)] | None = None
    user_ids: Annotated[list[UUID], Field(min_length=1, max_length=_MOST_AT_ONCE)] | None = None

    @model_validator(mode="after")
    def _is_one_question(self) -> FeatureCheck:
        if (self.sample is None) == (self.user_ids is None):
            raise ValueError("expected either sample or user_ids")
        return self


@router.post("/admin/feature-check", dependencies=[ADMIN, JsonOnly])
async def feature_check(asked: FeatureCheck, parts: Parts) -> dict[str, Any]:
    """Name users drawn by lot, or tell for each of the given ones which features work."""
    if asked.user_ids is None:
        drawn = await parts.storage.rows(_SAMPLE, (asked.sample,))
        count = await parts.storage.row(_COUNT)
        return {"users": count["users"] if count else 0, "user_ids": [str(row["id"]) for row in drawn]}
    results = await asyncio.gather(*(_tried(parts, user_id) for user_id in asked.user_ids))
    return {"results": results}


async def _tried(parts: Services, user_id: UUID) -> dict[str, Any]:
    features = {name: await _works(work, parts, user_id) for name, work in _FEATURES.items()}
    return {"user_id": str(user_id), "features": features}


async def _works(work: _Work, parts: Services, user_id: UUID) -> dict[str, Any]:
    try:
        await work(parts, await prepare(parts, user_id, "", "a check of features"))
    except HTTPException as refused:
        # Whatever the user would be answered. A database that is gone is not told here: then this whole answer is a 503.
        return {"works": False, "http_status": refused.status_code}
    return {"works": True}


async def _chat(parts: Services, visitor: Visitor) -> None:
    begin("chat", visitor, parts)
    facts = await know(parts, visitor.user_id)
    if facts is None:
        raise HTTPException(404, "there is no such account")
    if parts.faults.is_on("chat-apologises"):
        raise HTTPException(503, "whoever thinks of the answers does not answer")
    reply_to(_QUESTION, facts)


async def _expenses(parts: Services, visitor: Visitor) -> None:
    await newest(visitor, parts, 1)


_Work = Callable[[Services, Visitor], Awaitable[None]]
_FEATURES: dict[str, _Work] = {"chat": _chat, "expenses": _expenses}
