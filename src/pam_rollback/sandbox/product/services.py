"""What the routes of one process share."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

from pam_rollback.sandbox.product.assistant import Reply
from pam_rollback.sandbox.product.breaker import Breaker
from pam_rollback.sandbox.product.config import ProductConfig
from pam_rollback.sandbox.product.faults import Faults
from pam_rollback.sandbox.product.flags import ConstantFlags, FlagStore
from pam_rollback.sandbox.product.metrics import Metrics
from pam_rollback.sandbox.product.storage import Storage

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
        metrics=Metrics((storage.breaker, model)),
        model=model,
        started_at=datetime.now(UTC),
    )


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Parts = Annotated[Services, Depends(_services)]
"""A route's way to the shared parts."""
