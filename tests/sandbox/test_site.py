"""Every page of the site is there for a person: at any address, on a phone, at 200 %, and when the API fails."""

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.sandbox.site_visits import FEATURES, WITHIN_MS, RunningSandbox, Visit

DESKTOP_AT_200_PERCENT: ViewportSize = {"width": 640, "height": 400}
PHONE: ViewportSize = {"width": 390, "height": 844}
DEADLINE_OF_THE_PAGE_MS = 8_000
ADDRESSES = ("/", "/login", "/pam", "/wins", "/wheels", "/profile", "/settings", "/no-such-page")


def test_the_stable_release_has_a_plain_page_whatever_the_flags_say(visit: Visit) -> None:
    """A page of the release before the features has none of them, and its footer names that release."""
    visit.site.control.go_live("stable")
    visit.sign_in()

    expect(visit.page.get_by_test_id("page-release")).to_have_text("1.41.3")
    expect(visit.page.get_by_test_id("api-release")).to_have_text("1.41.3")
    expect(visit.page.get_by_role("heading", name="Chat with PAM")).to_be_visible()
    expect(visit.page.get_by_role("list", name="Trip ideas")).to_have_count(0)
    expect(visit.page.get_by_test_id("voice")).to_have_count(0)


@pytest.mark.parametrize(
    ("fault", "path", "endpoint"),
    [
        ("answers-html", "/", "/api/v1/profile"),
        ("answers-garbage", "/wins", "/api/v1/expenses"),
        ("answers-half-closed", "/wheels", "/api/v1/expenses"),
        ("answers-silence", "/wins", "/api/v1/settings"),
        ("answers-never-ending", "/wins", "/api/v1/expenses"),
    ],
)
def test_a_dead_back_end_is_no_account_without_money(visit: Visit, fault: str, path: str, endpoint: str) -> None:
    """However the API fails, the page shows an alert with a way to try again, and no amount that nobody answered."""
    visit.sign_in()
    visit.site.control.plant(fault, path=endpoint, server="api")
    visit.open(path)

    expect(visit.page.get_by_role("alert")).to_contain_text(
        "could not be loaded", timeout=DEADLINE_OF_THE_PAGE_MS + WITHIN_MS
    )
    expect(visit.page.get_by_test_id("month-total")).to_have_count(0)

    visit.site.control.clear_all()
    visit.page.get_by_role("button", name="Try again").click()
    expect(visit.page.get_by_test_id("month-total")).to_be_visible()
    expect(visit.page.get_by_role("alert")).to_have_count(0)


def test_a_change_of_view_moves_focus_and_title(visit: Visit) -> None:
    """Each view has a title of its own, and following a link moves the focus to its heading; the back button too."""
    visit.sign_in(then="/")
    titles = [visit.page.title()]
    for link in ("PAM", "Wins", "Wheels", "Profile", "Settings"):
        visit.page.get_by_role("navigation").get_by_role("link", name=link).click()
        expect(visit.page.get_by_role("navigation").get_by_role("link", name=link)).to_have_attribute(
            "aria-current", "page"
        )
        expect(visit.page.get_by_role("heading", level=1)).to_be_focused()
        titles.append(visit.page.title())
    assert len(set(titles)) == len(titles), titles

    visit.page.go_back()
    expect(visit.page.get_by_role("heading", level=1, name="Your profile")).to_be_focused()


def test_an_unknown_address_is_met_kindly(visit: Visit) -> None:
    """An address that does not exist says so and offers the way home."""
    visit.open("/no/such/page")
    expect(visit.page).to_have_title("Page not found | Wheels & Wins")

    visit.page.get_by_role("link", name="Back to the start").click()

    expect(visit.page.get_by_role("heading", level=1, name="Plan the road.")).to_be_focused()


def test_no_console_complaints_and_no_request_to_elsewhere(visit: Visit) -> None:
    """On every address, signed out and signed in, the browser has no complaint and stays on this machine."""
    for path in ADDRESSES:
        visit.open(path)
    visit.sign_in()
    visit.say("Good morning")
    expect(visit.page.locator("#announcer")).to_contain_text("PAM says: ")
    for path in ADDRESSES:
        visit.open(path)
        visit.page.wait_for_load_state("networkidle")

    assert visit.complaints == []
    assert visit.hosts == {"127.0.0.1"}


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP_AT_200_PERCENT], ids=["phone", "desktop at 200 %"])
@pytest.mark.parametrize("features", [True, False], ids=["with features", "plain"])
def test_nothing_scrolls_sideways(
    chromium: Browser, site: RunningSandbox, viewport: ViewportSize, *, features: bool
) -> None:
    """On a phone and at 200 % zoom every view fits the width, and every control can be hit (WCAG 2.2, 2.5.8)."""
    site.switch(*FEATURES, on=features)
    context = chromium.new_context(viewport=viewport)
    visit = Visit(context.new_page(), site)
    visit.sign_in()
    for path in ADDRESSES:
        visit.open(path)
        visit.page.wait_for_load_state("networkidle")

        assert visit.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"), path
        too_small = visit.page.evaluate(
            """() => [...document.querySelectorAll("button, input, select, textarea, nav a, a.button")]
                .filter((control) => Math.min(control.offsetWidth, control.offsetHeight) < 24)
                .map((control) => control.outerHTML)"""
        )
        assert too_small == [], path
    context.close()


def test_the_visitors_wishes_for_colours_and_motion_are_honoured(visit: Visit) -> None:
    """A dark scheme darkens the page, and with reduced motion nothing moves by itself."""
    visit.open("/")
    background = "() => getComputedStyle(document.body).backgroundColor"
    visit.page.emulate_media(color_scheme="light")
    light = visit.page.evaluate(background)
    visit.page.emulate_media(color_scheme="dark", reduced_motion="reduce")

    assert visit.page.evaluate(background) != light
    assert visit.page.evaluate("() => getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_a_site_without_its_configuration_says_so(visit: Visit) -> None:
    """When the page cannot learn where the API is, it says so and starts once it can."""
    visit.site.control.plant("answers-garbage", path="/config.json", server="frontend")
    visit.open("/")
    expect(visit.page.get_by_role("alert")).to_contain_text("could not find its service")

    visit.site.control.clear_all()
    visit.page.get_by_role("button", name="Try again").click()

    expect(visit.page.get_by_role("heading", level=1, name="Plan the road.")).to_be_visible()
