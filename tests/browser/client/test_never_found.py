"""An element that the contract describes and no page has: unknown on a page that is well, broken on one that is not."""

import pytest
from playwright.sync_api import Browser

from pam_rollback.browser.journeys import NotAsDescribed, Stopped
from pam_rollback.browser.pam_site import PamSite
from pam_rollback.browser.site import Site
from pam_rollback.target.contract import Element
from tests.contracts import PAGES

SITE = "http://pam.test"
HEAD = "<title>Wheels</title><nav><a href='/'>Home</a></nav><main><h1>PAM</h1><p>Trips and budgets</p>"
FIELD = "<label>Write here<textarea></textarea></label>"
ELEMENTS = {
    "open_chat": Element(role="button", name="Open PAM Chat"),
    "message": Element(role="textbox", name="Your message"),
    "messages": Element(role="list", name="Messages", items="listitem"),
    "amount": Element(label="Amount"),
    "note": Element(label="Note"),
    "add_expense": Element(role="button", name="Add"),
    "expenses": Element(role="row"),
}
OPENS = "<button onclick=\"this.outerHTML = '<label>Write here<textarea></textarea></label>'\">Open PAM Chat</button>"


def _chat(browser: Browser, body: str, *elements: str, status: int = 200) -> None:
    page = browser.new_page()
    page.route(f"{SITE}/**", lambda route: route.fulfill(body=body, content_type="text/html"))
    page.route(f"{SITE}/api", lambda route: route.fulfill(status=status, body="{}"))
    described = {name: ELEMENTS[name] for name in elements}
    try:
        PamSite(page, Site(SITE, PAGES, described, within_s=0.5)).open_chat()  # type: ignore[arg-type]
    finally:
        page.close()


@pytest.mark.parametrize(
    ("body", "elements"),
    [
        (HEAD + FIELD, ["message"]),
        (HEAD + FIELD, ["open_chat"]),
        (HEAD + OPENS, [*ELEMENTS]),
        (f"{HEAD}{FIELD}<img src=/api alt=x>", ["message"]),
    ],
)
def test_on_a_page_that_is_well_nothing_is_known(browser: Browser, body: str, elements: list[str]) -> None:
    """The page has changed, or the contract; the sentence has what was looked for, where, and what is there instead."""
    with pytest.raises(
        NotAsDescribed, match=r"was never found on /pam, .*the page has changed, or the contract; .*Trips"
    ):
        _chat(browser, body, *dict.fromkeys((*elements, "message")), status=500)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<title>Wheels</title><main><h1>Oops! Something went wrong</h1><button>Again</button>", "an error screen"),
        ("<title>Wheels</title><main><h1>PAM, your assistant</h1>", "it has no link, no button and no field"),
        (f"{HEAD}{FIELD}<script>nothing.there()</script>", "script error: nothing is not defined"),
        (f"{HEAD}{FIELD}<script>fetch('/api')</script>", "HTTP 500: GET http://pam.test/api"),
        (f"{HEAD}<label hidden>Your message<textarea></textarea></label>", "it is in the page, and cannot be seen"),
    ],
)
def test_a_broken_page_is_broken(browser: Browser, body: str, words: str) -> None:
    """No page that fails is excused by a contract that may be old."""
    with pytest.raises(Stopped, match="open the chat: no field for a message within") as stopped:
        _chat(browser, body, "message", status=500)

    assert words in str(stopped.value)


@pytest.mark.parametrize(
    ("listed", "known"), [("<div>NOTE</div>", False), ("", True), ("<tr><td>NOTE</td></tr>", True)]
)
def test_what_is_listed_elsewhere_is_not_missing(browser: Browser, listed: str, *, known: bool) -> None:
    """An expense that the page shows outside the rows of the contract is no lost one."""
    form = "<label>Amount<input></label><label>Note<input></label>"
    adds = listed.replace("NOTE", "lunch 77")
    button = f'<button onclick="document.querySelector(`table`).innerHTML = `{adds}`">Add</button>'
    button = button if listed.startswith("<tr") else button.replace("`table`", "`section`")
    page = browser.new_page()
    body = f"{HEAD}{form}{button}<section></section><table></table>"
    page.route(f"{SITE}/**", lambda route: route.fulfill(body=body, content_type="text/html"))
    site = PamSite(page, Site(SITE, PAGES, ELEMENTS, within_s=0.5))  # type: ignore[arg-type]
    try:
        if not known:
            with pytest.raises(NotAsDescribed, match="expenses"):
                site.add_expense("12.34", "lunch 77")
        else:
            assert (site.add_expense("12.34", "lunch 77") is not None) == bool(listed)
    finally:
        page.close()
