"""What one release is told when it starts, in one JSON line so that no secret stands in an argument, and what its routes share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from pam_rollback.sandbox.personalities import PERSONALITIES, Personality, Product
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


@dataclass(frozen=True, slots=True)
class Services:
    """One of each, made when the process starts."""

    config: ProductConfig
    storage: Storage
    flags: FlagStore
    faults: Faults
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
        metrics=Metrics(),
        model=model,
        started_at=datetime.now(UTC),
    )


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Parts = Annotated[Services, Depends(_services)]
"""A route's way to the shared parts."""
