"""Today's site: one page for every address, what a person sees on it, and the ways in which it looks healthy and is not."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.sandbox.todays_range import Today

WITHIN_MS = 30_000
ERROR = "Oops! Something went wrong"


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A visitor."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(WITHIN_MS)
    yield context.new_page()
    context.close()


def sign_in(today: Today, page: Page) -> None:
    """As a person does it."""
    page.goto(today.state["urls"]["frontend"] + "/login")
    page.fill("input[type=email]", today.variables["TEST_USER_EMAIL"])
    page.fill("input[type=password]", today.variables["TEST_USER_PASSWORD"])
    page.get_by_role("button", name="Login").click()
    expect(page.get_by_role("button", name="Log Out")).to_be_visible(timeout=WITHIN_MS)


def script_of(today: Today) -> str:
    """The address of the script that the page names."""
    found = re.search(r'<script type="module" src="([^"]+)"', today.call("GET", "frontend", "/").text)
    assert found is not None
    return found[1]


def test_every_address_has_the_page(today: Today) -> None:
    """Health, a missing script and the files that a build keeps for its host, too; nothing of it names a release."""
    page = today.call("GET", "frontend", "/")
    paths = ("/health", "/pam", "/assets/gone.js", "/version.json", "/asset-manifest.json", "/config.json", "/sw.js")
    answers = [today.call("GET", "frontend", path) for path in paths]

    assert {(answer.status, answer.text) for answer in answers} == {(200, page.text)}
    script = today.call("GET", "frontend", script_of(today))
    assert script.headers["content-type"].startswith("text/javascript")
    assert [answer for answer in (page, script) if "1.42" in answer.text or "x-release" in answer.headers] == []


def test_the_script_of_the_page_says_where_its_services_are(today: Today) -> None:
    """Put in when it was built; a build without them is served like a good one, and knows nothing."""
    script = script_of(today)
    urls = today.state["urls"]
    known = {urls["api"], urls["supabase"], today.key}
    assert {value for value in known if value in today.call("GET", "frontend", script).text} == known

    today.remote.plant("front-end-built-without-variables")
    other = script_of(today)
    answer = today.call("GET", "frontend", other)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert (other == script, [value for value in known if value in answer.text]) == (False, [])


def test_a_module_that_the_page_preloads_can_be_gone_alone(today: Today) -> None:
    """The page and its script are as they were."""
    page = today.call("GET", "frontend", "/").text
    preloaded = re.search(r'<link rel="modulepreload" href="([^"]+)"', page)
    assert preloaded is not None
    kinds = []
    for _ in range(2):
        answers = [today.call("GET", "frontend", path) for path in (script_of(today), preloaded[1])]
        kinds.append([answer.headers["content-type"].partition(";")[0] for answer in answers])
        today.remote.plant("missing-script-served-as-html", asset="app/services.js")

    assert kinds == [["text/javascript"] * 2, ["text/javascript", "text/html"]]


def test_releases_differ_in_their_bundle_only(today: Today) -> None:
    """Another address of the script is all that a visitor could notice."""
    scripts = set()
    for release in ("stable", "candidate"):
        today.remote.go_live(release)
        scripts.add(script_of(today))

    assert len(scripts) == 2


def test_a_person_sees_their_money_and_talks_to_pam(today: Today, page: Page) -> None:
    """Money from the rows, PAM behind the round button of every page, and the button that ends the session."""
    sign_in(today, page)
    page.get_by_role("link", name="Wins", exact=True).click()
    expect(page.get_by_test_id("total")).not_to_have_text("$0.00", timeout=WITHIN_MS)
    page.get_by_role("button", name="Open PAM Chat").click()
    page.get_by_placeholder("Ask PAM anything...").fill("How much did I spend this month?")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_test_id("pam-messages")).to_contain_text("spent", timeout=WITHIN_MS)
    page.get_by_role("link", name="Profile").click()
    expect(page.get_by_label("Full Name")).to_have_value("Test Traveller", timeout=WITHIN_MS)
    page.get_by_role("button", name="Log Out").click()
    expect(page.get_by_role("link", name="Sign In")).to_be_visible()


def test_pam_has_a_button_on_every_page_but_the_first(today: Today, page: Page) -> None:
    """Also for who is not signed in; PAM then has nothing to say."""
    page.goto(today.state["urls"]["frontend"] + "/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("button", name="Open PAM Chat")).to_have_count(0)
    page.goto(today.state["urls"]["frontend"] + "/shop")
    page.get_by_role("button", name="Open PAM Chat").click()
    page.get_by_placeholder("Ask PAM anything...").fill("Hello")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_test_id("pam-messages")).to_contain_text("out of reach", timeout=WITHIN_MS)


def test_a_dead_database_looks_like_an_empty_account(today: Today, page: Page) -> None:
    """Nothing on the page says that something is wrong; when it is back, the money is."""
    sign_in(today, page)
    today.remote.plant("database-down")
    page.get_by_role("link", name="Wins", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Wins")
    expect(page.get_by_test_id("total")).to_have_text("$0.00")
    expect(page.locator("tbody tr")).to_have_count(0)

    today.remote.clear("database-down")
    page.get_by_role("link", name="You").click()
    page.get_by_role("link", name="Wins", exact=True).click()
    expect(page.get_by_test_id("total")).not_to_have_text("$0.00", timeout=WITHIN_MS)


def test_an_address_for_accounts_leads_elsewhere_when_it_is_opened_afresh(today: Today, page: Page) -> None:
    """To where a sign-in leads; the profile and pages for everybody stay."""
    sign_in(today, page)
    for path, found in (("/wins", "You"), ("/wheels", "You"), ("/profile", "Profile"), ("/shop", "Shop")):
        page.goto(today.state["urls"]["frontend"] + path)
        expect(page.get_by_role("heading", level=1)).to_have_text(found, timeout=WITHIN_MS)


def test_built_without_its_variables_every_page_is_an_error(today: Today, page: Page) -> None:
    """HTML, 200 and a script that is one: only who runs it sees that nothing works."""
    today.remote.plant("front-end-built-without-variables")
    page.goto(today.state["urls"]["frontend"] + "/")
    expect(page.get_by_role("heading", name=ERROR)).to_be_visible()
    today.remote.clear("front-end-built-without-variables")
    page.goto(today.state["urls"]["frontend"] + "/login")
    expect(page.get_by_role("heading", name="Welcome Back")).to_be_visible()


@pytest.mark.parametrize("path", ["/pam", "/settings", "/nothing"])
def test_an_address_without_a_page_says_so(today: Today, page: Page, path: str) -> None:
    """With 200, as the host answers everything."""
    answer = page.goto(today.state["urls"]["frontend"] + path)

    assert answer is not None
    assert answer.status == 200
    expect(page.get_by_role("heading", name="404 - Page Not Found")).to_be_visible()
