"""People who visit the sandbox's site with a real browser, for the tests of the site."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Playwright,
    ViewportSize,
    expect,
    sync_playwright,
)

from pam_rollback.browser.browser import launch_arguments
from tests.sandbox.answer import asked
from tests.sandbox.found_range import RunningSandbox

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
WITHIN_MS = 10_000
FEATURES = ("PAM_ENHANCED_UI", "PAM_VOICE_FEATURES", "PAM_PERFORMANCE_OPTIMIZATIONS")
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",  # root cannot use Chromium's own sandbox
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


def switch(site: RunningSandbox, *names: str, on: bool) -> None:
    """Switch features for everybody."""
    change = {name: {"enabled": on, "rolloutPercentage": 100} for name in names}
    headers = {"Authorization": f"Bearer {site.variables['PAM_ADMIN_TOKEN']}"}
    answer = asked(f"{site.state['urls']['api']}/admin/feature-flags", "POST", change, headers)
    assert answer.status == HTTPStatus.OK, answer


@dataclass
class Visit:
    """A page in a browser, and what it did beyond what it shows."""

    page: Page
    site: RunningSandbox
    complaints: list[str] = field(default_factory=list)
    """What the browser's console calls an error or a warning, and uncaught exceptions."""

    def __post_init__(self) -> None:
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def address(self, path: str) -> str:
        """Of the site."""
        return str(self.site.state["urls"]["frontend"]) + path

    def open(self, path: str) -> None:
        """Load the site at `path` and wait until its view is there."""
        self.page.goto(self.address(path))
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()

    def sign_in(self, then: str = "") -> None:
        """Log in by the form, wait for the chat, and go on to `then`."""
        self.open("/login")
        self.log_in()
        expect(self.page.get_by_role("button", name="Log out")).to_be_visible()
        expect(self.page.get_by_label("Your message to PAM")).to_be_visible()
        if then:
            self.open(then)

    def log_in(self) -> None:
        """Fill the form that is there, and send it."""
        self.page.locator("input[type=email]").fill(self.site.variables["TEST_USER_EMAIL"])
        self.page.locator("input[type=password]").fill(self.site.variables["TEST_USER_PASSWORD"])
        self.page.keyboard.press("Enter")

    def settle(self) -> None:
        """Wait until the page has nothing more to ask for."""
        self.page.wait_for_load_state("networkidle")


@pytest.fixture
def site(found: RunningSandbox) -> RunningSandbox:
    """Give the running sandbox with every feature on."""
    switch(found, *FEATURES, on=True)
    return found


@pytest.fixture(scope="module")
def browser_maker() -> Iterator[Playwright]:
    """Give what starts browsers."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=WITHIN_MS)
        yield playwright


@pytest.fixture(scope="module")
def chromium(browser_maker: Playwright) -> Iterator[Browser]:
    """Start a Chromium whose microphone hums by itself."""
    kind = browser_maker.chromium
    found = launch_arguments("chromium", own=Path(kind.executable_path))
    browser = kind.launch(**{**found, "args": [*found.get("args", ()), *CHROMIUM_ARGUMENTS]})
    yield browser
    browser.close()


@pytest.fixture
def visit(chromium: Browser, site: RunningSandbox) -> Iterator[Visit]:
    """Open a desktop browser for somebody who has not been here before."""
    context = chromium.new_context(viewport=DESKTOP)
    yield Visit(context.new_page(), site)
    context.close()
