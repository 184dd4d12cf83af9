"""An expense by the API, or as a row of Supabase's REST."""

from datetime import date

import pytest

from pam_rollback.product.expense_requests import all_of, body_of, one_of, several_of, written

API, ROWS = "https://api.x/expenses", "https://rows.x/rest/v1/expenses?user_id=eq.u-1&order=created_at.desc"
TABLE = "https://rows.x/rest/v1/expenses"
FUEL = {"amount": 1.5, "category": "fuel"}


def test_where_one_is_written_and_deleted() -> None:
    """Rows by a condition, many at once; the API's own have paths."""
    assert (all_of(API), all_of(ROWS)) == (API, TABLE)
    assert one_of(API, 7, are_rows=False) == several_of(API, [7], are_rows=False) == f"{API}/7"
    assert one_of(ROWS, "a-b", are_rows=True) == several_of(ROWS, ["a-b"], are_rows=True) == f"{TABLE}?id=eq.a-b"
    assert several_of(ROWS, [7, 8], are_rows=True) == f"{TABLE}?id=in.(7,8)"


def test_a_row_names_its_owner_and_its_day() -> None:
    """As the pages write it; the API knows both."""
    day = date(2026, 11, 29)

    assert body_of(FUEL, "u-1", day, are_rows=False) == FUEL
    assert body_of(FUEL, "u-1", day, are_rows=True) == {**FUEL, "user_id": "u-1", "date": "2026-11-29"}


@pytest.mark.parametrize(
    ("body", "row"), [([FUEL], FUEL), ([], None), ([FUEL, FUEL], None), (FUEL, None), (None, None)]
)
def test_one_row_is_given_back(body: object, row: object) -> None:
    """In a list of one; whatever else comes is no row that was written."""
    assert written(body, are_rows=True) == row
    assert written(body, are_rows=False) == body
