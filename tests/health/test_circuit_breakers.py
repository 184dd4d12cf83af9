"""What says nothing of its circuit breakers, or another word than closed, is not closed."""

import json
from typing import Any

import pytest

from pam_rollback.base.answer import Answer
from pam_rollback.health.fixtures import CircuitBreakers


@pytest.mark.parametrize(
    ("body", "closed"),
    [
        ({"status": "healthy", "circuit_breakers": {"model": {"state": "closed", "failures": 0}}}, True),
        ({"circuit_breakers": {"database": {"state": "HALF_OPEN"}, "model": {"state": "CLOSED"}}}, False),
        ({"circuit_breakers": {"model": {"failures": 0}}}, False),
        ({"circuit_breakers": {"database": "OPEN", "model": {"state": "CLOSED"}}}, False),
        ({"circuit_breakers": {}}, False),
        ({"status": "healthy"}, False),
        ([], False),
    ],
)
def test_only_closed_is_closed(body: Any, closed: bool) -> None:  # noqa: FBT001 - a table
    """Half open is an outage that may be over; no breaker at all isolates nothing."""
    text = json.dumps(body).encode()
    found = CircuitBreakers(Answer("GET", "http://pam/health/circuit-breakers", 200, "application/json", text, 1.0))

    assert found.all_closed is closed, found
