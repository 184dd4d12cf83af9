"""People come in, stay in, and leave the site."""

import pytest
from playwright.sync_api import expect

from tests.sandbox.site_visits import Visit


def test_a_wrong_password_is_explained(visit: Visit) -> None:
    """A refused login says in plain words what to check, and keeps the person on the form."""
    visit.open("/login")
    visit.page.locator("input[type=email]").fill(visit.site.email)
    visit.page.locator("input[type=password]").fill("not the password")
    visit.page.get_by_role("main").get_by_role("button", name="Log in").click()

    expect(visit.page.get_by_role("alert")).to_contain_text("do not fit together")
    expect(visit.page.locator("input[type=email]")).to_be_visible()


def test_an_incomplete_login_names_the_field(visit: Visit) -> None:
    """Empty fields are named at the field, and the first of them gets the focus."""
    visit.open("/login")
    visit.page.get_by_role("main").get_by_role("button", name="Log in").click()

    expect(visit.page.get_by_text("Enter your e-mail address.")).to_be_visible()
    expect(visit.page.locator("input[type=email]")).to_be_focused()
    expect(visit.page.locator("input[type=email]")).to_have_attribute("aria-invalid", "true")


def test_a_page_for_members_asks_to_log_in_and_then_shows_it(visit: Visit) -> None:
    """Somebody who is not signed in is sent to the form with a reason, and lands where they wanted to go."""
    visit.open("/wins")
    expect(visit.page.get_by_role("alert")).to_contain_text("Please log in")

    visit.page.locator("input[type=email]").fill(visit.site.email)
    visit.page.locator("input[type=password]").fill(visit.site.password)
    visit.page.keyboard.press("Enter")

    expect(visit.page.get_by_test_id("month-total")).to_be_visible()


@pytest.mark.parametrize("spoiled", [{"token": "refused"}, {"expiresAt": 1}], ids=["refused by the API", "run out"])
def test_an_ended_session_leads_to_the_login_with_a_reason(visit: Visit, spoiled: dict[str, object]) -> None:
    """A session that is over sends the person to the form and says why; nothing of the account stays on the page."""
    visit.sign_in(then="/wins")
    visit.page.evaluate(
        """(spoiled) => {
            const stored = JSON.parse(sessionStorage.getItem("wheels-and-wins.session"));
            sessionStorage.setItem("wheels-and-wins.session", JSON.stringify({ ...stored, ...spoiled }));
        }""",
        spoiled,
    )

    visit.page.get_by_role("link", name="Profile").click()

    expect(visit.page.get_by_role("alert")).to_contain_text("Your session has ended.")
    expect(visit.page.get_by_role("heading", name="Log in")).to_be_visible()
    expect(visit.page.get_by_test_id("user-name")).to_have_count(0)


def test_logging_out_forgets_the_account(visit: Visit) -> None:
    """After the log-out a page for members asks to log in again, also with the back button."""
    visit.sign_in(then="/wins")
    visit.page.get_by_role("button", name="Log out").click()
    expect(visit.page.get_by_role("link", name="Log in", exact=True)).to_be_visible()

    visit.page.go_back()

    expect(visit.page.get_by_role("heading", name="Log in")).to_be_visible()
    assert visit.page.evaluate("() => sessionStorage.getItem('wheels-and-wins.session')") is None
