"""What the routes of one process share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

from pam_rollback.sandbox.product.answer_cache import AnswerCache
from pam_rollback.sandbox.product.breaker import Breaker
from pam_rollback.sandbox.product.config import ProductConfig
from pam_rollback.sandbox.product.faults import Faults
from pam_rollback.sandbox.product.flags import ConstantFlags, FlagStore
from pam_rollback.sandbox.product.metrics import Metrics
from pam_rollback.sandbox.product.storage import Storage


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
