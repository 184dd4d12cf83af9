"""States of the site in a real Chromium: a page that still asks for something is told from one whose predecessor did."""

import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import Mock

import pytest
from playwright.sync_api import Browser, Locator, Page, Request

from pam_rollback.browser import pam_page
from pam_rollback.browser.driven_page import heading_of
from pam_rollback.browser.journeys import NotLoaded, Stopped
from pam_rollback.browser.page_states import Visit
from pam_rollback.browser.pam_site import PamSite
from pam_rollback.browser.site import Site
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.target.contract import Element, ElementName
from tests.contracts import PAGES, elements

HANGING, HANGING_FOR_BROWSERS = "/hangs", "/hangs-for-browsers"
ASKING, QUIET = "/asking", "/"
LEADS_AWAY = "/trips"
PAGE = "<!doctype html><link rel=icon href=data:,><main><h1>Wheels and Wins</h1></main>"

OWN_PAGES = """<nav hidden><a href="/trips">Trips</a></nav><script>
const show = (path, body) => { history.pushState({}, "", path); document.querySelector("main").innerHTML = body; };
document.querySelector("a").onclick = (event) => {
  event.preventDefault();
  show("/trips", "<h2>Trips</h2>");
};
fetch("/who").then(() => show("/you", "<h1>You</h1>"));
</script>"""
"""As today's product does it: opened by its address the page is shown, then everybody is led to their own; its link leads there."""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A front end of two pages; one asks for something that is never answered."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            for_browsers = self.path == HANGING_FOR_BROWSERS and "Mozilla" in self.headers.get("User-Agent", "")
            if self.path == HANGING or for_browsers:
                over.wait(60)
                return
            more = {ASKING: f"<script>fetch('{HANGING}')</script>", LEADS_AWAY: OWN_PAGES}
            body = (PAGE + more.get(self.path, "")).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    yield Site(
        address=address,
        services=(f"{address}/api",),
        pages=PAGES.model_copy(update={"home": QUIET, "money": ASKING, "trips": LEADS_AWAY}),
        elements=elements(),
        login_path="/api/login",
        chat_path="/api/chat",
        email="nobody@example.net",
        password="none",
        within_s=2.5,
    )
    over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_too_many_sign_ins_say_nothing_of_the_pages(page: Page, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever visits is told why a sign-in stopped: what the page itself shows is the same in both cases."""
    stop = Stopped("sign in: the page says: You could not be logged in")
    limited = MeasurementFailed("the sign-in is rate limited")
    monkeypatch.setattr(PamSite, "_load", Mock(side_effect=stop))

    with pytest.raises(MeasurementFailed, match="the sign-in is rate limited"):
        Visit(page, replace(site, why_not_signed_in=lambda _: limited)).sign_in()
    with pytest.raises(Stopped, match="You could not be logged in"):
        Visit(page, site).sign_in()


def test_a_page_that_still_asks_is_not_reached(page: Page, site: Site) -> None:
    """And what it asks for is named."""
    with pytest.raises(Stopped, match=f"still loading {HANGING} after 2.5 s"):
        Visit(page, site).reach("money")


def test_what_a_page_asks_for_late_is_waited_for(page: Page, site: Site) -> None:
    """Whoever follows a link stays in the document, which asked for nothing a while before: that says nothing of what it asks for now."""
    shows = 'show("/trips", "<h2>Trips</h2>");'
    asks = OWN_PAGES.replace(shows, f'setTimeout(() => {{ {shows} fetch("{HANGING}"); }}, 900);')
    page.route(f"**{LEADS_AWAY}", lambda route: route.fulfill(content_type="text/html", body=PAGE + asks))

    with pytest.raises(Stopped, match=f"still loading {HANGING} after 2.5 s"):
        Visit(page, site).reach("trips")


@pytest.mark.parametrize(
    ("more", "covered"),
    [
        ("", False),
        ("<div class=cover style='position:fixed;inset:0;z-index:9'></div>", True),
        ("<div style='position:fixed;inset:0;z-index:9;pointer-events:none'></div>", False),
        ("<style>nav {position:fixed;left:-400px}</style>", False),
    ],
    ids=["in sight", "covered", "seen through", "beside the screen"],
)
def test_a_link_in_sight_is_clicked_as_a_person_does(page: Page, site: Site, more: str, covered: bool) -> None:  # noqa: FBT001 - a case
    """What lies over it keeps people away, and is no page that was reached."""
    shown = OWN_PAGES.replace("<nav hidden>", "<nav>") + more
    page.route(f"**{LEADS_AWAY}", lambda route: route.fulfill(content_type="text/html", body=PAGE + shown))

    if not covered:
        Visit(page, site).reach("trips")
        assert page.url == site.address + LEADS_AWAY
        return
    with pytest.raises(Stopped, match=r'the link to /trips cannot be clicked: <div class="cover"> lies over it'):
        Visit(page, site).reach("trips")


def test_a_heading_that_goes_with_the_page_before_is_not_waited_for(
    page: Page, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was found, and is gone before it is read: what comes in its place is read, of whatever level."""
    person = PamSite(page, site)
    page.goto(site.address + QUIET)

    def found_and_gone(shown: Page) -> Locator:
        found = heading_of(shown)
        shown.evaluate("() => { document.querySelector('main').innerHTML = '<h2>Trips</h2>'; }")
        return found

    monkeypatch.setattr(pam_page, "heading_of", found_and_gone)

    assert person.heading() == "Trips"


def asked_by_an_earlier_page(page: Page, site: Site) -> Request:
    """A request that a page before this one began, and that never ends."""
    with page.expect_request(f"**{HANGING}") as asked:
        page.goto(site.address + ASKING, wait_until="domcontentloaded")
    return asked.value


def test_what_an_earlier_page_asked_for_is_not_held_against_this_one(page: Page, site: Site) -> None:
    """Also when Playwright tells of it only while the next page loads: seen once in some 1,000 visits."""
    earlier = asked_by_an_earlier_page(page, site)
    visit = Visit(page, site)
    told = []

    def tell(shown: Page) -> None:
        told.append(shown.url)
        visit._person.witness._asked(earlier)

    page.on("domcontentloaded", tell)

    visit.reach("home")

    assert site.address + QUIET in told


def test_a_late_word_of_an_earlier_page_does_not_hide_what_this_one_asks_for(page: Page, site: Site) -> None:
    """What this page asks for counts all the same."""
    earlier = asked_by_an_earlier_page(page, site)
    visit = Visit(page, site)
    page.on("domcontentloaded", lambda _: visit._person.witness._asked(earlier))

    with pytest.raises(Stopped, match="still loading"):
        visit.reach("money")


LOSING = """<!doctype html><link rel=icon href=data:,><main><h1>Wheels and Wins</h1></main><div></div>
<script>
const show = (html) => { document.querySelector("div").innerHTML = html; };
const path = location.pathname, lose = Number(sessionStorage.lost ?? 0) < LOSES;
if (path === "/wins" && lose) {
  sessionStorage.lost = Number(sessionStorage.lost ?? 0) + 1;
  localStorage.clear();
}
if (path !== "/" && path !== "/login" && localStorage.user !== "there") { location.replace("/login"); }
else if (path === "/login") {
  show('<a href="/login">Log in</a><form><input type=email><input type=password></form>');
  document.querySelector("form").onsubmit = () => { localStorage.user = "there"; location.assign("/"); return false; };
  if (GOES && sessionStorage.lost) setTimeout(() => { localStorage.user = "there"; location.assign("/wins"); }, 300);
  document.querySelector("[type=password]").onkeydown = ({ key }) => { if (key === "Enter") document.querySelector("form").onsubmit(); };
} else show("<button>Log out</button>");
</script>"""


def losing(page: Page, site: Site, *, loses: int, goes: bool) -> Visit:
    """A visit of a site that loses sessions so many times; where it ``goes``, its form signs in by itself after a while."""
    served = LOSING.replace("LOSES", str(loses)).replace("GOES", str(goes).lower())
    page.route(f"{site.address}/**", lambda route: route.fulfill(body=served, content_type="text/html"))
    described: dict[ElementName, Element] = {
        "email": Element(selector="[type=email]"),
        "password": Element(selector="[type=password]"),
        "log_in": Element(selector="a"),
        "log_out": Element(role="button", name="Log out"),
    }
    pages = site.pages.model_copy(update={"money": "/wins"})
    return Visit(page, replace(site, pages=pages, elements=described, within_s=6))


@pytest.mark.parametrize(
    ("loses", "goes", "told"),
    [
        (1, False, ""),
        (2, False, "signed out, also after signing in anew once: /wins led to /login"),
        (1, True, ""),
    ],
    ids=["lost once", "lost again", "a form that goes by itself"],
)
def test_a_session_that_is_lost_once_is_signed_in_anew(
    page: Page,
    site: Site,
    loses: int,
    goes: bool,  # noqa: FBT001 - a case
    told: str,
) -> None:
    """Whoever signs out elsewhere may end all sessions of the account; a site that loses them again and again is told."""
    visit = losing(page, site, loses=loses, goes=goes)
    visit.sign_in()

    with pytest.raises(Stopped, match=told) if told else nullcontext():
        visit.reach("money")

    assert page.evaluate("() => Number(sessionStorage.lost)") == loses


def test_a_form_that_went_before_anybody_looked_was_there(
    page: Page, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a busy machine: the page is shown by then, and nobody has to sign in again."""

    def late(visit: Visit) -> bool:
        visit.page.wait_for_url("**/wins")
        return False

    visit = losing(page, site, loses=1, goes=True)
    visit.sign_in()
    monkeypatch.setattr(Visit, "_asks_to_sign_in", property(late))

    visit.reach("money")


BUSY = PAGE + "<script>const end = Date.now() + 4000; while (Date.now() < end);</script>"
"""It answers at once, and is not there within its time: as on a machine that is too busy to show it."""


@pytest.mark.parametrize(
    ("body", "late"),
    [
        (BUSY, True),
        (PAGE.replace("<main>", f"<script src='{HANGING}'></script><main>"), False),
        (PAGE.replace("<main>", f"<script src='{HANGING_FOR_BROWSERS}'></script><main>"), False),
        ("<!doctype html><link rel=icon href=data:,><main></main>", False),
    ],
    ids=["busy machine", "hanging script", "hanging for browsers", "blank"],
)
def test_a_page_that_is_late_is_told_from_a_broken_one(page: Page, site: Site, body: str, late: bool) -> None:  # noqa: FBT001 - a case
    """What hangs without a browser, too, is a finding, and so is what is there and shows nothing; to audits as to journeys."""
    page.route(f"{site.address}/money", lambda route: route.fulfill(content_type="text/html", body=body))
    pages = site.pages.model_copy(update={"money": "/money"})
    visited = replace(site, pages=pages, within_s=1.5)
    visit = Visit(page, visited)
    person = PamSite(page, visited)

    with pytest.raises(Stopped) as audited:
        visit.reach("money")
    with pytest.raises(Stopped) as walked:
        person.open("/money")

    assert [type(found.value) is NotLoaded for found in (audited, walked)] == [late, late], (audited, walked)
