"""What one release is told when it starts, in one JSON line so that no secret stands in an argument, and what its routes share."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from pam_rollback.sandbox.personalities import PERSONALITIES, Personality, Product
from pam_rollback.sandbox.product.assistant import Reply
from pam_rollback.sandbox.product.faults import Faults
from pam_rollback.sandbox.product.flags import ConstantFlags, FlagStore
from pam_rollback.sandbox.product.metrics import Metrics
from pam_rollback.sandbox.product.storage import Breaker, Storage

# The first release that has what the flags of the plan switch; earlier ones know the flags and do nothing with them.
_NEW_FEATURES_SINCE = (1, 42)
_VERSION = r"^\d+\.\d+\.\d+$"

Secret = Annotated[str, Field(min_length=16, repr=False)]


class ProductConfig(BaseModel):
    """One release of the product: what it is, where its database is, and whom it believes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    release: str = Field(min_length=1, max_length=64)
    """Name in the sandbox, such as `candidate`."""
    version: str = Field(pattern=_VERSION)
    commit: str = Field(min_length=1, max_length=64)
    dsn: str = Field(min_length=1, repr=False)
    admin_token: Secret
    emergency_token: Secret
    jwt_secret: Annotated[str, Field(min_length=32, repr=False)]
    internal_token: Secret
    frontend_origin: str = Field(pattern=r"^https?://[^/\s]+$")
    product: Product = "pam-plan"
    variables: dict[str, str] = {}
    """Those of the host that the process starts with."""

    @property
    def personality(self) -> Personality:
        """Which of the products this is a release of."""
        return PERSONALITIES[self.product]

    @property
    def has_new_features(self) -> bool:
        """Whether this release contains what the flags switch."""
        return tuple(int(part) for part in self.version.split("."))[:2] >= _NEW_FEATURES_SINCE


# An expense that another process books is missing from a cached answer for so long at most.
_KEPT_S = 2.0
_CAPACITY = 2000


@dataclass(slots=True)
class AnswerCache:
    """The last answers of this process. An administrator's cache clear in any process makes all of them stale."""

    _replies: dict[tuple[str, str], tuple[Reply, int, float]] = field(default_factory=dict)

    def find(self, user_id: str, message: str, *, generation: int) -> Reply | None:
        """Give the answer to the same message, unless it is old or from before the last cache clear."""
        found = self._replies.get((user_id, _normal(message)))
        if found is None:
            return None
        reply, kept_generation, kept_s = found
        fresh = kept_generation == generation and time.monotonic() - kept_s < _KEPT_S
        return reply if fresh else None

    def keep(self, user_id: str, message: str, reply: Reply, *, generation: int) -> None:
        """Keep an answer; the oldest make room."""
        while len(self._replies) >= _CAPACITY:
            del self._replies[next(iter(self._replies))]
        self._replies[user_id, _normal(message)] = (reply, generation, time.monotonic())

    def forget(self, user_id: str) -> None:
        """Drop what a change of the user's money has made wrong."""
        for key in [key for key in self._replies if key[0] == user_id]:
            del self._replies[key]

    def clear(self) -> int:
        """Drop everything; gives how many answers that were."""
        count = len(self._replies)
        self._replies.clear()
        return count


def _normal(message: str) -> str:
    return " ".join(message.casefold().split())


@dataclass(frozen=True, slots=True)
class Services:
    """One of each, made when the process starts."""

    config: ProductConfig
    storage: Storage
    flags: FlagStore
    faults: Faults
    answers: AnswerCache
    metrics: Metrics
    model: Breaker
    """Around whoever thinks of an answer."""
    started_at: datetime

    @property
    def breakers(self) -> tuple[Breaker, ...]:
        """All circuit breakers of this process."""
        return (self.storage.breaker, self.model)


def build_services(config: ProductConfig) -> Services:
    """Make the parts of a process; nothing is connected yet."""
    storage, faults, model = Storage(config.dsn), Faults(), Breaker("model")
    return Services(
        config=config,
        storage=storage,
        flags=FlagStore(storage, faults)
        if config.personality.has_flags
        else ConstantFlags(storage, faults, config.variables),
        faults=faults,
        answers=AnswerCache(),
        metrics=Metrics(),
        model=model,
        started_at=datetime.now(UTC),
    )


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Parts = Annotated[Services, Depends(_services)]
"""A route's way to the shared parts."""
