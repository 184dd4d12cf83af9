"""The site is there for a person: at any address, on a phone, at 200 %, while flags change, and when the API fails.

What people do there is seen by the journeys, and barriers by the audits, each with its fault rows.
"""

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.sandbox.site_visits import WITHIN_MS, RunningSandbox, Visit

DESKTOP_AT_200_PERCENT: ViewportSize = {"width": 640, "height": 400}
PHONE: ViewportSize = {"width": 390, "height": 844}
DEADLINE_OF_THE_PAGE_MS = 8_000
ADDRESSES = ("/", "/login", "/pam", "/wins", "/wheels", "/profile", "/settings", "/no-such-page")


def test_a_page_from_before_the_features_has_none_whatever_the_flags_say(visit: Visit) -> None:
    """The stable release's page names itself, and offers neither ideas nor voice."""
    visit.site.control.go_live("stable")
    visit.sign_in()

    expect(visit.page.get_by_role("contentinfo")).to_contain_text("1.41.3")
    expect(visit.page.get_by_role("heading", name="Chat with PAM")).to_be_visible()
    expect(visit.page.locator("[data-feature]")).to_have_count(0)
    expect(visit.page.get_by_test_id("voice")).to_have_count(0)


def test_rolling_back_the_features_is_seen_without_a_reload(visit: Visit) -> None:
    """The open chat becomes the plain one by itself, keeps the draft, and loses its button to speak while it records."""
    visit.sign_in()
    expect(visit.page.locator("body[data-feature=enhanced-ui]")).to_have_count(1)
    visit.page.get_by_label("Your message to PAM").fill("half a sentence")
    visit.page.get_by_role("button", name="Speak").click()
    expect(visit.page.get_by_role("button", name="Stop and send")).to_be_visible()

    visit.site.switch("PAM_ENHANCED_UI", "PAM_VOICE_FEATURES", on=False)

    expect(visit.page.get_by_role("heading", name="Chat with PAM")).to_be_visible()
    expect(visit.page.locator("[data-feature]")).to_have_count(0)
    expect(visit.page.get_by_test_id("voice")).to_have_count(0)
    expect(visit.page.get_by_label("Your message to PAM")).to_have_value("half a sentence")


def test_errors_behind_the_enhanced_chat_are_seen_and_gone_after_its_rollback(visit: Visit) -> None:
    """A person meets the planted incident as an alert, and after the rollback of the flag the same press succeeds."""
    visit.sign_in()
    visit.settle()
    visit.site.control.plant("errors", share=1)
    visit.say("<b>Where</b> do we sleep tonight?")
    expect(visit.page.get_by_role("alert")).to_contain_text("Something went wrong on our side (error 500).")

    visit.site.switch("PAM_ENHANCED_UI", on=False)
    expect(visit.page.get_by_role("heading", name="Chat with PAM")).to_be_visible()
    visit.page.get_by_role("button", name="Try again").click()

    expect(visit.page.locator("#announcer")).to_contain_text("PAM says: ")
    assert visit.page.get_by_role("list", name="Messages").locator("b").count() == 0, "words became markup"


@pytest.mark.parametrize(
    ("fault", "path", "endpoint"),
    [
        ("answers-html", "/", "/api/v1/profile"),
        ("answers-garbage", "/wins", "/api/v1/expenses"),
        ("answers-never-ending", "/wheels", "/api/v1/expenses"),
    ],
)
def test_a_dead_back_end_is_no_account_without_money(visit: Visit, fault: str, path: str, endpoint: str) -> None:
    """However the API fails, the page shows an alert with a way to try again, and no amount that nobody answered."""
    visit.sign_in()
    visit.site.control.plant(fault, path=endpoint, server="api")
    visit.open(path)
    spent = visit.page.get_by_text("Spent this month: $")

    expect(visit.page.get_by_role("alert")).to_contain_text(
        "could not be loaded", timeout=DEADLINE_OF_THE_PAGE_MS + WITHIN_MS
    )
    expect(spent).to_have_count(0)

    visit.site.control.clear_all()
    visit.page.get_by_role("button", name="Try again").click()
    expect(spent).to_be_visible()
    expect(visit.page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("spoiled", [{"token": "refused"}, {"expiresAt": 1}], ids=["refused by the API", "run out"])
def test_an_ended_session_leads_to_the_login_and_back(visit: Visit, spoiled: dict[str, object]) -> None:
    """With a reason; nothing of the account stays on the page, and whoever logs in lands where they wanted to go."""
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
    expect(visit.page.locator(".user-name")).to_have_count(0)
    visit.page.locator("input[type=email]").fill(visit.site.email)
    visit.page.locator("input[type=password]").fill(visit.site.password)
    visit.page.keyboard.press("Enter")
    expect(visit.page.get_by_role("heading", level=1, name="Your profile")).to_be_focused()


def test_no_console_complaints_and_no_request_to_elsewhere(visit: Visit) -> None:
    """On every address, signed out and signed in, the browser has no complaint and stays on this machine."""
    for path in ADDRESSES:
        visit.open(path)
        visit.settle()
    visit.sign_in()
    for path in ADDRESSES:
        visit.open(path)
        visit.settle()

    assert visit.complaints == []
    assert visit.failures == []
    assert visit.hosts == {"127.0.0.1"}


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP_AT_200_PERCENT], ids=["phone", "desktop at 200 %"])
def test_nothing_scrolls_sideways(chromium: Browser, site: RunningSandbox, viewport: ViewportSize) -> None:
    """On a phone and at 200 % zoom every view fits the width, and every control can be hit (WCAG 2.2, 2.5.8)."""
    context = chromium.new_context(viewport=viewport)
    visit = Visit(context.new_page(), site)
    visit.sign_in()
    for path in ADDRESSES:
        visit.open(path)
        visit.settle()

        assert visit.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"), path
        too_small = visit.page.evaluate(
            """() => [...document.querySelectorAll("button, input, select, textarea, nav a, a.button")]
                .filter((control) => Math.min(control.offsetWidth, control.offsetHeight) < 24)
                .map((control) => control.outerHTML)"""
        )
        assert too_small == [], path
    context.close()


def test_a_notice_stays_when_the_api_falls_silent(visit: Visit) -> None:
    """Everybody reads it, never as markup; not to know is no reason to take it away."""
    text = "PAM answers slowly. We are on it, <b>really</b>."
    notice = {"active": True, "text": text}
    visit.site.call("PUT", f"{visit.site.api}/admin/notice", visit.site.admin_token, notice)
    try:
        visit.open("/")
        expect(visit.page.locator("#site-notice[role=status]")).to_have_text(text)
        visit.site.control.plant("answers-garbage", server="api", path="/api/v1/notice")
        with visit.page.expect_event("requestfailed", lambda request: request.url.endswith("/api/v1/notice")):
            visit.page.get_by_role("link", name="Log in").first.click()
        expect(visit.page.locator("#site-notice")).to_have_text(text)
    finally:
        visit.site.call("PUT", f"{visit.site.api}/admin/notice", visit.site.admin_token, {"active": False})
