"""A signed-in person with the features that this release gives them: where faults behind a flag strike."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Depends, HTTPException

from pam_rollback.sandbox.product.auth import Caller
from pam_rollback.sandbox.product.services import Parts


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


async def _visitor(caller: Caller, parts: Parts) -> Visitor:
    features: frozenset[str] = frozenset()
    if parts.config.has_new_features:
        values = await parts.flags.values_for(str(caller.user_id))
        features = frozenset(name for name, on in values.items() if on)
    visitor = Visitor(user_id=caller.user_id, email=caller.email, features=features)
    if (delay_s := parts.faults.delay_s(features)) > 0:
        await asyncio.sleep(delay_s)
    if parts.faults.fails(visitor.key, features):
        raise HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong while preparing your page")
    return visitor


Visiting = Annotated[Visitor, Depends(_visitor)]
"""A user route's caller."""
