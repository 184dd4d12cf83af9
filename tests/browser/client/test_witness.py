"""What a browser notices behind the pages, and what a journey does to itself."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, sync_playwright

from pam_rollback.browser.client.browser import launch_arguments
from pam_rollback.browser.client.witness import Witness

PAGE = """<h1>Trips</h1><script>
console.error("the profile could not be read from 'http://pam.test/profile?apikey=secret&v=1'");
fetch("/api/401"); fetch("/api/403"); fetch("/api/500");
setTimeout(() => { throw new Error("nothing to show") }, 0);
</script>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(**launch_arguments("chromium", own=Path()))


def answer(route: Route) -> None:
    """A status by the path, and the page."""
    status = route.request.url.rpartition("/")[2]
    if status.isdigit():
        route.fulfill(status=int(status), body="{}")
    else:
        route.fulfill(body=PAGE, content_type="text/html")


def noticed(browser: Browser, *, refused: bool) -> set[str]:
    """The complaints about that page."""
    context = browser.new_context()
    try:
        context.route("http://pam.test/**", answer)
        witness = Witness(frozenset({"pam.test"}))
        witness.watch(context)
        page = context.new_page()
        with witness.expecting_refusals() if refused else nullcontext():
            page.goto("http://pam.test/")
            assert witness.quiet(page, within_s=5)
        witness.look_away(context)
        return set(witness.complaints)
    finally:
        context.close()


def test_everything_that_fails_is_noticed(browser: Browser) -> None:
    """Whether anybody sees it or not."""
    assert noticed(browser, refused=False) == {
        "console error: the profile could not be read from 'http://pam.test/profile'",
        "HTTP 401: GET http://pam.test/api/401",
        "HTTP 403: GET http://pam.test/api/403",
        "HTTP 500: GET http://pam.test/api/500",
        "script error: nothing to show",
    }


def test_with_a_session_that_nobody_knows_only_what_breaks_counts(browser: Browser) -> None:
    """The journey made it so itself: the service has to refuse, and pages write that to the console."""
    assert noticed(browser, refused=True) == {
        "HTTP 500: GET http://pam.test/api/500",
        "script error: nothing to show",
    }
