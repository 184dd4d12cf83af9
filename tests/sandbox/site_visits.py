"""People who visit the sandbox's site with a real browser, for the tests of the site."""

import json
import tomllib
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    Request,
    Response,
    ViewportSize,
    expect,
    sync_playwright,
)

from pam_rollback.browser.browser import launch_arguments
from pam_rollback.sandbox.launch import launch
from pam_rollback.sandbox.remote import Remote

MESSAGE_FIELD = "Your message to PAM"
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
ANSWER_WITHIN_S = 30
WITHIN_MS = 10_000
FEATURES = ("PAM_ENHANCED_UI", "PAM_VOICE_FEATURES", "PAM_PERFORMANCE_OPTIMIZATIONS")
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",  # root cannot use Chromium's own sandbox
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


@dataclass(frozen=True)
class RunningSandbox:
    """A running sandbox, as its environment file describes it."""

    frontend: str
    api: str
    control: Remote
    admin_token: str
    email: str
    password: str

    def call(self, method: str, url: str, token: str | None = None, body: object = None) -> Any:
        """Send JSON and give the JSON of the answer, or None when it has no body."""
        request = urllib.request.Request(
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=ANSWER_WITHIN_S) as response:
            text = response.read()
        return json.loads(text) if text else None

    def switch(self, *names: str, on: bool) -> None:
        """Switch features for everybody."""
        change = {"enabled": on, "rolloutPercentage": 100}
        self.call("POST", f"{self.api}/admin/feature-flags", self.admin_token, dict.fromkeys(names, change))


@dataclass
class Visit:
    """A page in a browser, and what it did beyond what it shows."""

    page: Page
    site: RunningSandbox
    complaints: list[str] = field(default_factory=list)
    """What the browser's console calls an error or a warning, and uncaught exceptions."""
    hosts: set[str | None] = field(default_factory=set)
    """Where the page sent requests to."""
    failures: list[str] = field(default_factory=list)
    """Requests of the page that failed on the network or were answered with an error status."""

    def __post_init__(self) -> None:
        self.page.on("console", self._note_console)
        self.page.on("pageerror", self._note_exception)
        self.page.on("request", self._note_request)
        self.page.on("requestfailed", lambda request: self.failures.append(f"{request.failure} {request.url}"))
        self.page.on("response", self._note_response)

    def _note_response(self, response: Response) -> None:
        if response.status >= HTTPStatus.BAD_REQUEST:
            self.failures.append(f"{response.status} {response.url}")

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _note_exception(self, error: Error) -> None:
        self.complaints.append(f"uncaught: {error}")

    def _note_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data":
            self.hosts.add(parts.hostname)

    def open(self, path: str) -> None:
        """Load the site at `path` and wait until its view is there."""
        self.page.goto(self.site.frontend + path)
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()

    def sign_in(self, then: str | None = None, *, field: str = MESSAGE_FIELD) -> None:
        """Log in by the form, wait for the chat with its field, and go on to `then`."""
        self.open("/login")
        self.page.locator("input[type=email]").fill(self.site.email)
        self.page.locator("input[type=password]").fill(self.site.password)
        self.page.get_by_role("main").get_by_role("button", name="Log in").click()
        expect(self.page.get_by_role("button", name="Log out")).to_be_visible()
        expect(self.page.get_by_label(field)).to_be_visible()
        if then is not None:
            self.open(then)

    def settle(self) -> None:
        """Wait until the page has nothing more to ask for."""
        self.page.wait_for_load_state("networkidle")

    @property
    def release(self) -> str | None:
        """The release that the page in the browser was built for."""
        return self.page.locator("meta[name=pam-release]").get_attribute("content")

    def say(self, message: str) -> None:
        """Send PAM a message."""
        self.page.get_by_label(MESSAGE_FIELD).fill(message)
        self.page.get_by_role("button", name="Send", exact=True).click()


@pytest.fixture(scope="module")
def site_range(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """Run a sandbox of its own for this file."""
    state_file = tmp_path_factory.mktemp("range") / "environment.toml"
    with launch(state_file):
        yield _described_by(state_file)


def _described_by(state_file: Path) -> RunningSandbox:
    facts = tomllib.loads(state_file.read_text())
    variables = facts["sandbox"]["variables"]
    return RunningSandbox(
        frontend=facts["urls"]["frontend"],
        api=facts["urls"]["api"],
        control=Remote(facts["sandbox"]["control_url"], facts["sandbox"]["token"]),
        admin_token=variables["PAM_ADMIN_TOKEN"],
        email=variables["TEST_USER_EMAIL"],
        password=variables["TEST_USER_PASSWORD"],
    )


@pytest.fixture
def site(site_range: RunningSandbox) -> Iterator[RunningSandbox]:
    """Give the running sandbox with the newest release, every feature on and nothing broken."""
    site_range.control.clear_all()
    site_range.control.go_live("candidate")
    site_range.switch(*FEATURES, on=True)
    yield site_range
    site_range.control.clear_all()


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


@pytest.fixture(scope="module")
def firefox(browser_maker: Playwright) -> Iterator[Browser]:
    """Start this machine's Firefox."""
    kind = browser_maker.firefox
    browser = kind.launch(**launch_arguments("firefox", own=Path(kind.executable_path)))
    yield browser
    browser.close()


@pytest.fixture
def visit(chromium: Browser, site: RunningSandbox) -> Iterator[Visit]:
    """Open a desktop browser for somebody who has not been here before."""
    context = chromium.new_context(viewport=DESKTOP)
    yield Visit(context.new_page(), site)
    context.close()
