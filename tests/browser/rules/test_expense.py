"""An expense is kept when it is there once, on the page and at the API, with the sum that was entered."""

from dataclasses import replace

import pytest

from pam_rollback.browser.journeys import Expense

KEPT = Expense(
    journey="adding an expense",
    browser="chromium",
    amount="12.34",
    listed="2026-11-29 other rollback check 12ab €12.34",
    stored=("12.34",),
)


@pytest.mark.parametrize(
    "expense",
    [KEPT, replace(KEPT, listed="12,34 €"), replace(KEPT, stored=("12.340",)), replace(KEPT, listed="USD 12.34.")],
)
def test_it_is_kept(expense: Expense) -> None:
    """However a country writes a sum, and however many zeros a database has."""
    assert expense.outcome == "works", expense


@pytest.mark.parametrize(
    ("expense", "words"),
    [
        (replace(KEPT, listed=None), "the page does not list it"),
        (replace(KEPT, stored=()), "the API does not have it"),
        (replace(KEPT, stored=("12.34", "12.34")), "has it 2 times"),
        (replace(KEPT, stored=("1234.0",)), "an expense of 12.34 was entered, and the API has 1234.0"),
        (replace(KEPT, stored=("12",)), "the API has 12"),
        (replace(KEPT, listed="rollback check 12ab €1,234.00"), "an expense of 12.34 was entered, and the page lists"),
        (
            replace(KEPT, listed=None, stored=(), note="check 1"),
            "list it; delete it by hand if it turns up, noted 'check 1'",
        ),
        (replace(KEPT, undeleted="it is still there"), "it is still there"),
        (replace(KEPT, problem="sign in: HTTP 503"), "sign in: HTTP 503"),
    ],
)
def test_it_is_not(expense: Expense, words: str) -> None:
    """With what is missing, or what came of it."""
    assert expense.outcome != "works"
    assert words in str(expense)
