"""What the routes of one process share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

from pam_rollback.sandbox.product.answer_cache import AnswerCache
from pam_rollback.sandbox.product.config import ProductConfig
from pam_rollback.sandbox.product.faults import Faults
from pam_rollback.sandbox.product.flags import FlagStore
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
    started_at: datetime


def build_services(config: ProductConfig) -> Services:
    """Make the parts of a process; nothing is connected yet."""
    storage, faults = Storage(config.dsn), Faults()
    return Services(
        config=config,
        storage=storage,
        flags=FlagStore(storage, faults),
        faults=faults,
        answers=AnswerCache(),
        metrics=Metrics(),
        started_at=datetime.now(UTC),
    )


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Parts = Annotated[Services, Depends(_services)]
"""A route's way to the shared parts."""
