"""PAM's site as a person uses it, found by what a person sees: roles, labels, names. One place for the texts of the site.

What the site does is an observation: a wait that ends without what was hoped for raises ``Stopped`` with a sentence that says where, and
what the page shows instead. A page that is well and has no such element as the contract describes raises ``NotAsDescribed``. Only a
browser that breaks raises Playwright's own error: then nothing is known of the site.
"""

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    BrowserContext,
    Error,
    Locator,
    Page,
    Response,
)
from playwright.sync_api import (
    TimeoutError as PlaywrightTimeoutError,
)

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.outside_text import cut
from pam_rollback.base.strict_json import read_json
from pam_rollback.browser.client import paced
from pam_rollback.browser.client.located import located
from pam_rollback.browser.client.page_signs import SignsOfPage
from pam_rollback.browser.client.pausing import pause
from pam_rollback.browser.client.rendered_page import await_heading, content_of, rendered
from pam_rollback.browser.rules.journeys import Stopped, Unreachable
from pam_rollback.browser.rules.never_found import NotAsDescribed
from pam_rollback.environment.environment_tables import Pages
from pam_rollback.outside.pace import QUESTION, SIGN_IN, spend
from pam_rollback.product.client.pam_api import SignInLimited
from pam_rollback.product.rules.chat_answer import Intent, apology, said_on_socket, shortcoming, shown, telling_part
from pam_rollback.product.rules.front_page import PageContent
from pam_rollback.product.rules.site import Element, ElementName

_LOOK_MS = 1000
_LOOK_AGAIN_MS = 50
_HEADING_GOES_WITHIN_MS = 500
_FORM_PASSES_MS = 1500
"""One that was seen and cannot be read within that has gone with the page before."""
_ANSWERED_LOOKS = 5
"""An answer may be the reason for the next question, and takes a moment to be drawn."""
_SHOWN_CHARACTERS = 160
_UNREACHABLE = re.compile(r"net::ERR_\w+|NS_ERROR_\w+|NS_BINDING_\w+")


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


class PamSite:
    """One tab of the site. Each method is something that a person does, or looks for; all are bounded by ``within_s``."""

    def __init__(
        self,
        page: Page,
        address: str,
        pages: Pages,
        elements: Mapping[ElementName, Element],
        *,
        within_s: float,
        intent: Intent = "named",
        hosts: frozenset[str] = frozenset(),
    ) -> None:
        """``hosts``: by name, those of the product beside the site's own."""
        self.page = paced.counted(page)
        self._signs = SignsOfPage(page, hosts | {urlsplit(address).hostname or ""})
        self._elements = elements
        self._intent = intent
        self._address = address
        self._pages = pages
        self._within_s = within_s
        self._posts: list[Response] = []
        self._limited = False
        self._answers: list[Response | dict[str, Any]] = []
        """What may be PAM's answer: answers to posts, and what was said on a WebSocket."""
        self._listens = False
        page.on("websocket", lambda socket: socket.on("framereceived", self._remember_frame))
        page.set_default_timeout(within_s * 1000)
        page.set_default_navigation_timeout(within_s * 1000)

    # ------------------------------------------------------------ the session

    def sign_in(self, email: str, password: str) -> None:
        """Fill the form in and send it, from wherever the site shows it; opens its page first when it is not there.

        Raises SignInLimited where the service says that there were too many.
        """
        spend(SIGN_IN)
        with self._step("sign in", "the fields for e-mail and password are not there", "email", "password"):
            if self._sign_in_link.count():
                self._sign_in_link.first.click()
            elif not self.is_at(self._pages.login):
                paced.goto(self.page, self._address + self._pages.login, wait_until="domcontentloaded")
            self.find("email").fill(email)
            self.find("password").fill(password)
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
                raise SignInLimited(
                    f"the sign-in is rate limited (HTTP 429): no error of the service ({stop})"
                ) from None
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
            origin=_origin(self.page.url),
            items=items,
            token=token,
            user_id=user_id,
        )

    def sign_out(self) -> bool:
        """Sign out by the button; whether the site shows it."""
        with self._step("sign out", "no button to log out", "log_out"):
            self._sign_out_button.click()
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
        with self._step("load the page with a lost session", "the page does not load"):
            paced.reload(self.page)
        password = self.find("password")
        try:
            password.wait_for()
        except PlaywrightTimeoutError:
            return False
        # A page may show its form until it has read who is signed in, and may build it anew.
        self.page.wait_for_timeout(_FORM_PASSES_MS)
        return password.is_visible()

    # ------------------------------------------------------------ the pages

    def open(self, path: str) -> str:
        """Open a page and wait until it has its heading; gives that."""
        with self._step(f"open {path}", "no page with a heading"):
            paced.goto(self.page, self._address + path, wait_until="domcontentloaded")
            return self.heading()

    def rendered(self, path: str) -> PageContent:
        """Open a page and give what it shows, whatever that is."""
        with self._step(f"open {path}", "it goes on loading"):
            paced.goto(self.page, self._address + path, wait_until="load")
            return rendered(self.page, within_s=self._within_s)

    def reload(self) -> None:
        """Load the page again."""
        with self._step("load the page again", "no page with a heading"):
            paced.reload(self.page)
            self.heading()

    def reach(self, path: str) -> str:
        """Open a page; where its address leads elsewhere, go there by the site's own link. Gives its heading."""
        heading = self.open(path)
        link = self.page.locator(f'a[href="{path}"]:visible')
        if self.is_at(path) or not link.count():
            return heading
        with self._step(f"go to {path}", "no page with a heading"):
            link.first.click()
            self.page.wait_for_url(self._address + path, wait_until="commit")
            return self.heading()

    def heading(self) -> str:
        """The page's heading, once it is there: of the first level, or the first that there is where a page has none of that."""
        end_s = time.monotonic() + self._within_s
        while True:
            try:
                return await_heading(self.page).inner_text(timeout=_HEADING_GOES_WITHIN_MS)
            except PlaywrightTimeoutError:
                if time.monotonic() > end_s:
                    raise

    def follow(self, path: str) -> str:
        """Go to a page by the site's own link, as a person does, or by its address where there is none; gives its heading."""
        link = self.page.get_by_role("navigation").locator(f'a[href="{path}"]')
        if link.count() == 0:
            return self.open(path)
        with self._step(f"go to {path}", "no page with a heading"):
            link.first.click()
            self.page.wait_for_url(self._address + path, wait_until="commit")
            return self.heading()

    # ------------------------------------------------------------ the chat

    def open_chat(self) -> str:
        """Open the chat and wait until it can be written to; gives its heading."""
        if not self.is_at(self._pages.chat):
            self.open(self._pages.chat)
        before = None
        if "open_chat" in self._elements and not self._message.count():
            with self._step("open the chat", "no button that opens it", "open_chat"):
                self.find("open_chat").wait_for()
                before = content_of(self.page)
                self.find("open_chat").click()
        with self._step("open the chat", "no field for a message", "message"):
            self._comes_up("message", "open the chat", before)
            self._takes_words("open the chat")
            return self.heading()

    @property
    def is_enhanced(self) -> bool:
        """The chat shows the new features."""
        return self.page.locator("[data-feature=enhanced-ui]").count() > 0

    def ask(self, question: str | None = None) -> str:
        """Send a message, or the one that stands in the field already, and wait for PAM's answer; gives the answer."""
        with self._step("ask PAM", "no field for a message", "message"):
            if question is None:
                question = self._message.input_value()
            else:
                self._message.fill(question)
            if not question:
                raise Stopped("ask PAM: the field for the message is empty")
        spend(QUESTION)
        with self.listening():
            with self._step("ask PAM", "no field for a message", "message"):
                self._message.press("Enter")
            return self._no_apology(self.answer_to(question), "ask PAM")

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Meanwhile what the service answers is remembered."""
        self._answers.clear()
        self._listens = True
        self.page.on("response", self._remember_answer)
        try:
            yield
        finally:
            self._listens = False
            self.page.remove_listener("response", self._remember_answer)

    def answer_to(self, question: str) -> str:
        """Wait for what PAM says to a message that was sent while this listened; gives it, an apology too."""
        with self._step("ask PAM", "no answer"):
            if not self.lists_messages:
                return self._answer_said()
            # PAM may quote the question: what PAM says is not what was asked.
            asked = self._messages.filter(has_text=question, has_not=self.page.get_by_text("PAM", exact=True)).last
            try:
                return self._answer_after(asked, "ask PAM")
            except PlaywrightTimeoutError:
                self._refuse_when_elsewhere(question, "messages", "ask PAM")
                raise

    @property
    def lists_messages(self) -> bool:
        """What is said in the chat is a list whose entries name who says them; else only what the service answers tells PAM's words."""
        return "messages" in self._elements

    def shows_message(self, text: str) -> bool:
        """Whether the conversation has this text, as soon as it is there; False when the time is up."""
        try:
            self._messages.filter(has_text=text).last.wait_for()
        except PlaywrightTimeoutError:
            return False
        return True

    def _answer_said(self) -> str:
        """What the service answered, once the page shows it."""
        end_s = time.monotonic() + self._within_s
        while (body := self._answered()) is None:
            if time.monotonic() > end_s:
                raise PlaywrightTimeoutError("no answer")
            pause(self.page, _LOOK_AGAIN_MS)
        words = str(body["response"] or "")
        if not words.strip():
            return words
        try:
            self.page.get_by_text(telling_part(words)).first.wait_for()
        except PlaywrightTimeoutError:
            raise Stopped(f"ask PAM: the service answered {shown(words)!r}, and the page does not show it") from None
        return words

    def _answered(self) -> dict[str, Any] | None:
        """The newest answer to a message, of those that were remembered."""
        for response in reversed(self._answers):
            if isinstance(response, dict):
                return response
            try:
                body = response.json()
            except (Error, ValueError):
                continue
            if isinstance(body, dict) and "response" in body:
                return body
        return None

    def _answer_after(self, asked: Locator, what: str) -> str:
        # PAM's entry and not the one that says that PAM is thinking: that one has no author.
        answer = asked.locator("xpath=following-sibling::li").filter(has=self.page.get_by_text("PAM", exact=True)).first
        self._either(answer, what)
        text = answer.inner_text().splitlines()
        words = [line.strip() for line in text if line.strip()]
        if not words:
            raise Stopped(f"{what}: PAM's answer is empty")
        return words[-1]

    # ------------------------------------------------------------ voice

    def offers_voice(self, *, soon: bool) -> bool:
        """Whether there is a button to speak. ``soon``: it is expected, so wait for it; else what the page has once it has its answers."""
        if not soon:
            self._await_answers()
            return self._speak.first.is_visible()
        try:
            self._speak.wait_for()
        except PlaywrightTimeoutError:
            return False
        return True

    def speak(self) -> str:
        """Record a moment of the fake microphone and send it; gives PAM's answer."""
        spend(QUESTION)
        before = self._messages.count()
        with self._step("speak to PAM", "no button to speak"):
            self._speak.click()
        self._answers.clear()  # of voice no contract names an intent: its words are judged
        stop = self.find("stop_speaking")
        with self._step("speak to PAM", "recording did not start"):
            self._either(stop, "speak to PAM")
            self.page.wait_for_timeout(200)  # some sound: an empty recording is refused
            stop.click()
        # What was heard is not known beforehand, so the spoken message is the one that was not there.
        spoken = self._messages.nth(before)
        with self._step("speak to PAM", "no answer"):
            return self._no_apology(self._answer_after(spoken, "speak to PAM"), "speak to PAM")

    # ------------------------------------------------------------ trips, money, settings

    def open_trips(self) -> int:
        """Open the page of trips; how many it offers to plan."""
        self.reach(self._pages.trips)
        with self._step("open the trips", "no trip to plan", "plan_trip"):
            self._either(self._plan_links.first, "open the trips")
        return self._plan_links.count()

    def choose_trip(self) -> None:
        """Take the first trip to PAM."""
        with self._step("choose a trip", "the chat does not open with a message about the trip", "message"):
            before = content_of(self.page)
            self._plan_links.first.click()
            self._comes_up("message", "choose a trip", before)

    def add_expense(self, amount: str, note: str) -> bool:
        """Enter an expense of today and send it; whether the page lists it then."""
        self.reach(self._pages.money)
        with self._step("add an expense", "no form for an expense", "amount", "note"):
            self.find("amount").fill(amount)
            self.find("note").fill(note)
        with self._step("add an expense", "it was not sent", "add_expense"):
            self.find("add_expense").click()
        try:
            self._either(self.find("expenses").filter(has_text=note), "add an expense")
        except PlaywrightTimeoutError:
            self._refuse_when_elsewhere(note, "expenses", "add an expense")
            return False
        return True

    def open_settings(self) -> str:
        """Open the settings; the unit of distances as it is shown."""
        self.reach(self._pages.settings)
        with self._step("open the settings", "no choice of a unit for distances", "distance_unit"):
            self._either(self._unit, "open the settings")
            return self._unit.input_value()

    def other_unit(self) -> str:
        """Choose the other unit of distances and save; gives it."""
        with self._step("change a setting", "no choice of a unit for distances", "distance_unit"):
            shown = self._unit.input_value()
            choices: list[str] = self._unit.locator("option").evaluate_all("all => all.map(one => one.value)")
            wanted = next((choice for choice in choices if choice != shown), "")
            if not wanted:
                raise Stopped(f"change a setting: there is no other unit than {shown!r}")
            self._unit.select_option(wanted)
        with self._step("change a setting", "the page does not say that it was saved", "save"):
            self.find("save").click()
            try:
                self._either(self.find("saved").filter(has_text="Saved"), "change a setting")
            except PlaywrightTimeoutError:
                # Kept, and not said so in the words that the contract describes.
                if not self.find("saved").count() and self.open_settings() == wanted:
                    raise NotAsDescribed(self._changed("change a setting", "saved")) from None
                raise
        return wanted

    # ------------------------------------------------------------ what was served

    def loaded(self) -> None:
        """Wait until all that belongs to the page is there."""
        with self._step("load the page", "it goes on loading"):
            self.page.wait_for_load_state("load")

    def release(self) -> str:
        """The release that the page names itself; empty when it names none."""
        with self._step("read the page's release", "the page cannot be read"):
            meta = self.page.locator('meta[name="pam-release"]')
            return (meta.first.get_attribute("content") or "") if meta.count() else ""

    def worker_is_in_charge(self) -> bool:
        """Whether a service worker answers this page's requests; waits for one that is being installed."""
        return bool(
            self.page.evaluate(
                """async (within_ms) => {
                  if (!("serviceWorker" in navigator)) return false;
                  const late = new Promise((resolve) => setTimeout(resolve, within_ms));
                  const found = await navigator.serviceWorker.getRegistration();
                  if (found === undefined) return false;
                  await Promise.race([navigator.serviceWorker.ready, late]);
                  if (navigator.serviceWorker.controller === null)
                    await Promise.race([late, new Promise((resolve) =>
                      navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }))]);
                  return navigator.serviceWorker.controller !== null;
                }""",
                self._within_s * 1000,
            )
        )

    # ------------------------------------------------------------ how it is found

    def find(self, name: ElementName) -> Locator:
        """By the contract of the product. Raises MeasurementFailed where that does not describe it: nothing is known of it then."""
        if name not in self._elements:
            raise MeasurementFailed(f"the contract of the product describes no {name!r}: see its [elements]")
        return located(self.page, self._elements[name])

    def await_element(self, name: ElementName, what: str) -> Locator:
        """The element, once it can be seen. Raises Stopped, or NotAsDescribed, with what was to be done."""
        with self._step(what, f"no {name}", name):
            self.find(name).first.wait_for()
        return self.find(name).first

    @property
    def _sign_out_button(self) -> Locator:
        return self.find("log_out")

    @property
    def _sign_in_link(self) -> Locator:
        return self.find("log_in")

    @property
    def _message(self) -> Locator:
        return self.find("message")

    @property
    def _messages(self) -> Locator:
        return self.find("messages")

    @property
    def _speak(self) -> Locator:
        return self.find("speak")

    @property
    def _unit(self) -> Locator:
        return self.find("distance_unit")

    @property
    def _plan_links(self) -> Locator:
        return self.find("plan_trip")

    def is_at(self, path: str) -> bool:
        """Whether the tab shows this address."""
        return urlsplit(self.page.url).path.rstrip("/") == path.rstrip("/") and self.page.url.startswith("http")

    # ------------------------------------------------------------ how it is waited for

    @contextmanager
    def _step(self, what: str, missing: str, *works_with: ElementName) -> Iterator[None]:
        """Turn a time-out into a sentence, and a site that cannot be reached into Unreachable.

        Where one of the elements that the step works with was never found on a page that is well, that says nothing of the site.
        """
        try:
            yield
        except PlaywrightTimeoutError:
            because = self._refuse_when_not_as_described(what, works_with)
            seen = f"the page shows: {self._shown()}{because}"
            raise Stopped(f"{what}: {missing} within {self._within_s:g} s; {seen}") from None
        except Error as error:
            found = _UNREACHABLE.search(error.message)
            if found is None:
                raise
            raise Unreachable(f"{what}: {self._address} could not be reached ({found.group()})") from None

    def _either(self, hoped_for: Locator, what: str) -> None:
        """Wait for it; or end at once when the page says that something went wrong."""
        alert = self.page.get_by_role("alert")
        end_s = time.monotonic() + self._within_s
        hoped_for.or_(alert.first).first.wait_for()
        while not hoped_for.first.is_visible():
            words = " ".join(" ".join(alert.all_inner_texts()).split())
            if words:
                raise Stopped(f"{what}: the page says: {cut(words, _SHOWN_CHARACTERS)}")
            if time.monotonic() > end_s:
                hoped_for.first.wait_for(timeout=_LOOK_AGAIN_MS)
            pause(self.page, _LOOK_AGAIN_MS)

    def _await_answers(self) -> None:
        """Wait until nothing that the page needs is asked for any more, or the time of a step is up."""
        end_s, in_a_row = time.monotonic() + self._within_s, 0
        while in_a_row < _ANSWERED_LOOKS and time.monotonic() < end_s:
            pause(self.page, _LOOK_AGAIN_MS)
            in_a_row = 0 if self._signs.waits else in_a_row + 1

    def _signed_in(self) -> None:
        """Wait for the button that ends a session."""
        try:
            self._either(self._sign_out_button, "sign in")
        except PlaywrightTimeoutError:
            # The service gave a token and the form is gone: only the button that the contract describes is missing.
            if self._token()[0] and not self.find("password").count():
                self._refuse_when_not_as_described("sign in", ("log_out",))
            raise

    def _comes_up(self, name: ElementName, what: str, before: PageContent | None) -> None:
        """Wait for it. ``before``: the page when something was pressed; a press that changes nothing is no other page, but a broken one."""
        try:
            self.find(name).wait_for()
        except PlaywrightTimeoutError:
            if content_of(self.page) == before:
                pressed = f"the press changed nothing within {self._within_s:g} s"
                raise Stopped(f"{what}: {pressed}; the page shows: {self._shown()}") from None
            raise

    def _takes_words(self, what: str) -> None:
        """Wait until the field for a message can be written to: some chats have to be connected first."""
        end_s = time.monotonic() + self._within_s
        while not self._message.first.is_enabled():
            if time.monotonic() > end_s:
                shown = self._shown()
                raise Stopped(
                    f"{what}: the field for a message stays disabled for {self._within_s:g} s; the page shows: {shown}"
                )
            pause(self.page, _LOOK_AGAIN_MS)

    def _refuse_when_not_as_described(self, what: str, works_with: Iterable[ElementName]) -> str:
        """Raises NotAsDescribed where the page is well and one of them is not on it; else what is wrong with the page, where known."""
        try:
            lost = next((name for name in works_with if not self.find(name).first.is_visible()), None)
            if lost is None:
                return ""
            hidden = located(self.page, self._elements[lost], hidden_too=True).count() > 0
            broken = self._signs.seen(hidden=hidden).broken
        except Error:  # it goes elsewhere at this very moment
            return ""
        if not broken:
            raise NotAsDescribed(self._changed(what, lost))
        return f" ({broken})"

    def _refuse_when_elsewhere(self, text: str, name: ElementName, what: str) -> None:
        """Raises NotAsDescribed where the page shows this text, and not where the contract says that it would be."""
        if not self.find(name).filter(has_text=text).count() and self.page.get_by_text(text).first.is_visible():
            raise NotAsDescribed(self._changed(what, name))

    def _changed(self, what: str, name: ElementName) -> str:
        described = self._elements[name].model_dump(exclude_none=True)
        words = ", ".join(f'{key} = "{value}"' for key, value in described.items())
        where = urlsplit(self.page.url).path
        return (
            f"{what}: {name} ({words}) was never found on {where}, which is well otherwise: the page has changed, or the contract; "
            f"the page shows: {self._shown()}"
        )

    def _shown(self) -> str:
        """The start of what a person sees, on one line."""
        try:
            alert = self.page.get_by_role("alert")
            main = self.page.get_by_role("main")
            what = alert.first if alert.count() else main.first if main.count() else self.page.locator("body")
            words = " ".join(what.inner_text(timeout=_LOOK_MS).split())
        except Error:
            return "nothing that can be read"
        return cut(words, _SHOWN_CHARACTERS) or "an empty page"

    def _remember(self, response: Response) -> None:
        if response.request.method != "POST":
            return
        if response.ok:
            self._posts.append(response)
        elif response.status == HTTPStatus.TOO_MANY_REQUESTS and self._signs.is_ours(response.request):
            self._limited = True

    def _remember_answer(self, response: Response) -> None:
        if response.request.method == "POST" and response.ok:
            self._answers.append(response)

    def _remember_frame(self, frame: str | bytes) -> None:
        if self._listens and (said := said_on_socket(frame)) is not None:
            self._answers.append(said)

    def _no_apology(self, words: str, what: str) -> str:
        """The answer, when it is one; by what the service sent where that was seen, else by its words. Raises Stopped."""
        body = self._answered()
        if body is not None:
            wrong = shortcoming(body, self._intent)
        else:
            wrong = apology(words) and f"an apology instead of an answer: {shown(words)!r}"
        if wrong:
            raise Stopped(f"{what}: {wrong}")
        return words

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


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
