"""The notice inside the app: one for all releases, public to read, for the administrator to change, on record, and a banner on the site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest

from tests.running_product import Database, Product

HISTORY = "SELECT initiated_by, action, before, after FROM flag_history ORDER BY id DESC LIMIT 1"
TEXT = "PAM answers slowly. We are on it."
GONE = {"active": False, "text": "", "since": None}


def notice(product: Product) -> dict[str, Any]:
    """The notice as anybody gets it."""
    answer = product.call("GET", "/api/v1/notice")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store"), answer
    told: dict[str, Any] = answer.json
    return told


@pytest.fixture
def quiet(candidate: Product) -> Iterator[Product]:
    """A release without a notice, before and after."""
    candidate.admin("PUT", "/notice", {"active": False})
    yield candidate
    candidate.admin("PUT", "/notice", {"active": False})


def test_there_is_none_at_first(quiet: Product) -> None:
    """A service that is well tells its users nothing."""
    assert notice(quiet) == GONE


def test_every_release_shows_the_same(quiet: Product, releases: Mapping[str, Product]) -> None:
    """Put up at one release, read at the other, with the moment since when."""
    answer = quiet.admin("PUT", "/notice", {"active": True, "text": f"  {TEXT} "})

    assert answer.status == 200, answer
    told = notice(releases["stable"])
    assert told == answer.json["notice"]
    assert (told["active"], told["text"]) == (True, TEXT)
    assert datetime.fromisoformat(told["since"]).tzinfo is not None

    releases["stable"].admin("PUT", "/notice", {"active": False})
    assert notice(quiet) == GONE


def test_a_corrected_text_keeps_its_beginning(quiet: Product) -> None:
    """`since` is when users were told first, and begins anew only after the notice was gone."""
    since = quiet.admin("PUT", "/notice", {"active": True, "text": "PAM is slow"}).json["notice"]["since"]
    corrected = quiet.admin("PUT", "/notice", {"active": True, "text": TEXT}).json["notice"]

    assert corrected == {"active": True, "text": TEXT, "since": since}
    quiet.admin("PUT", "/notice", {"active": False})
    assert quiet.admin("PUT", "/notice", {"active": True, "text": TEXT}).json["notice"]["since"] > since


def test_a_change_is_on_record(quiet: Product, product_database: Database) -> None:
    """Who, what, before and after, as with every other administrative call."""
    quiet.admin("PUT", "/notice", {"active": True, "text": TEXT}, headers={"X-Initiated-By": "alex"})

    [(who, action, before, after)] = product_database.rows(HISTORY)
    assert (who, action, before) == ("alex", "notice", {"notice": GONE})
    assert (after["notice"]["active"], after["notice"]["text"]) == (True, TEXT)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param({"active": True}, "needs a text", id="nothing to say"),
        pytest.param({"active": True, "text": "  "}, "needs a text", id="blank"),
        pytest.param({"active": "yes", "text": TEXT}, "boolean", id="no boolean"),
        pytest.param({"active": True, "text": "x" * 501}, "at most 500", id="too long"),
        pytest.param({"active": True, "text": TEXT, "until": 5}, "not permitted", id="unknown key"),
        pytest.param({"active": True, "text": "a\0b"}, "NUL", id="NUL"),
    ],
)
def test_nonsense_is_refused(quiet: Product, body: dict[str, object], problem: str) -> None:
    """422, and the notice stays as it is."""
    answer = quiet.admin("PUT", "/notice", body)

    assert answer.status == 422
    assert problem in answer.text
    assert notice(quiet) == GONE


def test_only_the_administrator_may_change_it(quiet: Product) -> None:
    """A user may not, nobody may not, and a form is no JSON."""
    wanted = {"active": True, "text": TEXT}

    assert quiet.call("PUT", "/admin/notice", wanted).status == 401
    assert quiet.call("PUT", "/admin/notice", wanted, token=quiet.sign_in()).status == 403
    form = quiet.admin("PUT", "/notice", wanted, content_type="application/x-www-form-urlencoded")
    assert form.status == 415
    assert notice(quiet) == GONE


def test_anonymous_roles_read_and_nothing_else(product_database: Database) -> None:
    """Row level security lets everybody read the one row, and nobody but the application change it."""
    for role in ("anon", "authenticated"):
        assert len(product_database.rows("SELECT * FROM app_notice", options=f"-c role={role}")) == 1
        granted = product_database.rows("SELECT has_table_privilege(%s, 'app_notice', 'UPDATE')", role)
        assert granted == [(False,)]


def test_there_can_be_one_row_only(product_database: Database) -> None:
    """Two notices would be two truths."""
    [(rows,)] = product_database.rows("SELECT count(*) FROM app_notice")
    [(columns,)] = product_database.rows(
        "SELECT count(*) FROM information_schema.check_constraints WHERE check_clause LIKE %s", "%only_row%"
    )

    assert rows == 1
    assert columns >= 1
