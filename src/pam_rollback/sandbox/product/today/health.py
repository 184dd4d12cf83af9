"""Health as today's product tells it: what says healthy looks at nothing, and what looks is red by a fault of its own."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from pam_rollback.sandbox.product.metrics import resident_bytes
from pam_rollback.sandbox.product.services import Parts

router = APIRouter()

VERSION = "2.0.0"
"""A constant of the code: every release names this one."""
_MB = 1_000_000
_OWN_FAULT = "'Database' object has no attribute 'execute_query'"
"""Why the database's check never succeeds; it is red with a database that answers, too."""


@router.get("/health")
async def health() -> dict[str, Any]:
    """Healthy as long as the process answers, whatever it depends on."""
    return {"status": "healthy", "service": "pam-api", "version": VERSION, "environment": "production", **_now()}


@router.get("/api/health")
async def api_health() -> dict[str, Any]:
    """The same for whoever looks below /api."""
    return {"status": "healthy", "service": "pam-backend", "version": VERSION, **_now()}


@router.get("/health/ping")
async def ping() -> dict[str, bool]:
    """That the process answers."""
    return {"pong": True}


@router.get("/health/live")
async def live() -> dict[str, str]:
    """That the process lives."""
    return {"status": "alive", **_now()}


@router.get("/health/ready")
async def ready() -> None:
    """Never ready: the check itself breaks."""
    raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, f"Service not ready: {_OWN_FAULT}")


@router.get("/health/pam")
async def health_pam() -> dict[str, Any]:
    """200, and unhealthy for ever: keys are looked at, not whoever is behind them, and the database's check breaks."""
    checks = {
        "model": {"status": "healthy", "configured": True},
        "tts": {"status": "healthy", "enabled": True},
        "websocket": {"status": "healthy", "enabled": True, "max_connections": 100},
        "cache": {"status": "degraded", "type": "memory", "connected": False},
        "database": {"status": "unhealthy", "error": _OWN_FAULT},
    }
    issues = [f"Database connection failed: {_OWN_FAULT}"]
    return {"status": "unhealthy", "checks": checks, "issues": issues, "response_time_ms": 0.4, **_now()}


@router.get("/health/system")
async def system() -> dict[str, Any]:
    """The process, in MB (10^6 bytes)."""
    process = {"memory_mb": round(resident_bytes() / _MB, 2), "threads": threading.active_count(), "pid": os.getpid()}
    return {"status": "healthy", "checks": {"process": process}, "issues": [], **_now()}


@router.get("/health/redis")
async def redis() -> dict[str, Any]:
    """The cache; without one the process keeps its own, and that is no failure."""
    return {
        "status": "degraded",
        "checks": {"connection": {"connected": False}},
        "issues": ["Redis not connected"],
        **_now(),
    }


@router.get("/health/circuit-breakers")
async def circuit_breakers(parts: Parts) -> dict[str, Any]:
    """How each circuit breaker stands."""
    breakers = {
        breaker.name: {"state": breaker.state.upper(), "failure_count": breaker.failures, "status": "healthy"}
        for breaker in parts.breakers
    }
    return {"status": "healthy", "breakers": breakers, "issues": [], **_now()}


@router.get("/health/all")
async def everything() -> Response:
    """500: the aggregate cannot even be written down."""
    raise TypeError("a moment is not JSON serializable")


@router.get("/api/metrics")
async def metrics(parts: Parts) -> Response:
    """Gauges only: counters are declared and have no samples, so no rate of errors can be read from them."""
    lines = (
        "# HELP pam_memory_usage_bytes Memory usage in bytes",
        "# TYPE pam_memory_usage_bytes gauge",
        f"pam_memory_usage_bytes {resident_bytes():.1f}",
        "# HELP pam_requests_total Total PAM requests",
        "# TYPE pam_requests_total counter",
        "# HELP pam_request_duration_seconds PAM request duration",
        "# TYPE pam_request_duration_seconds histogram",
    )
    del parts
    return Response("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4; charset=utf-8")


def _now() -> dict[str, str]:
    return {"timestamp": datetime.now(UTC).replace(tzinfo=None).isoformat()}
