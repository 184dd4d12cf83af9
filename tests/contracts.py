"""Contracts for tests: answers as the real product gives them, and components that are held against them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pam_rollback.core.answer import Answer
from pam_rollback.target.conditions import Captured, Condition
from pam_rollback.target.contract import Component, Element, ElementName
from pam_rollback.target.environment_tables import Pages
from pam_rollback.target.files import load_contract

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
HEALTH = {
    "status": "healthy",
    "service": "pam-backend",
    "version": "2.0.0",
    "environment": "production",
    "timestamp": "2026-11-27T11:59:58+00:00",
}
PAM = {
    "status": "healthy",
    "timestamp": "2026-11-27T11:59:59+00:00",
    "checks": {
        "database": {"status": "healthy"},
        "cache": {"status": "healthy", "latency_ms": 3},
        "tts": {"status": "down"},
    },
    "issues": [],
    "response_time_ms": 41,
}
CHAT = {
    "response": "Two sites are free.",
    "intent": "find_camping",
    "session_id": "s-1",
    "timestamp": "2026-11-27T11:59:59+00:00",
}


def captured(
    body: Any,
    *,
    status: int | None = 200,
    content_type: str = "application/json",
    headers: dict[str, str] | None = None,
    problem: str = "",
) -> Captured:
    """An answer of the back end, captured at noon."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Answer("GET", "https://pam.example/health", status, content_type, raw, 41.0, problem, headers or {})
    return Captured(answer, NOW)


def component(*conditions: dict[str, Any], **others: Any) -> Component:
    """The back end, by the conditions."""
    given = {"item": "HC-2", "title": "the back end", "site": "backend", "path": "/health", "conditions": conditions}
    return Component.model_validate({**given, **others})


def condition(**given: Any) -> Condition:
    """One condition, as a contract writes it."""
    return Condition.model_validate(given)


HEALTHY = {"json": "/status", "equals": "healthy"}


def usual(title: str = "the database", **others: Any) -> Component:
    """A component whose answer says healthy with HTTP 200, as the plan asks."""
    given = {"item": "HC-3", "title": title, "site": "api", "path": "/health/db", "conditions": [HEALTHY]}
    return Component.model_validate({**given, **others})


PAGES = Pages(
    home="/", login="/login", chat="/pam", trips="/wheels", money="/wins", settings="/settings", profile="/profile"
)
"""Of the plan's product."""


def elements() -> Mapping[ElementName, Element]:
    """Of the plan's product, as its file describes them."""
    return load_contract(Path(__file__).parents[1] / "products" / "pam-plan.toml").elements
