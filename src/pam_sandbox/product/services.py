"""What one release is told when it starts, in one JSON line so that no secret stands in an argument, and what its routes share."""

from __future__ import annotations

import os
import resource
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pam_sandbox.personalities import PERSONALITIES, Personality, Product
from pam_sandbox.product.faults import Faults
from pam_sandbox.product.flags import ConstantFlags, FlagStore
from pam_sandbox.product.storage import Breaker, Storage

_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_STATM = Path("/proc/self/statm")
CONTENT_TYPE = CONTENT_TYPE_LATEST


def resident_bytes() -> int:
    """Give the memory that this process holds; where the system cannot say, the most that it ever held."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


class Metrics:
    """A registry of its own, so that nothing of another library slips in."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "pam_requests", "Requests answered.", ("method", "path", "status"), registry=self._registry
        )
        self._duration = Histogram(
            "pam_request_duration_seconds",
            "Time from the request's arrival to the end of its answer.",
            ("method", "path"),
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        for name in ("process_resident_memory_bytes", "pam_memory_usage_bytes"):
            gauge = Gauge(name, "Resident memory of this process.", registry=self._registry)
            gauge.set_function(resident_bytes)
        started = Gauge(
            "process_start_time_seconds", "When this process began to serve, since 1970.", registry=self._registry
        )
        started.set_to_current_time()

    def observe(self, *, method: str, path: str, status: int, duration_s: float) -> None:
        """Count one answered request; `path` is the route's template, never what the client typed."""
        self._requests.labels(method, path, str(status)).inc()
        self._duration.labels(method, path).observe(duration_s)

    def exposition(self) -> bytes:
        """Give everything in Prometheus' text format."""
        return generate_latest(self._registry)


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


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must hold more than white space")
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    return text


NOT_BLANK = AfterValidator(_not_blank)
"""For a text that has to say something; it is stored as it was sent."""
