"""A question to PAM works when each thing that the product promises of it was seen."""

import pytest

from pam_rollback.browser.journeys import Conversation


@pytest.mark.parametrize(
    ("stored", "outcome"),
    [
        (True, "works"),
        (False, "the page shows the answer, the API's history does not have it"),
        (None, "works"),
    ],
    ids=["found again", "not found again", "nothing is kept"],
)
def test_an_answer_is_found_again_where_the_product_keeps_it(stored: bool | None, outcome: str) -> None:  # noqa: FBT001 - a case
    """Where its contract says that it keeps nothing, nobody looks."""
    walk = Conversation(journey="asking PAM", browser="chromium", answer="Two.", shown_again=None, stored=stored)

    assert walk.outcome == outcome
