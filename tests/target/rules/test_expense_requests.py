"""An expense by the API, or as a row of Supabase's REST."""

import pytest

from pam_rollback.target.expense_requests import written

API, ROWS = "https://api.x/expenses", "https://rows.x/rest/v1/expenses?user_id=eq.u-1&order=created_at.desc"
FUEL = {"amount": 1.5, "category": "fuel"}


@pytest.mark.parametrize(
    ("body", "row"), [([FUEL], FUEL), ([], None), ([FUEL, FUEL], None), (FUEL, None), (None, None)]
)
def test_one_row_is_given_back(body: object, row: object) -> None:
    """In a list of one; whatever else comes is no row that was written."""
    assert written(body, are_rows=True) == row
    assert written(body, are_rows=False) == body
