"""What a tab shows of its page's health, from the moment on at which the page was opened."""

from http import HTTPStatus
from urllib.parse import urlsplit

from playwright.sync_api import Error, Page, Request, Response

from pam_rollback.base.outside_text import cut
from pam_rollback.browser.never_found import PageSigns
from pam_rollback.browser.rendered_page import content_of

_GIVEN_UP = ("ERR_ABORTED", "NS_BINDING_ABORTED", "NS_ERROR_ABORT")
"""What a request that the page or the browser itself gave up looks like: nobody failed."""
_NEEDED = frozenset({"document", "script", "stylesheet", "fetch", "xhr"})
"""What a page cannot do without. A picture or a font that is missing breaks none."""
_SHOWN_CHARACTERS = 120


class SignsOfPage:
    """Listens to one tab. What third parties answer is not the page's doing: only requests to the product's hosts count."""

    def __init__(self, page: Page, hosts: frozenset[str]) -> None:
        self._page = page
        self._hosts = hosts
        self._failed: list[str] = []
        self._under_way: dict[Request, None] = {}
        page.on("request", self._asked)
        page.on("response", self._answered)
        page.on("requestfinished", lambda request: self._under_way.pop(request, None))
        page.on("requestfailed", self._gave_up)
        page.on("pageerror", self._broke)

    def seen(self, *, hidden: bool) -> PageSigns:
        """The page as it is now. Raises Playwright's error when it cannot be read."""
        return PageSigns(
            content_of(self._page), hidden, tuple(self._failed), tuple(_named(request) for request in self._open)
        )

    @property
    def under_way(self) -> tuple[Request, ...]:
        """What was asked for and has not been answered."""
        return tuple(self._under_way)

    @property
    def _open(self) -> list[Request]:
        return [request for request in self._under_way if self.is_ours(request)]

    @property
    def waits(self) -> bool:
        """One of its own requests has no answer yet."""
        return bool(self._open)

    def forget(self) -> None:
        """What failed so far was not the page's fault."""
        self._failed.clear()

    def _asked(self, request: Request) -> None:
        if request.is_navigation_request() and request.frame == self._page.main_frame:
            self.forget()
            self._under_way.clear()
        self._under_way[request] = None

    def _answered(self, response: Response) -> None:
        if self.is_ours(response.request) and response.status >= HTTPStatus.BAD_REQUEST:
            self._failed.append(f"HTTP {response.status}: {_named(response.request)}")

    def _gave_up(self, request: Request) -> None:
        self._under_way.pop(request, None)
        why = request.failure or "no reason given"
        if self.is_ours(request) and not any(word in why for word in _GIVEN_UP):
            self._failed.append(f"failed request: {_named(request)} ({why})")

    def _broke(self, error: Error) -> None:
        self._failed.append(f"script error: {cut(' '.join(error.message.split()), _SHOWN_CHARACTERS)}")

    def is_ours(self, request: Request) -> bool:
        """The page needs it, and the product answers it."""
        return request.resource_type in _NEEDED and urlsplit(request.url).hostname in self._hosts


def _named(request: Request) -> str:
    parts = urlsplit(request.url)
    return f"{request.method} {parts.scheme}://{parts.netloc}{parts.path}"
