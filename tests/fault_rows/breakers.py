"""What opens the product's circuit breakers."""

from tests.fault_rows.row import Row

NO_BREAKER_OPEN = "test_no_circuit_breaker_is_open"
_FILE = "test_breakers.py"


def _row(identifier: str, fault: str, words: str, **parameters: str | float) -> Row:
    red = frozenset({NO_BREAKER_OPEN})
    return Row(identifier, fault, red, words, parameters, select="post_rollback", file=_FILE)


ROWS = [
    _row("breaker-model", "model-down", "database CLOSED, model OPEN"),
    _row("breaker-database", "database-down", "circuit-breakers: database OPEN"),
    _row("breakers-untold", "answers-html", "expected the states of circuit breakers", path="/health/circuit-breakers"),
]
