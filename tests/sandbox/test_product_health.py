"""The health answers and the metrics say what is true."""

from __future__ import annotations

import os
import re
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from pam_rollback.sandbox.database import migrations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.running_product import Database, Product

DEPENDENT = ("/health", "/health/db", "/health/pam", "/health/comprehensive", "/health/ready")
INDEPENDENT = ("/health/live", "/health/ping")


def metric(product: Product, name: str, **labels: str) -> float:
    """The value of one series; 0 when it is not there."""
    pairs = ",".join(f'{key}="{value}"' for key, value in labels.items())
    line = f"{name}{{{pairs}}}" if pairs else name
    found = re.search(rf"^{re.escape(line)} (\S+)$", product.call("GET", "/metrics").text, re.MULTILINE)
    return float(found.group(1)) if found else 0.0


@pytest.fixture
def frozen_database(candidate: Product, product_database: Database) -> Iterator[None]:
    """The server accepts connections and never answers: its processes are stopped in their tracks."""
    assert candidate.call("GET", "/health").status == 200
    backends = [
        pid
        for (pid,) in product_database.rows("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")
    ]
    assert product_database.server.pid is not None
    pids = [product_database.server.pid, *backends]
    stopped = []
    for pid in pids:
        try:
            os.kill(pid, signal.SIGSTOP)
        except ProcessLookupError:  # the connection that asked for the list
            continue
        stopped.append(pid)
    yield
    for pid in stopped:
        with suppress(ProcessLookupError):  # that same connection, when it was still ending as it was stopped
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("path", [*DEPENDENT, *INDEPENDENT])
def test_a_working_product_is_healthy(candidate: Product, stable: Product, path: str) -> None:
    """Each endpoint says healthy in JSON, and which release says so; HEAD works, too."""
    for product, release in ((candidate, "1.42.0"), (stable, "1.41.3")):
        answer = product.call("GET", path)
        assert (answer.status, answer.json["status"], answer.json["release"]) == (200, "healthy", release)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-release"] == release
        assert answer.json["issues"] == []
        assert product.call("HEAD", path).status == 200


def test_a_stopped_database_is_told_and_recovery_too(candidate: Product, product_database: Database) -> None:
    """503 and unhealthy within the second, the process itself is alive, requests answer 503, and all is well soon after."""
    token = candidate.sign_in()
    with product_database.outage():
        for path in DEPENDENT:
            began_s = time.monotonic()
            answer = candidate.call("GET", path)
            assert time.monotonic() - began_s < 2
            assert (answer.status, answer.json["status"]) == (503, "unhealthy"), answer
            assert "database: the database cannot be reached" in answer.json["issues"]
        assert [candidate.call("GET", path).status for path in INDEPENDENT] == [200, 200]
        chat = candidate.call("POST", "/api/v1/pam/chat", {"message": "hello"}, token=token)
        assert (chat.status, chat.json) == (503, {"detail": "the database cannot be reached"})
        assert candidate.admin("GET", "/feature-flags").status == 503
    back_s = time.monotonic()
    while candidate.call("GET", "/health/comprehensive").status != 200:
        assert time.monotonic() - back_s < 3
    assert candidate.call("POST", "/api/v1/pam/chat", {"message": "hello"}, token=token).status == 200


@pytest.mark.usefixtures("frozen_database")
def test_a_frozen_database_is_told_within_the_second(candidate: Product) -> None:
    """A server that accepts and never answers does not make the health answer hang."""
    began_s = time.monotonic()
    answer = candidate.call("GET", "/health/db")

    assert time.monotonic() - began_s < 2
    assert (answer.status, answer.json["status"]) == (503, "unhealthy")


def test_the_answers_name_their_dependencies(candidate: Product) -> None:
    """The answer of pam has checks per dependency, comprehensive has components."""
    checks = candidate.call("GET", "/health/pam").json["checks"]
    components = candidate.call("GET", "/health/comprehensive").json["components"]

    assert set(checks) == {"database", "flags", "chat"}
    assert set(components) == {"database", "flags", "pam", "api", "memory"}
    assert all(part["status"] == "healthy" for part in (*checks.values(), *components.values()))


def test_the_chat_probe_stores_nothing(candidate: Product, product_database: Database) -> None:
    """A health check leaves no message behind."""
    count = "SELECT count(*) FROM pam_messages"
    before = product_database.rows(count)
    assert candidate.call("GET", "/health/pam").status == 200

    assert product_database.rows(count) == before


def test_an_empty_database_is_not_healthy(candidate: Product, product_database: Database) -> None:
    """A server that answers with nothing in it is as bad as none: the check looks at the product's own rows."""
    product_database.rows("ALTER TABLE profiles RENAME TO profiles_elsewhere")
    try:
        answers = [candidate.call("GET", path) for path in ("/health/db", "/health/comprehensive")]
    finally:
        product_database.rows("ALTER TABLE profiles_elsewhere RENAME TO profiles")

    assert [(answer.status, answer.json["status"]) for answer in answers] == [(503, "unhealthy")] * 2


def test_version_says_what_runs(candidate: Product) -> None:
    """Release, commit, start, and the newest migration of its own package, whatever the database has."""
    version = candidate.call("GET", "/version").json

    assert (version["release"], version["commit"]) == ("1.42.0", "0123abc")
    assert version["schema_version"] == migrations()[-1].version
    assert set(version) == {"release", "commit", "schema_version", "started_at"}


def test_requests_are_counted_by_route(candidate: Product) -> None:
    """By method, route template and status; ids and unknown addresses make no series of their own."""
    deleted = {"method": "DELETE", "path": "/api/v1/expenses/{expense_id}", "status": "404"}
    unknown = {"method": "GET", "path": "(unknown)", "status": "404"}
    before = metric(candidate, "pam_requests_total", **deleted), metric(candidate, "pam_requests_total", **unknown)
    for number in (7_000_001, 7_000_002):
        candidate.call("DELETE", f"/api/v1/expenses/{number}", token=candidate.sign_in())
        candidate.call("GET", f"/nothing/{number}")
    after = metric(candidate, "pam_requests_total", **deleted), metric(candidate, "pam_requests_total", **unknown)

    assert (after[0] - before[0], after[1] - before[1]) == (2, 2)
    # Only among the labels: a moment may have these digits by chance.
    assert not [
        label for label in re.findall(r'path="([^"]*)"', candidate.call("GET", "/metrics").text) if "700000" in label
    ]


def test_durations_are_measured_in_the_plans_buckets(candidate: Product) -> None:
    """A request that takes 300 ms is above 0.25 s and below 0.5 s."""
    labels = {"method": "GET", "path": "/api/v1/settings"}
    token = candidate.sign_in()

    def below(limit: str) -> float:
        return metric(candidate, "pam_request_duration_seconds_bucket", le=limit, **labels)

    before = below("0.25"), below("2.0")
    with candidate.fault("latency", ms=300):
        candidate.call("GET", "/api/v1/settings", token=token)

    assert (below("0.25") - before[0], below("2.0") - before[1]) == (0, 1)
    text = candidate.call("GET", "/metrics").text
    assert all(f'le="{limit}"' in text for limit in ("0.1", "0.25", "0.5", "1.0", "2.0", "5.0", "10.0"))


def test_memory_is_the_process_own_and_below_the_plans_figure(candidate: Product) -> None:
    """Both names give resident memory, below 100 MB, and not far from what the system says."""
    resident = metric(candidate, "process_resident_memory_bytes")

    assert 20e6 < resident < 100e6
    assert metric(candidate, "pam_memory_usage_bytes") == pytest.approx(resident, rel=0.1)
