"""Circuit breakers that are closed, and the commits that a story brought."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.answer import Answer
from pam_rollback.plugin.topics.health import CircuitBreakers, expected_commits
from pam_rollback.target.served_release import BACK_END, FRONT_END, ExpectedReleases, Served, Wanted
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
