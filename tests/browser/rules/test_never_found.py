"""Whether an element that is not there speaks against the page, or for another page than the one that was described."""

from dataclasses import replace

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.browser.journeys import NotAsDescribed, PageSigns
from pam_rollback.product.front_page import PageContent

WELL = PageSigns(PageContent(("Wheels & Wins", "Trips"), "Trips and budgets of a journey", controls=7))
BROKEN = {
    "blank": (replace(WELL, content=PageContent(("Wheels & Wins",), "", controls=0)), "it is empty"),
    "error screen": (
        replace(WELL, content=PageContent(("Oops! Something went wrong",), "Oops! Something went wrong", controls=1)),
        "it shows an error screen: 'Oops! Something went wrong'",
    ),
    "waits for ever": (
        replace(WELL, content=PageContent(("Wheels & Wins",), "Loading the site", controls=0)),
        "it has no link, no button and no field",
    ),
    "hidden": (replace(WELL, hidden=True), "it is in the page, and cannot be seen"),
    "its script fails": (replace(WELL, failed=("script error: x is undefined",)), "script error: x is undefined"),
    "its API fails": (replace(WELL, failed=("HTTP 500: GET http://pam.test/api",)), "HTTP 500"),
    "its API is silent": (replace(WELL, unanswered=("GET http://pam.test/api",)), "still no answer to GET"),
}


def test_a_page_that_is_well_is_not_broken() -> None:
    """Then nobody knows: the page has changed, or the contract."""
    assert WELL.broken == ""
    assert issubclass(NotAsDescribed, MeasurementFailed)


@pytest.mark.parametrize("case", BROKEN)
def test_each_sign_of_a_broken_page_counts(case: str) -> None:
    """A blank page has no such element either, and is no other page."""
    signs, words = BROKEN[case]

    assert words in signs.broken
