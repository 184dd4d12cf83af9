"""The site is there for a person while flags change, when the API fails, and when a session ends.

What people do there is seen by the journeys, and barriers by the audits, each with its fault rows.
"""

import pytest
from playwright.sync_api import expect

from tests.sandbox.site_visits import WITHIN_MS, Visit, switch

DEADLINE_OF_THE_PAGE_MS = 8_000


def test_rolling_back_the_features_is_seen_without_a_reload(visit: Visit) -> None:
    """The open chat becomes the plain one by itself, keeps the draft, and loses its button to speak while it records."""
    visit.sign_in()
    expect(visit.page.locator("body[data-feature=enhanced-ui]")).to_have_count(1)
    visit.page.get_by_label("Your message to PAM").fill("half a sentence")
    visit.page.get_by_role("button", name="Speak").click()
    expect(visit.page.get_by_role("button", name="Stop and send")).to_be_visible()

    switch(visit.site, "PAM_ENHANCED_UI", "PAM_VOICE_FEATURES", on=False)

    expect(visit.page.get_by_role("heading", name="Chat with PAM")).to_be_visible()
    expect(visit.page.locator("[data-feature]")).to_have_count(0)
    expect(visit.page.get_by_test_id("voice")).to_have_count(0)
    expect(visit.page.get_by_label("Your message to PAM")).to_have_value("half a sentence")


@pytest.mark.parametrize(
    ("fault", "path", "endpoint"),
    [
        ("answers-html", "/", "/api/v1/profile"),
        ("answers-garbage", "/wins", "/api/v1/expenses"),
        ("answers-never-ending", "/wheels", "/api/v1/expenses"),
    ],
)
def test_a_dead_back_end_is_no_account_without_money(visit: Visit, fault: str, path: str, endpoint: str) -> None:
    """However the API fails, the page shows an alert, and no amount that nobody answered."""
    visit.sign_in()
    visit.site.remote.plant(fault, path=endpoint, server="api")
    visit.open(path)
    spent = visit.page.get_by_text("Spent this month: $")

    expect(visit.page.get_by_role("alert")).to_contain_text(
        "could not be loaded", timeout=DEADLINE_OF_THE_PAGE_MS + WITHIN_MS
    )
    expect(spent).to_have_count(0)


@pytest.mark.parametrize("spoiled", [{"token": "refused"}, {"expiresAt": 1}], ids=["refused by the API", "run out"])
def test_an_ended_session_leads_to_the_login_and_back(visit: Visit, spoiled: dict[str, object]) -> None:
    """With a reason; whoever logs in lands where they wanted to go."""
    visit.sign_in(then="/wins")
    visit.settle()
    visit.page.evaluate(
        """(spoiled) => {
            const stored = JSON.parse(sessionStorage.getItem("wheels-and-wins.session"));
            sessionStorage.setItem("wheels-and-wins.session", JSON.stringify({ ...stored, ...spoiled }));
        }""",
        spoiled,
    )

    visit.page.get_by_role("link", name="Profile").click()

    expect(visit.page.get_by_role("alert")).to_contain_text("log in")
    visit.log_in()
    expect(visit.page.get_by_role("heading", level=1, name="Your profile")).to_be_focused()
