"""Money, profile, settings and tickets: what is acknowledged is stored, and only for its owner."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from tests.running_product import Database, Product

EXPENSES = "/api/v1/expenses"


def test_an_expense_is_stored_when_it_is_acknowledged(candidate: Product, product_database: Database) -> None:
    """Amount to the cent, category, today's date by default; the newest comes first."""
    token, note = candidate.sign_in(), uuid4().hex
    booked = candidate.call("POST", EXPENSES, {"amount": 12.35, "category": "fuel", "description": note}, token=token)
    listed = candidate.call("GET", f"{EXPENSES}?limit=1", token=token).json["expenses"]
    stored = product_database.rows(
        "SELECT amount::text, category, date::text FROM expenses WHERE description = %s", note
    )

    assert booked.status == 201
    assert stored == [("12.35", "fuel", datetime.now(UTC).date().isoformat())]
    assert listed == [booked.json]
    assert booked.json["amount"] == 12.35


def test_an_expense_is_deleted_by_its_owner_only(candidate: Product) -> None:
    """Another's expense looks as if it did not exist, and stays."""
    own, other = candidate.sign_in(), candidate.sign_in_other()
    path = f"{EXPENSES}/{candidate.call('POST', EXPENSES, {'amount': 1, 'category': 'tolls'}, token=own).json['id']}"

    assert candidate.call("DELETE", path, token=other).status == 404
    assert candidate.call("DELETE", path, token=own).json == {"deleted": 1}
    assert candidate.call("DELETE", path, token=own).status == 404


@pytest.mark.parametrize(
    "body",
    [
        {"category": "fuel"},
        {"amount": None, "category": "fuel"},
        {"amount": -0.01, "category": "fuel"},
        {"amount": 1.001, "category": "fuel"},
        {"amount": 100_000_000, "category": "fuel"},
        {"amount": "NaN", "category": "fuel"},
        b'{"amount": NaN, "category": "fuel"}',
        b'{"amount": 1e999, "category": "fuel"}',
        {"amount": 1, "category": " "},
        {"amount": 1, "category": "fuel", "date": "2026-02-30"},
        {"amount": 1, "category": "fuel", "user_id": "9aba45fa-87fb-4634-b9ee-5d193ff96c80"},
    ],
    ids=repr,
)
def test_what_is_no_expense_is_refused(candidate: Product, product_database: Database, body: object) -> None:
    """422 with JSON, and nothing is booked."""
    count = "SELECT count(*) FROM expenses"
    before = product_database.rows(count)
    answer = candidate.call("POST", EXPENSES, body, token=candidate.sign_in())

    assert answer.status == 422, answer
    assert isinstance(answer.json["detail"], list)
    assert product_database.rows(count) == before


@pytest.mark.parametrize("path", [f"{EXPENSES}?limit=0", f"{EXPENSES}?limit=x", "/api/v1/pam/history?limit=99999"])
def test_an_odd_limit_is_refused(candidate: Product, path: str) -> None:
    """422, not everything and not a 500."""
    assert candidate.call("GET", path, token=candidate.sign_in()).status == 422


def test_settings_are_merged(candidate: Product) -> None:
    """Writing one setting leaves the others, whatever kind of value it has."""
    token, path = candidate.sign_in(), "/api/v1/settings"
    before = candidate.call("GET", path, token=token).json["settings"]
    written = candidate.call("PUT", path, {"settings": {"map_style": {"dark": [1, None, "x"]}}}, token=token)

    assert written.json["settings"] == {**before, "map_style": {"dark": [1, None, "x"]}}
    assert candidate.call("GET", path, token=token).json == written.json


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"settings": {}},
        {"settings": {"Bad Name": 1}},
        {"settings": [1]},
        b'{"settings": {"a": NaN}}',
        {"settings": {"a": "\0"}},
    ],
    ids=repr,
)
def test_odd_settings_are_refused(candidate: Product, body: object) -> None:
    """422, and nothing changes."""
    token, path = candidate.sign_in(), "/api/v1/settings"
    before = candidate.call("GET", path, token=token).json

    assert candidate.call("PUT", path, body, token=token).status == 422
    assert candidate.call("GET", path, token=token).json == before


def test_a_profile_is_changed_in_part(candidate: Product) -> None:
    """What is left out stays."""
    token, path = candidate.sign_in_other(), "/api/v1/profile"
    before = candidate.call("GET", path, token=token).json
    after = candidate.call("PUT", path, {"full_name": "Renamed Traveller"}, token=token).json

    assert after["full_name"] == "Renamed Traveller"
    assert after["preferences"] == before["preferences"]
    assert after["updated_at"] > before["updated_at"]
    candidate.call("PUT", path, {"full_name": before["full_name"]}, token=token)


def test_tickets_are_filed_and_seen_by_their_owner(candidate: Product) -> None:
    """A ticket is open when it is filed; another account does not see it."""
    subject = uuid4().hex
    body, path = {"subject": subject, "message": "help"}, "/api/v1/support/tickets"
    filed = candidate.call("POST", path, body, token=candidate.sign_in())

    assert (filed.status, filed.json["status"]) == (201, "open")
    assert candidate.call("GET", path, token=candidate.sign_in()).json["tickets"][0] == filed.json
    assert subject not in candidate.call("GET", path, token=candidate.sign_in_other()).text


def test_unknown_addresses_answer_json(candidate: Product) -> None:
    """404 and 405 are JSON like everything else."""
    answers = [candidate.call("GET", "/no/such/path"), candidate.call("DELETE", "/api/v1/profile")]

    assert [answer.status for answer in answers] == [404, 405]
    assert all(answer.json["detail"] for answer in answers)


def test_only_the_front_end_may_read_across_origins(candidate: Product) -> None:
    """CORS names the front end's origin, also on failures, and no other."""
    preflight = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    page, stranger = {"Origin": "http://127.0.0.1:9"}, {"Origin": "http://127.0.0.1:10"}
    allowed = candidate.call("OPTIONS", "/api/v1/pam/chat", headers={**page, **preflight})

    assert allowed.status == 200
    assert allowed.headers["access-control-allow-origin"] == "http://127.0.0.1:9"
    assert (
        candidate.call("GET", "/api/v1/profile", headers=page).headers["access-control-allow-origin"] == page["Origin"]
    )
    assert candidate.call("OPTIONS", "/api/v1/pam/chat", headers={**stranger, **preflight}).status == 400
    assert "access-control-allow-origin" not in candidate.call("GET", "/version", headers=stranger).headers
