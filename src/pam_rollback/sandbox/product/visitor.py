"""A signed-in person with the features that this release gives them: where faults behind a flag strike."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Depends, HTTPException, Request

from pam_rollback.sandbox.product.auth import Caller
from pam_rollback.sandbox.product.services import Parts, Services


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks and what they have; a release without the new features gives none, whatever the flags say."""

    user_id: UUID
    email: str
    features: frozenset[str]

    @property
    def key(self) -> str:
        """The id as flags and caches use it."""
        return str(self.user_id)


async def prepare(parts: Services, user_id: UUID, email: str, what: str) -> Visitor:
    """Give the person the features of this release; ``what`` names what they ask for. Raises HTTPException where a fault strikes."""
    features: frozenset[str] = frozenset()
    if parts.config.has_new_features:
        values = await parts.flags.values_for(str(user_id))
        features = frozenset(name for name, on in values.items() if on)
    visitor = Visitor(user_id=user_id, email=email, features=features)
    if (delay_s := parts.faults.delay_s(features)) > 0:
        await asyncio.sleep(delay_s)
    if parts.faults.fails(visitor.key, what, features):
        raise HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong while preparing your page")
    return visitor


def begin(feature: str, visitor: Visitor, parts: Services) -> None:
    """Where a feature begins for a person. Raises HTTPException when it does not work for them."""
    if parts.faults.fails_for(visitor.key, feature, visitor.features):
        raise HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR, f"something went wrong in {feature}")


async def _visitor(request: Request, caller: Caller, parts: Parts) -> Visitor:
    return await prepare(parts, caller.user_id, caller.email, f"{request.method} {request.scope['route'].path}")


Visiting = Annotated[Visitor, Depends(_visitor)]
"""A user route's caller."""
