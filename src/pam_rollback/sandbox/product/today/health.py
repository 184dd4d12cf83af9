"""Health as today's product tells it: what says healthy looks at nothing, and what looks is red by a fault of its own."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from pam_rollback.sandbox.product.metrics import resident_bytes
from pam_rollback.sandbox.product.today.talk import internal_error

router = APIRouter()

VERSION, OTHER_VERSION = "1.0.0", "2.0.0"
"""Constants of the code: every release names these."""
_MB = 1_000_000
_STARTED_S = time.monotonic()
_NO_QUERY = "'Database' object has no attribute 'execute_query'"
_NO_MODEL = "'Settings' object has no attribute 'MODEL'"
"""Why two checks never succeed; they are red with a database and a model that answer, too."""


@router.get("/health")
async def health() -> dict[str, Any]:
    """Healthy as long as the process answers, whatever it depends on."""
    return {"status": "healthy", "service": "pam-api", "version": VERSION, "environment": "production", **_now()}


@router.get("/api/health")
async def api_health() -> dict[str, Any]:
    """The same for whoever looks below /api."""
    return {"status": "healthy", "environment": "production", "version": OTHER_VERSION, **_now()}


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
    raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, f"Service not ready: {_NO_QUERY}")


@router.get("/health/pam")
async def health_pam() -> dict[str, Any]:
    """200, and unhealthy for ever: two of the checks break before they look at anything."""
    checks = {
        "model": {"status": "unhealthy", "error": _NO_MODEL},
        "tts": {"status": "healthy", "enabled": True},
        "websocket": {"status": "healthy", "enabled": True, "max_connections": 100},
        "cache": {"status": "healthy", "type": "redis", "connected": True},
        "database": {"status": "unhealthy", "error": _NO_QUERY},
    }
    issues = [f"Model check failed: {_NO_MODEL}", f"Database connection failed: {_NO_QUERY}"]
    return {"status": "unhealthy", "checks": checks, "issues": issues, "response_time_ms": 0.4, **_now()}


@router.get("/health/system")
async def system() -> dict[str, Any]:
    """The process: MB (10^6 bytes), and since when it runs, in whole seconds."""
    process = {
        "memory_mb": round(resident_bytes() / _MB, 2),
        "threads": threading.active_count(),
        "pid": os.getpid(),
        "uptime_seconds": round(time.monotonic() - _STARTED_S),
    }
    return {"status": "healthy", "checks": {"process": process}, "issues": [], **_now()}


@router.get("/health/redis")
async def redis() -> dict[str, Any]:
    """The cache, in words of its own: there is no status."""
    return {"connection": {"status": "connected", "ping": "successful"}, "healthy": True, **_now()}


@router.get("/health/circuit-breakers")
async def circuit_breakers() -> dict[str, Any]:
    """Degraded for ever: what would know is not there."""
    breakers = {"error": "Circuit breakers not configured"}
    return {"status": "degraded", "breakers": breakers, "issues": ["Circuit breaker module not available"], **_now()}


@router.get("/health/all")
async def everything(request: Request) -> Response:
    """500: the aggregate breaks over its own parts."""
    return internal_error(request)


@router.get("/api/metrics")
async def metrics() -> Response:
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
    return Response("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4; charset=utf-8")


def _now() -> dict[str, str]:
    return {"timestamp": datetime.now(UTC).replace(tzinfo=None).isoformat()}
