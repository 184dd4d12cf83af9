"""Circuit breakers that are closed, the commits that a story brought, and who answers for a criterion that is tried again."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.base.answer import Answer
from pam_rollback.health import fixtures as health
from pam_rollback.health.fixtures import CircuitBreakers, expected_commits
from pam_rollback.product.served_release import BACK_END, FRONT_END, ExpectedReleases, Served, Wanted
from tests.listening import listened_to
from tests.plan.plan_scene import body


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

    assert ({*found.states.values()} == {"CLOSED"}) is closed, found


COMMIT = "7cce05406677"
API, SITE = Served(BACK_END, Wanted(), commit=COMMIT), Served(FRONT_END, Wanted(), commit=COMMIT)


@pytest.mark.parametrize(
    ("rollback", "expected"),
    [
        (SimpleNamespace(served=API), ExpectedReleases(backend=COMMIT)),
        (
            SimpleNamespace(frontend=SimpleNamespace(served=SITE), backend=SimpleNamespace(served=API)),
            ExpectedReleases(COMMIT, COMMIT),
        ),
        (SimpleNamespace(served=Served(BACK_END, Wanted(), version="1.41.3")), ExpectedReleases()),
        (SimpleNamespace(), ExpectedReleases()),
        (None, ExpectedReleases()),
    ],
)
def test_what_the_story_brought_is_expected(rollback: Any, expected: ExpectedReleases) -> None:
    """Where the site names its commit. Flags bring none, and where nobody acted nobody said."""
    assert body(expected_commits)(rollback) == expected


class Elsewhere:
    """A conftest.py that knows a criterion of its own, and one of the suite's better."""

    @staticmethod
    def pytest_pam_criterion_retest(criterion: str) -> tuple[str, Callable[[Any], tuple[bool, str]]] | None:
        """By what a fixture gives."""
        return ("own", lambda words: (False, words)) if criterion in {"DI-1", "HC-2"} else None


def test_pytest_pam_criterion_retest() -> None:
    """Whoever listens is asked before the suite's own; for what nobody knows no answer comes."""
    hook = listened_to(health, Elsewhere()).hook
    checks = {item: SimpleNamespace(item=item) for item in ("HC-2", "HC-3")}
    given = {
        "own": "own words",
        "health": SimpleNamespace(retest=lambda item: (True, f"{item} is well")),
    }
    environment = SimpleNamespace(contract=SimpleNamespace(health=checks))

    def retest(criterion: str) -> object:
        found = hook.pytest_pam_criterion_retest(criterion=criterion, environment=environment)
        return None if found is None else found[1](given[found[0]])

    assert retest("DI-1") == (False, "own words")
    assert retest("HC-2") == (False, "own words")
    assert retest("HC-3") == (True, "HC-3 is well")
    assert retest("MT-1") is None
