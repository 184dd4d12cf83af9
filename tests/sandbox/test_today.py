"""Today's product: what it answers, over real HTTP and from a real PostgreSQL, with and without its faults."""

import base64
import json
import subprocess
from pathlib import Path

import jwt
import psycopg
import pytest

from pam_rollback.environment.environment_file import load_environment
from tests.sandbox.todays_range import Today

COUNTS = ("SELECT count(*) FROM expenses", "SELECT count(*), max(updated_at) FROM user_settings")
CANDIDATES = "supabase/migrations/20261123090000-trips.sql"
ROOT = Path(__file__).parents[2]
QUESTION = {"message": "How much did I spend this month?"}
MINE = "expenses?select=id,amount,user_id&order=id.desc"


def test_signing_in_needs_the_key_of_the_project(today: Today) -> None:
    """Without a key nobody is asked who they are; with it a wrong password is refused, the right one gives a token and an id."""
    body = {"email": today.variables["TEST_USER_EMAIL"], "password": today.variables["TEST_USER_PASSWORD"]}
    path = "/auth/v1/token?grant_type=password"

    assert today.call("POST", "supabase", path, body).status == 401
    assert today.call("POST", "supabase", path, body, apikey="a.b.c").json["message"] == "Invalid API key"
    assert today.sign_in("wrong").json["error_code"] == "invalid_credentials"
    assert today.account["user"]["email"] == body["email"]
    assert jwt.decode(today.account["access_token"], options={"verify_signature": False})["sub"] == today.user_id


def test_signing_in_can_be_limited(today: Today) -> None:
    """429 while the fault is there; the right password works before and after."""
    assert today.sign_in(today.variables["TEST_USER_PASSWORD"]).status == 200
    today.remote.plant("rate-limited-login")
    assert today.sign_in(today.variables["TEST_USER_PASSWORD"]).status == 429
    today.remote.clear("rate-limited-login")
    assert today.sign_in(today.variables["TEST_USER_PASSWORD"]).status == 200


def test_a_page_may_send_what_it_likes(today: Today) -> None:
    """A browser asks first whether the headers of its client are welcome."""
    asked = {"Origin": "http://site.example", "Access-Control-Request-Headers": "apikey,x-client-info"}
    answer = today.call("OPTIONS", "supabase", "/auth/v1/token", **asked)

    assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, "*")
    assert answer.headers["access-control-allow-headers"] == "apikey,x-client-info"


def test_rows_are_shown_to_whom_they_belong(today: Today) -> None:
    """An account sees its own, the key alone sees none, the operator sees all."""
    own = today.rows(MINE)

    assert own.headers["content-range"] == "0-10/11"
    assert {row["user_id"] for row in own.json} == {today.user_id}
    assert (today.rows(MINE, signed_in=False).status, today.rows(MINE, signed_in=False).json) == (200, [])
    assert today.sql("SELECT count(*) > 3000 FROM expenses") == [(True,)]


def test_rows_are_written_by_whom_they_belong_to(today: Today) -> None:
    """Booked, changed and deleted; a row for somebody else is refused by the policy."""
    row = {"user_id": today.user_id, "amount": "3.20", "category": "fuel"}
    [booked] = today.rows("expenses", row, method="POST").json
    one = f"expenses?id=eq.{booked['id']}"

    assert today.rows(one, {"amount": "4.30"}, method="PATCH").json[0]["amount"] == 4.3
    assert today.sql("SELECT amount::text FROM expenses ORDER BY id DESC LIMIT 1") == [("4.30",)]
    assert len(today.rows(one, method="DELETE").json) == 1
    refused = today.rows("expenses", {**row, "user_id": "00000000-0000-0000-0000-000000000000"}, method="POST")
    assert (refused.status, refused.json["code"]) == (403, "42501")


def test_a_row_as_the_pages_write_it_is_given_back_and_found_by_its_beginning(today: Today) -> None:
    """A list of one, asked for by ``Prefer``; a star stands for what follows."""
    marks = ["ledger-1-000001", "ledger-1-000002", "ledger-2-000001"]
    for mark in marks:
        row = {"user_id": today.user_id, "amount": 1.5, "category": "fuel", "date": "2026-11-29", "description": mark}
        answer = today.rows("expenses", row, method="POST")
        assert (answer.status, [one["description"] for one in answer.json]) == (201, [mark])

    own = today.rows("expenses?description=like.ledger-1-*&order=id.asc").json
    behind = today.rows(f"expenses?description=like.ledger-1-*&order=id.asc&id=gt.{own[0]['id']}").json
    assert [one["description"] for one in own] == marks[:2]
    assert behind == own[1:]
    assert today.rows("expenses?description=like.edger-*").json == []
    assert len(today.rows("expenses?description=like.ledger-*", method="DELETE").json) == 3


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("nothing", 404, "PGRST205"),
        ("expenses?select=nothing", 400, "42703"),
        ("expenses?amount=around.3", 400, "PGRST100"),
        ("expenses?order=amount;drop", 400, "PGRST100"),
        ("expenses?limit=many", 400, "PGRST100"),
    ],
)
def test_a_wrong_question_about_rows_is_refused(today: Today, path: str, status: int, code: str) -> None:
    """In PostgREST's words."""
    answer = today.rows(path)

    assert (answer.status, answer.json["code"]) == (status, code)


def test_an_invalid_token_sees_no_rows(today: Today) -> None:
    """Whoever signed it: the host of the rows looks at signatures."""
    answer = today.call(
        "GET", "supabase", "/rest/v1/expenses", apikey=today.key, Authorization=f"Bearer {forged(today.user_id)}"
    )

    assert (answer.status, answer.json["code"]) == (401, "PGRST301")


def test_the_settings_are_wide(today: Today) -> None:
    """One row, a column for each kind; PAM knows the budget from there."""
    settings = today.api(f"/api/v1/users/{today.user_id}/settings").json

    assert {name for name in settings if name.endswith("_preferences")} == {
        *("display_preferences", "integration_preferences", "location_preferences", "notification_preferences"),
        *("pam_preferences", "privacy_preferences", "regional_preferences"),
    }
    assert "budget" in today.api("/api/v1/pam/chat", QUESTION).json["response"]


@pytest.mark.parametrize("path", ["/api/v1/users/{}/settings", "/api/v1/users/{}/profile"])
def test_paths_per_user_are_for_that_user(today: Today, path: str) -> None:
    """200 for one's own, 403 for another's, 401 without a token."""
    another = today.sql("SELECT id FROM auth.users WHERE email LIKE 'second%'")[0][0]

    assert today.api(path.format(today.user_id)).status == 200
    assert today.api(path.format(another)).status == 403
    assert today.api(path.format(today.user_id), token="").status == 401


def forged(user_id: str) -> str:
    """A token that nobody signed."""
    parts = ({"alg": "none", "typ": "JWT"}, {"sub": user_id, "role": "authenticated", "exp": 4_000_000_000})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def test_some_doors_are_open_in_every_release(today: Today) -> None:
    """A token that nobody signed is believed, and everybody's tickets are there for anybody."""
    assert today.api(f"/api/v1/users/{today.user_id}/profile", token=forged(today.user_id)).status == 200
    assert today.api(f"/api/v1/users/{today.user_id}/profile", token="no token").status == 401
    assert len({ticket["user_id"] for ticket in today.api("/api/v1/support/tickets?status=closed", token="").json}) > 1


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


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/expenses/{}", 400),
        ("GET", "/api/v1/pam/history", 500),
        ("DELETE", "/api/v1/pam/history", 500),
        ("POST", "/api/v1/pam/cache/clear?confirm=true", 500),
        ("PUT", "/api/v1/users/{}/settings", 403),
        ("POST", "/api/expenses", 403),
    ],
)
def test_some_paths_are_broken_in_every_release(today: Today, method: str, path: str, status: int) -> None:
    """There, and of no use to anybody: money and history are read, and everything is written, beside the API."""
    assert today.api(path.format(today.user_id), method=method).status == status


def test_chat_apologises_where_the_model_cannot_be_reached(today: Today) -> None:
    """200 and words that say that it has trouble; an answer without an intent before and after."""
    assert "trouble" not in today.api("/api/v1/pam/chat", QUESTION).json["response"]
    today.remote.plant("model-down")
    sorry = today.api("/api/v1/pam/chat", {"message": "What did I spend on fuel?"})

    assert (sorry.status, sorry.json["intent"]) == (200, None)
    assert sorry.json["response"].startswith("I'm having trouble")
    today.remote.clear("model-down")


def test_whoever_asks_for_many_paths_is_banned(today: Today) -> None:
    """403 on everything, also on health and after a restart of the API; the second address and the site go on."""
    for number in range(21):
        assert today.api(f"/path/{number}").status == 404
    today.remote.go_live("stable")

    assert {today.api(path).status for path in ("/health", "/health/ping", "/api/health", "/path/0")} == {403}
    assert (today.call("GET", "frontend", "/").status, today.rows(MINE).status) == (200, 200)
    today.remote.forgive()
    assert today.api("/health").status == 200


def test_there_is_no_admin_api_and_no_flag_api(today: Today) -> None:
    """A call that would change something is 403, one that reads is 404; nor does the API's own sign-in let anybody in."""
    for path in ("/admin/feature-flags", "/admin/cache/clear", "/admin/emergency-rollback", "/api/auth/login"):
        assert today.api(path, {}).json["error"] == "CSRF Protection"
    assert (today.api("/admin/feature-flags").status, today.api("/api/v1/flags").status) == (404, 404)


def test_the_api_describes_itself(today: Today) -> None:
    """Which paths the release has; none that a change would need proof for, and none of the sandbox's own."""
    paths = today.api("/openapi.json").json["paths"]

    assert {"/health", "/api/v1/pam/chat", "/api/expenses/{user_id}"} < set(paths)
    assert not [path for path in paths if path.startswith(("/admin", "/__"))]


def test_a_release_does_not_start_without_its_database(today: Today) -> None:
    """A rollback of the back end fails during an outage, and what runs goes on."""
    today.remote.plant("database-down")
    with pytest.raises(Exception, match="release stable"):
        today.remote.go_live("stable")
    assert today.api("/health").status == 200
    today.remote.clear("database-down")
    today.remote.go_live("stable")
    assert today.remote.identity()["live"] == "stable"


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


def test_the_products_own_key_sees_every_row(today: Today) -> None:
    """It bypasses row level security, so no page may have it."""
    key = today.variables["SUPABASE_SERVICE_ROLE_KEY"]
    headers = {"apikey": key, "Prefer": "count=exact"}
    answer = today.call("GET", "supabase", "/rest/v1/profiles?select=id&limit=1", **headers)

    assert answer.headers["content-range"] == "0-0/402"
    assert key not in today.call("GET", "frontend", "/").text
