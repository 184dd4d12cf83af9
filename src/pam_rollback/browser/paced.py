"""A page of the site asks the product itself: it is opened only when there is room for that, and what it asked is counted."""

from playwright.sync_api import Page, Request

from pam_rollback.outside import pace


def counted(page: Page) -> Page:
    """Count what the page asks for; gives it back."""
    if pace.is_held():
        page.on("request", _asked)
    return page


def goto(page: Page, url: str, **given: str) -> None:
    """Open a page when it may be."""
    pace.before_page()
    page.goto(url, **given)  # type: ignore[arg-type]  # wait_until, passed on


def reload(page: Page) -> None:
    """Load it again when it may be."""
    pace.before_page()
    page.reload(wait_until="domcontentloaded")


def _asked(request: Request) -> None:
    headers = request.headers
    pace.saw_request(request.url, headers.get("authorization", ""), headers.get("user-agent", ""))
