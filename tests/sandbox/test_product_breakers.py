"""The product's circuit breakers in a running release: open while what they guard fails, seen in health and metrics, closed after."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.running_product import Product

CHAT = "/api/v1/pam/chat"
STATES = "/health/circuit-breakers"
_CLOSES_WITHIN_S = 3


def state_of(product: Product, name: str) -> str:
    """How a breaker stands."""
    return str(product.call("GET", STATES).json["circuit_breakers"][name]["state"])


def ask(product: Product, times: int = 1) -> list[int]:
    """Questions to PAM; how each was answered."""
    token = product.sign_in()
    body = {"message": f"Is anybody there, {time.monotonic_ns()}?"}
    return [product.call("POST", CHAT, body, token=token).status for _ in range(times)]


def gauge(product: Product, name: str) -> str:
    """What the metrics say: 0 closed, 1 half open, 2 open."""
    lines = product.call("GET", "/metrics").text.splitlines()
    return next(line.split()[-1] for line in lines if line.startswith(f'pam_circuit_breaker_state{{name="{name}"}}'))


def test_all_is_closed_on_a_healthy_release(candidate: Product) -> None:
    """Each by its name, and healthy as a whole."""
    answer = candidate.call("GET", STATES)

    assert (answer.status, answer.json["status"]) == (200, "healthy")
    assert {name: one["state"] for name, one in answer.json["circuit_breakers"].items()} == {
        "database": "CLOSED",
        "model": "CLOSED",
    }
    assert (gauge(candidate, "database"), gauge(candidate, "model")) == ("0.0", "0.0")


def test_the_models_opens_under_its_fault_and_closes_after_it(candidate: Product) -> None:
    """Five failures open it; what needs no model goes on; the next question after the outage closes it."""
    token = candidate.sign_in()
    with candidate.fault("model-down"):
        assert ask(candidate, 4) == [503] * 4
        assert state_of(candidate, "model") == "CLOSED"
        assert ask(candidate) == [503]
        assert (state_of(candidate, "model"), gauge(candidate, "model")) == ("OPEN", "2.0")
        assert candidate.call("GET", STATES).json["status"] == "degraded"
        assert state_of(candidate, "database") == "CLOSED"
        assert candidate.call("GET", "/api/v1/expenses", token=token).status == 200
        unhealthy = candidate.call("GET", "/health/pam").json
        assert "the circuit breaker of the model is open" in unhealthy["checks"]["chat"]["problem"]

    end_s = time.monotonic() + _CLOSES_WITHIN_S
    while ask(candidate) != [200] and time.monotonic() < end_s:
        time.sleep(0.1)

    assert state_of(candidate, "model") == "CLOSED"
    assert ask(candidate) == [200]
