"""Each way in which a contract describes an element finds that element, and no other."""

import pytest
from playwright.sync_api import Browser

from pam_rollback.browser import driven_page
from pam_rollback.browser.driven_page import click
from pam_rollback.browser.journeys import Stopped
from pam_rollback.browser.pam_page import located
from pam_rollback.browser.pam_site import PamSite
from pam_rollback.browser.site import Site
from pam_rollback.target.contract import Element
from tests.contracts import PAGES

PAGE = """
<main><h1>Trips</h1><a href="/a" id="ask">Ask PAM about Lisbon</a><a href="/b">Read about Lisbon</a></main>
<footer><a href="/c">Ask PAM elsewhere</a></footer>
<label for="n">Note (optional)</label><input id="n">
<ul aria-label="Messages"><li>one</li><li>two</li></ul>
<button onclick="document.body.append(Object.assign(document.createElement('input'), {ariaLabel: 'Message'}))">Open PAM Chat</button>
"""


@pytest.mark.parametrize(
    ("element", "found"),
    [
        ({"role": "link", "name_matches": "^Ask PAM", "within": "main"}, 1),
        ({"role": "link", "name_matches": "^Ask PAM"}, 2),
        ({"role": "link", "name": "about"}, 2),
        ({"name_matches": "^Note"}, 1),
        ({"label": "note"}, 1),
        ({"selector": "main a"}, 2),
        ({"role": "list", "name": "Messages", "items": "listitem"}, 2),
        ({"role": "button", "name": "Log out"}, 0),
    ],
    ids=repr,
)
def test_an_element_is_found_as_it_is_described(browser: Browser, element: dict[str, str], found: int) -> None:
    """By role, name, label or selector, within a landmark, or its members."""
    page = browser.new_page()
    page.set_content(PAGE)
    try:
        assert located(page, Element.model_validate(element)).count() == found
    finally:
        page.close()


@pytest.mark.parametrize(
    ("script", "asks"),
    [
        ("", True),
        ("setTimeout(() => document.body.innerHTML = '<h1>Welcome back</h1>', 400)", False),
        (
            (
                "const form = document.body.innerHTML; setTimeout(() => document.body.innerHTML = '', 300);"
                "setTimeout(() => document.body.innerHTML = form, 600)"
            ),
            True,
        ),
    ],
    ids=["stays", "passes", "built anew"],
)
def test_a_form_that_passes_asks_nobody_to_sign_in(browser: Browser, script: str, *, asks: bool) -> None:
    """Many sites show it until they have read who is signed in."""
    page = browser.new_page()
    try:
        body = f"<label>Password <input type=password></label><script>{script}</script>"
        page.route("http://pam.test/**", lambda route: route.fulfill(body=body, content_type="text/html"))
        page.goto("http://pam.test/login")
        password = {"password": Element.model_validate({"selector": "input[type=password]"})}
        site = PamSite(page, Site("http://pam.test", PAGES, password, within_s=2))  # type: ignore[arg-type]
        assert site.asks_to_sign_in() is asks
    finally:
        page.close()


BUSY = """<button onclick="for (const end = performance.now() + 2000; performance.now() < end;); window.clicks = (window.clicks ?? 0) + 1">
Add</button>"""


def test_a_click_is_made_once(browser: Browser) -> None:
    """A page that is at work for long when it was clicked on has been clicked on."""
    page = browser.new_page()
    try:
        page.set_content(BUSY)
        click(page.get_by_role("button"), within_s=6)
        assert page.evaluate("() => window.clicks") == 1
    finally:
        page.close()


TOAST = """<h1>Trips</h1><button id=open style="position:fixed;right:10px;bottom:10px">Open</button>
<div id=toast style="position:fixed;right:0;bottom:0;width:200px;height:80px;background:#fff">Unable to load news</div>
<script>
let quiet;
const open = document.getElementById("open");
const goes = () => { quiet = setTimeout(() => toast.remove(), GOES_MS) };
toast.onmouseenter = () => clearTimeout(quiet);
toast.onmouseleave = goes;
if (GOES_MS < 9000) goes();
if (LATE) {
  toast.hidden = true;
  clearTimeout(quiet);
  open.onmouseenter = () => { open.onmouseenter = null; toast.hidden = false };
}
open.onclick = () => document.body.insertAdjacentHTML("beforeend", "<textarea aria-label=Message></textarea>");
</script>"""


@pytest.mark.parametrize(
    ("goes_ms", "late"),
    [(5000, "false"), (600, "true"), (99_000, "false")],
    ids=["passes", "comes with the pointer", "stays"],
)
def test_a_notification_over_a_button_is_waited_for(
    browser: Browser, goes_ms: int, late: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays as long as it is pointed at, so the pointer goes away; one that never goes keeps people from the chat."""
    page = browser.new_page()
    try:
        body = TOAST.replace("GOES_MS", str(goes_ms)).replace("LATE", late)
        page.route("http://pam.test/**", lambda route: route.fulfill(body=body, content_type="text/html"))
        chat = {"open_chat": {"role": "button", "name": "Open"}, "message": {"label": "Message"}}
        described = {name: Element.model_validate(element) for name, element in chat.items()}
        site = PamSite(page, Site("http://pam.test", PAGES, described, within_s=2))  # type: ignore[arg-type]
        if goes_ms < 9000:
            assert site.open_chat() == "Trips"
        else:
            monkeypatch.setattr(driven_page, "_COVERED_S", 3.0)
            with pytest.raises(Stopped, match=r'open the chat: <div id="toast".*> lies over it and does not go away'):
                site.open_chat()
    finally:
        page.close()
