"""Prometheus metrics of one release: requests, their duration, resident memory."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

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
