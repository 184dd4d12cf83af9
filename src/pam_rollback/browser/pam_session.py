"""Signing in and out of PAM's site as a person does, and a session that is kept, restored or lost."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from playwright.sync_api import BrowserContext, Error, Locator, Page, Response
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from pam_rollback.base.answer import limited, read_json
from pam_rollback.browser import paced
from pam_rollback.browser.clicking import click
from pam_rollback.browser.journeys import Stopped
from pam_rollback.browser.pam_page import PamPage
from pam_rollback.browser.served_files import origin
from pam_rollback.environment.environment_tables import Pages
from pam_rollback.product.pam_api import SignInLimited
from pam_rollback.product.site import Element, ElementName

_FORM_PASSES_MS = 1500

# What a restored session needs beyond cookies and local storage, which Playwright restores itself. Once for each tab: a journey may end it.
_RESTORE = """(([origin, items]) => {
  const done = "pam-rollback.restored";
  if (location.origin !== origin || sessionStorage.getItem(done) !== null) return;
  for (const [name, value] of Object.entries(items)) sessionStorage.setItem(name, value);
  sessionStorage.setItem(done, "yes");
})(%s)"""

_FORGET = """([token, other]) => {
  for (const store of [sessionStorage, localStorage])
    for (const name of Object.keys(store)) store.setItem(name, store.getItem(name).replaceAll(token, other));
}"""


@dataclass(frozen=True)
class Session:
    """A signed-in person's session, to be restored in another tab or window."""

    state: Any
    """Cookies and local storage, as Playwright keeps them."""
    origin: str
    items: Mapping[str, str] = field(repr=False)
    """What the tab itself kept."""
    token: str = field(repr=False)
    user_id: str

    def restore(self, context: BrowserContext) -> None:
        """Every new tab of the context has the session. The context must have been made with ``state``."""
        if self.items:
            context.add_init_script(_RESTORE % json.dumps([self.origin, dict(self.items)]))


class SignedInPage(PamPage):
    """A tab in which somebody signs in and out."""

    def __init__(
        self,
        page: Page,
        address: str,
        pages: Pages,
        elements: Mapping[ElementName, Element],
        *,
        within_s: float,
        hosts: frozenset[str] = frozenset(),
    ) -> None:
        """``hosts``: by name, those of the product beside the site's own."""
        super().__init__(page, address, pages, elements, within_s=within_s, hosts=hosts)
        self._posts: list[Response] = []
        self._limited = False

    def sign_in(self, email: str, password: str) -> None:
        """Fill the form in and send it, from wherever the site shows it; opens its page first when it is not there.

        Raises SignInLimited where the service says that there were too many.
        """

        def fill_in() -> None:
            if self._sign_in_link.count():
                click(self._sign_in_link.first, within_s=self._within_s)
            elif not self.is_at(self._pages.login):
                self._goto(self._pages.login, wait_until="domcontentloaded")
            self.find("email").fill(email)
            self.find("password").fill(password)

        missing = "the fields for e-mail and password are not there"
        self._load("sign in", missing, fill_in, "email", "password")
        self._posts.clear()
        self._limited = False
        self.page.on("response", self._remember)
        try:
            with self._step("sign in", "still not signed in"):
                self.find("password").press("Enter")
                self._signed_in()
                self._signs.forget()  # a session that was lost had its requests refused
        except Stopped as stop:
            if self._limited:
                raise SignInLimited(f"{limited()}: no error of the service ({stop})") from None
            raise
        finally:
            self.page.remove_listener("response", self._remember)

    def session(self) -> Session:
        """The session as this tab keeps it. Raises Stopped when the site has none that could be restored."""
        token, user_id = self._token()
        if not token:
            raise Stopped("sign in: the page looks signed in, but no answer to its requests had an access token")
        items: dict[str, str] = self.page.evaluate("() => ({...sessionStorage})")
        return Session(
            state=self.page.context.storage_state(),
            origin=origin(self.page.url),
            items=items,
            token=token,
            user_id=user_id,
        )

    def sign_out(self) -> bool:
        """Sign out by the button; whether the site shows it."""
        with self._step("sign out", "no button to log out", "log_out"):
            click(self._sign_out_button, within_s=self._within_s)
        with self._step("sign out", "the site still looks signed in"):
            self._sign_out_button.wait_for(state="hidden")
        try:
            # The button may have another word while it is at work.
            self._sign_in_link.first.wait_for()
        except PlaywrightTimeoutError:
            return False
        return True

    def lose_session(self, session: Session) -> None:
        """Keep a token that the service does not know: what a browser has after the service has forgotten its sessions."""
        other = session.token[:-8][::-1] + session.token[-8:]
        self.page.evaluate(_FORGET, [session.token, other])

    def asks_to_sign_in(self) -> bool:
        """Load the page again; whether the site asks for e-mail and password instead of showing a page that cannot work."""
        self._load("load the page with a lost session", "the page does not load", lambda: paced.reload(self.page))
        password = self.find("password")
        try:
            password.wait_for()
        except PlaywrightTimeoutError:
            return False
        # A page may show its form until it has read who is signed in, and may build it anew.
        self.page.wait_for_timeout(_FORM_PASSES_MS)
        return password.is_visible()

    @property
    def _sign_out_button(self) -> Locator:
        return self.find("log_out")

    @property
    def _sign_in_link(self) -> Locator:
        return self.find("log_in")

    def _signed_in(self) -> None:
        """Wait for the button that ends a session."""
        try:
            self._either(self._sign_out_button, "sign in")
        except PlaywrightTimeoutError:
            # The service gave a token and the form is gone: only the button that the contract describes is missing.
            if self._token()[0] and not self.find("password").count():
                self._refuse_when_not_as_described("sign in", ("log_out",))
            raise

    def _remember(self, response: Response) -> None:
        if response.request.method != "POST":
            return
        if response.ok:
            self._posts.append(response)
        elif response.status == HTTPStatus.TOO_MANY_REQUESTS and self._signs.is_ours(response.request):
            self._limited = True

    def _token(self) -> tuple[str, str]:
        """The access token and the user's id, as the answer to the sign-in gave them."""
        for response in reversed(self._posts):
            try:
                body = read_json(response.body())
                token = str(body["access_token"])
            except (Error, ValueError, KeyError, TypeError):
                continue
            user = body.get("user")
            return token, str(user.get("id", "")) if isinstance(user, dict) else ""
        return "", ""
