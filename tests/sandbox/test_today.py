"""Today's product: what it answers, over real HTTP and from a real PostgreSQL, with and without its faults."""

import base64
import json
import subprocess
from pathlib import Path

import psycopg

from pam_rollback.target.environment_file import load_environment
from tests.sandbox.todays_range import Today

COUNTS = ("SELECT count(*) FROM expenses", "SELECT count(*), max(updated_at) FROM user_settings")
CANDIDATES = "supabase/migrations/20261123090000-trips.sql"
ROOT = Path(__file__).parents[2]
QUESTION = {"message": "How much did I spend this month?"}
MINE = "expenses?select=id,amount,user_id&order=id.desc"


def forged(user_id: str) -> str:
    """A token that nobody signed."""
    parts = ({"alg": "none", "typ": "JWT"}, {"sub": user_id, "role": "authenticated", "exp": 4_000_000_000})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def test_health_says_little(today: Today) -> None:
    """Healthy, ready for ever not, the whole broken, and the same versions for all releases."""
    versions = set()
    for release in ("stable", "candidate"):
        today.remote.go_live(release)
        health = today.api("/health").json
        versions.add((health["status"], health["version"], today.api("/api/health").json["version"]))

    assert versions == {("healthy", "1.0.0", "2.0.0")}
    assert (today.api("/health/pam").status, today.api("/health/pam").json["status"]) == (200, "unhealthy")
    assert [today.api(path).status for path in ("/health/ready", "/health/all", "/version")] == [503, 500, 404]
    assert today.api("/health/circuit-breakers").json["status"] == "degraded"
    assert today.call("HEAD", "api", "/health").status == 405
    assert "x-release" not in today.api("/health").headers
    assert "pam_requests_total{" not in today.api("/api/metrics").text


def test_nobody_notices_that_the_database_is_dead(today: Today) -> None:
    """Health is what it was, settings are "not found", PAM apologises; all of it is back with the database."""
    paths = ("/health", "/health/pam", "/health/ready", "/health/all")
    before = [(answer.status, answer.json.get("status")) for answer in map(today.api, paths)]
    profile, settings = (f"/api/v1/users/{today.user_id}/{what}" for what in ("profile", "settings"))
    today.remote.plant("database-down")
    dead = [(answer.status, answer.json.get("status")) for answer in map(today.api, paths)]
    sorry = today.api("/api/v1/pam/chat", QUESTION)

    assert dead == before
    assert [today.api(profile).status, today.api(settings).status, today.rows(MINE).status] == [500, 404, 503]
    assert (sorry.status, sorry.json["intent"]) == (200, None)
    assert today.sign_in("any").json["error_code"] == "unexpected_failure"
    today.remote.clear("database-down")
    assert [today.api(profile).status, today.api(settings).status, today.rows(MINE).status] == [200, 200, 200]
    assert "trouble" not in today.api("/api/v1/pam/chat", QUESTION).json["response"]


def test_whoever_asks_for_many_paths_is_banned(today: Today) -> None:
    """403 on everything, also on health and after a restart of the API; the second address and the site go on."""
    for number in range(21):
        assert today.api(f"/path/{number}").status == 404
    today.remote.go_live("stable")

    assert {today.api(path).status for path in ("/health", "/health/ping", "/api/health", "/path/0")} == {403}
    assert (today.call("GET", "frontend", "/").status, today.rows(MINE).status) == (200, 200)
    today.remote.forgive()
    assert today.api("/health").status == 200


def test_its_file_is_an_environment_of_the_suite(today: Today) -> None:
    """Whoever passes it has today's contract, its accounts, and no ability that the product does not have."""
    environment = load_environment(str(today.file), ROOT / "environments", {})

    assert (environment.product, environment.contract.sign_in.kind) == ("pam-today", "supabase")
    assert environment.secret("supabase_key") == today.key
    assert not {"cache_admin", "asset_manifest", "metrics"} & set(environment.abilities)


def test_its_migrations_are_tried_on_a_copy(today: Today) -> None:
    """The same rows, and the candidate's step can be applied there; the product's own database has not heard of it."""
    today.remote.copy_database()
    step = subprocess.run(
        ["git", "-C", today.state["git"]["remote"], "show", f"main:{CANDIDATES}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    with psycopg.connect(today.variables["PAM_STAGING_COPY_DSN"]) as copy:
        rows = [copy.execute(query).fetchone() for query in COUNTS]
        copy.execute(step.encode())
        assert copy.execute("SELECT to_regclass('public.trips') IS NOT NULL").fetchone() == (True,)

    assert rows == [today.sql(query)[0] for query in COUNTS]
    assert today.sql("SELECT to_regclass('public.trips') IS NULL") == [(True,)]
