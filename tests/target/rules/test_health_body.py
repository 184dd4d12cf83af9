"""Below "healthy" nothing may be ill: by whole words at places that speak of parts, never by a search within texts."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.target.health_body import objections, release_named

_REAL = {
    "status": "healthy",
    "service": "pam-backend",
    "version": "2.0.0",
    "environment": "production",
    "timestamp": "2026-11-27T01:00:00",
}
_REAL_PAM = {
    "status": "healthy",
    "checks": {
        "openai": {"status": "healthy", "response_time_ms": 120.5, "error": None},
        "tts": {"status": "disabled"},
        "websocket": {"status": "healthy", "state": "open", "connections": 0},
        "cache": {
            "status": "healthy",
            "hits": 12,
            "errors": 3,
            "last_error": "timeout",
            "last_error_at": "2026-11-20T01:00:00Z",
        },
        "database": {"status": "healthy", "pool": {"size": 5, "available": 0}},
    },
    "issues": [],
    "response_time_ms": 134.2,
}

WELL: list[dict[str, Any]] = [
    _REAL,
    _REAL_PAM,
    {
        "checks": {
            "database": "ok",
            "redis": "pong",
            "api": True,
            "latency": "12 ms",
            "storage": "OK (3 of 3)",
            "mail": "not configured",
        }
    },
    {"checks": [{"name": "database", "status": "pass", "observedValue": 250}]},
    {"checks": {"postgres:responseTime": [{"status": "pass", "observedUnit": "ms"}]}, "releaseId": "1.2.2"},
    {"error": None, "errors": [], "issues": {}, "problem": "", "failures": 0, "error_message": "none"},
    {
        "last_error": {"status": "failed", "message": "no route"},
        "recent_failures": ["a"],
        "history": [{"status": "unhealthy"}],
    },
    {
        "issues": [
            {"text": "slow", "resolved": True},
            {"text": "down", "resolved_at": "2026-11-01"},
            {"text": "x", "status": "resolved"},
        ]
    },
    {"errors": {"total": 12, "rate": 0.01, "recent_errors": ["x"]}},
    {"requests": {"total": 1000, "failed": 12}, "errors": 7},
    {"failed_requests": 9, "error_rate": 0.5, "error_count": 4, "error_budget": "exhausted soon"},
    {
        "features": {"PAM_ERROR_RECOVERY": True, "offline_mode": True, "failover": True},
        "error_tracking": {"enabled": True},
    },
    {"log_level": "error", "logging": "critical", "service": "error tracking", "message": "all that was down is up"},
    {"degraded": False, "down": 0, "unhealthy": [], "failed_checks": 0, "is_healthy": True, "update_available": False},
    {"process": {"status": "sleeping", "state": "S (sleeping)"}, "address": {"state": "Oregon"}},
    {"commit": "unknown", "region": "unknown", "debug": False, "maintenance": None},
    {"services": {"api": "pam 2.0", "worker": "running"}},
    {"uptime_s": 0, "users_online": 0, "code": 200},
    {"circuit_breakers": {"model": {"state": "CLOSED", "failures": 2, "opened": 1}}},
    {"circuit_breakers": {"model": "CLOSED", "open": 0, "total": 3}, "breaker": {"open": False}},
    {"cache": {"status": "warm", "hits": 3}, "checks": {"cache": "warm"}},
    {"maintenance": False, "maintenance_mode": "off", "maintenance_window": "Sun 02:00"},
    {"maintenance": {"enabled": False, "message": "We are back soon"}},
    {"warnings": [], "alerts": 0, "alerts_enabled": True, "last_alert": "cpu"},
    {"alerts": {"enabled": True}, "memory": {"warning": 400, "critical": 480}},
    {"alerts": [{"name": "cpu", "status": "resolved"}], "warnings": 3, "socket": {"state": "open"}},
]
ILL: list[tuple[dict[str, Any], str]] = [
    (
        {"checks": {"database": {"status": "unhealthy"}, "redis": "down"}},
        "checks.database.status is 'unhealthy', checks.redis is 'down'",
    ),
    ({"healthy": False}, "healthy is False"),
    ({"isHealthy": "no"}, "isHealthy is 'no'"),
    ({"error": "connection refused"}, "error is 'connection refused'"),
    ({"errorMessage": "no route to the database"}, "errorMessage is"),
    ({"error": {"code": 7, "message": "no route"}}, "error is"),
    ({"error": True}, "error is True"),
    ({"issues": ["tts: no voice"]}, "issues is ['tts: no voice']"),
    ({"issues": [{"text": "slow", "resolved": False}]}, "issues is"),
    ({"issues": 2}, "issues is 2"),
    ({"database": "down"}, "database is 'down'"),
    ({"database": "unhealthy: no route"}, "database is"),
    ({"db": {"connection": "refused"}}, "db.connection is 'refused'"),
    ({"database_status": "Degraded"}, "database_status is 'Degraded'"),
    ({"database_connected": False}, "database_connected is False"),
    ({"checks": {"database": False}}, "checks.database is False"),
    ({"checks": {"database": None}}, "checks.database is None"),
    ({"checks": {"database": "failed to connect"}}, "checks.database is 'failed to connect'"),
    ({"checks": {"database": "503 Service Unavailable"}}, "checks.database is"),
    ({"checks": {"database": {"status": "unknown"}}}, "checks.database.status is 'unknown'"),
    ({"checks": {"database": {"status": None}}}, "checks.database.status is None"),
    ({"checks": {"database": {"status": 503}}}, "checks.database.status is 503"),
    ({"checks": {"database": {"ok": 0}}}, "checks.database.ok is 0"),
    ({"checks": [{"name": "redis", "status": "fail"}]}, "checks.redis.status is 'fail'"),
    ({"checks": {"redis": [{"status": "warn"}]}}, "checks.redis.0.status is 'warn'"),
    ({"components": {"a": {"details": {"b": {"health": "PARTIAL_OUTAGE"}}}}}, "components.a.details.b.health is"),
    ({"failed_checks": ["database"]}, "failed_checks is ['database']"),
    ({"unhealthy": 1}, "unhealthy is 1"),
    ({"summary": {"passed": 5, "failed": 2}}, "summary.failed is 2"),
    ({"degraded": True}, "degraded is True"),
    ({"circuit_breakers": {"model": {"state": "OPEN"}}}, "circuit_breakers.model.state is 'OPEN'"),
    ({"circuit_breakers": {"model": "OPEN"}}, "circuit_breakers.model is 'OPEN'"),
    ({"checks": {"model": {"circuitBreaker": "open"}}}, "checks.model.circuitBreaker is 'open'"),
    ({"circuit_breaker_open": True}, "circuit_breaker_open is True"),
    ({"circuit_breakers": {"open": 1, "total": 3}}, "circuit_breakers.open is 1"),
    ({"maintenance": True}, "maintenance is True"),
    ({"maintenance_mode": "on"}, "maintenance_mode is 'on'"),
    ({"maintenance": {"enabled": True}}, "maintenance is {'enabled': True}"),
    ({"warnings": ["the disk is almost full"]}, "warnings is ['the disk is almost full']"),
    ({"alerts": [{"name": "cpu", "status": "firing"}]}, "alerts is"),
    ({"active_alerts": 2}, "active_alerts is 2"),
    ({"detail": "Traceback (most recent call last):\n  File"}, "detail is 'Traceback"),
    ({"database": "psycopg.OperationalError: no route"}, "database is"),
    ({"last_check": {"status": "failed"}}, "last_check.status is 'failed'"),
    ({"services": {"voice": "unknown"}}, "services.voice is 'unknown'"),
]


@pytest.mark.parametrize("body", WELL, ids=lambda body: json.dumps(body)[:60])
def test_a_well_answer_has_nothing_against_it(body: dict[str, Any]) -> None:
    """As healthy products answer."""
    assert objections({"status": "healthy"} | body) == ()


@pytest.mark.parametrize(("body", "words"), ILL, ids=lambda value: json.dumps(value)[:60])
def test_what_is_ill_below_the_top_is_named(body: dict[str, Any], words: str) -> None:
    """With its place and what stands there."""
    assert words in ", ".join(objections({"status": "healthy"} | body))


def test_what_the_contract_declares_as_optional_may_be_down() -> None:
    """That part and what is below it, and what the list of issues says of it; nothing else."""
    body = {
        "status": "healthy",
        "checks": {"tts": {"status": "down"}, "cache": "down"},
        "issues": ["tts: no voice", "cache down"],
    }

    assert objections(body, ["checks.tts", "checks.cache"]) == ()
    assert objections(body, ["checks.tts"]) == ("checks.cache is 'down'", "issues is ['tts: no voice', 'cache down']")
    assert objections({"status": "healthy", "checks": [{"name": "tts", "status": "fail"}]}, ["checks.tts"]) == ()


@pytest.mark.parametrize(
    ("body", "release"),
    [
        ({"version": "2.0.0"}, "2.0.0"),
        ({"release": "1.41.3", "version": "2.0.0"}, "1.41.3"),
        ({"releaseId": "1.41.3", "version": "2"}, "1.41.3"),
        ({"release": "unknown", "version": "1.41.3"}, "1.41.3"),
        ({"release": " 1.41.3 "}, "1.41.3"),
        ({"release": "abc1234"}, "abc1234"),
        *(
            ({"version": name}, "")
            for name in ("unknown", "UNKNOWN", "   ", "", "None", "null", "undefined", "N/A", "?", "-", "not set")
        ),
        *(
            ({"version": name}, "")
            for name in ("${VERSION}", "{{ version }}", "%VERSION%", "$VERSION", "<version>", "latest")
        ),
        ({"version": None}, ""),
        ({"version": 3}, ""),
        ({"version": ["1.41.3"]}, ""),
    ],
)
def test_a_release_is_named_or_it_is_not(body: dict[str, Any], release: str) -> None:
    """The lack of a name is no name."""
    assert release_named(body) == release


_KEYS = (
    st.sampled_from(
        ["status", "checks", "error", "issues", "lastError", "name", "healthy", "", "\u0000", "resolved_at", "state"]
    )
    | st.text()
)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["down", "ok"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=15,
)


@given(st.dictionaries(_KEYS, _VALUES, max_size=5))
def test_every_object_can_be_judged(body: dict[str, Any]) -> None:
    """Nothing raises, and what is said is short and can be written down."""
    said = objections({"status": "healthy"} | body)

    assert all(len(one) < 200 for one in said)
    assert isinstance(release_named(body), str)


@given(st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_a_part_that_is_down_is_seen_whatever_stands_beside_it(body: dict[str, Any]) -> None:
    """Nothing that an answer says elsewhere hides it."""
    shown = objections(body | {"checks": {"database": {"status": "unhealthy"}}})

    assert "checks.database.status is 'unhealthy'" in shown or len(shown) >= 20
