"""What a browser notices behind the pages, and what a journey does to itself."""

from contextlib import nullcontext

import pytest
from playwright.sync_api import Browser, Route

from pam_rollback.browser.journeys import Noticed
from pam_rollback.browser.witness import Witness

PAGE = """<h1>Trips</h1><script>
console.error("the profile could not be read from 'http://pam.test/profile?apikey=secret&v=1'");
fetch("/api/401"); fetch("/api/403"); fetch("/api/500");
setTimeout(() => { throw new Error("nothing to show") }, 0);
</script>"""


def answer(route: Route, page_text: str) -> None:
    """A status by the path, and the page."""
    status = route.request.url.rpartition("/")[2]
    if status.isdigit():
        route.fulfill(status=int(status), body="{}")
    else:
        route.fulfill(body=page_text, content_type="text/html")


def noticed(browser: Browser, *, refused: bool = False, page_text: str = PAGE) -> set[str]:
    """The complaints about a page."""
    context = browser.new_context()
    try:
        context.route("http://pam.test/**", lambda route: answer(route, page_text))
        page, found = context.new_page(), Noticed()
        witness = Witness(page, frozenset({"pam.test"}), found)
        with found.expecting_refusals() if refused else nullcontext():
            page.goto("http://pam.test/")
            assert witness.quiet(within_s=5)
        witness.look_away()
        return set(found.complaints)
    finally:
        context.close()


def test_everything_that_fails_is_noticed(browser: Browser) -> None:
    """Whether anybody sees it or not."""
    assert noticed(browser) == {
        "console error: the profile could not be read from 'http://pam.test/profile'",
        "HTTP 401: GET http://pam.test/api/401",
        "HTTP 403: GET http://pam.test/api/403",
        "HTTP 500: GET http://pam.test/api/500",
        "script error: nothing to show",
    }


def test_a_picture_that_is_the_page_again_is_lost(browser: Browser) -> None:
    """A host of single-page sites answers what it does not have with 200 and the page; a picture of its own is none."""
    found = noticed(
        browser, page_text='<h1>Trips</h1><img src="/photo.gif"><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'
    )

    assert found == {"no image but a page of HTML: http://pam.test/photo.gif"}


@pytest.mark.parametrize(
    ("leaves", "found"), [("location = '/next'", 0), ("document.body.append(frame)", 1)], ids=["page", "frame"]
)
def test_what_fails_because_its_page_was_left_is_nobodys_fault(browser: Browser, leaves: str, found: int) -> None:
    """Whatever the browser calls it; a frame that is opened leaves no page."""
    context = browser.new_context()
    held: list[Route] = []

    def next_page(route: Route) -> None:
        held.pop().abort("failed")
        route.fulfill(body="<h1>Next</h1>", content_type="text/html")

    page_text = f"""<h1>Trips</h1><script>fetch("/api/500").catch(() => 0);
    const frame = document.createElement("iframe"); frame.src = "/next";
    setTimeout(() => {{ {leaves} }}, 100)</script>"""
    try:
        context.route("http://pam.test/**", lambda route: answer(route, page_text))
        context.route("http://pam.test/api/500", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks its handlers
        context.route("http://pam.test/next", next_page)
        page, noticed = context.new_page(), Noticed()
        witness = Witness(page, frozenset({"pam.test"}), noticed)
        page.goto("http://pam.test/")
        page.frame_locator("iframe").locator("h1").wait_for() if found else page.wait_for_url("**/next")
        assert witness.quiet(within_s=5)
        assert len(noticed.complaints) == found, noticed.complaints
    finally:
        context.close()
