"""What the product says of its circuit breakers, in the forms that are known of it; what says nothing is not closed."""

import json
from typing import Any

import pytest

from pam_rollback.base.answer import Answer
from pam_rollback.health.rules.circuit_breakers import read_breakers


def answered(body: Any, content_type: str = "application/json") -> Answer:
    """An answer of 200."""
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer("GET", "http://pam/health/circuit-breakers", 200, content_type, text.encode(), 1.0)


@pytest.mark.parametrize(
    "body",
    [
        {
            "status": "healthy",
            "circuit_breakers": {"database": {"state": "CLOSED", "failures": 0}, "model": {"state": "CLOSED"}},
        },
        {"breakers": {"database": "closed", "model": "closed"}},
        {"timestamp": "2026-11-25T22:00:00Z", "status": "healthy", "database": {"state": "CLOSED"}, "model": "CLOSED"},
    ],
)
def test_closed_is_closed_in_each_form(body: dict[str, Any]) -> None:
    """Other texts beside them are no breakers."""
    found = read_breakers(answered(body))

    assert found.all_closed, found
    assert set(found.states) == {"database", "model"}


@pytest.mark.parametrize("state", ["OPEN", "HALF_OPEN", "half-open", "FORCED_OPEN"])
def test_anything_else_is_not(state: str) -> None:
    """Half open is an outage that may be over; a word that is not known is not good."""
    found = read_breakers(answered({"circuit_breakers": {"database": {"state": state}, "model": {"state": "CLOSED"}}}))

    assert (found.all_closed, found.open) == (False, ("database",))
    assert f"database {state.upper().replace('-', '_')}, model CLOSED (expected each CLOSED" in str(found)


@pytest.mark.parametrize(
    "answer",
    [
        answered({"circuit_breakers": {}}),
        answered({"status": "healthy"}),
        answered("<!doctype html>", "text/html"),
        Answer("GET", "http://pam/health/circuit-breakers", None, "", b"", 1.0, problem="refused"),
    ],
)
def test_no_breaker_is_not_green(answer: Answer) -> None:
    """A product without any isolates nothing, and one that does not tell is not known to be well."""
    found = read_breakers(answer)

    assert not found.all_closed
    assert "expected the states of circuit breakers, found" in str(found)
