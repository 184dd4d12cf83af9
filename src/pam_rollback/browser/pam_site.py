"""PAM's site as a person uses it: signing in and out, the chat, trips, money and settings. One place for the texts of the site.

A session can be kept, restored in another window, and lost.
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import BrowserContext, Error, Locator
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from pam_rollback.browser.driven_page import click, content_of, is_painted, pause
from pam_rollback.browser.journeys import NotAsDescribed, Stopped, Unreachable
from pam_rollback.browser.pam_page import PamPage
from pam_rollback.browser.witness import origin_of
from pam_rollback.core.answer import limited, read_json
from pam_rollback.target.chat_answer import apology, shortcoming, shown, telling_part
from pam_rollback.target.pam_api import SignInLimited

_LOOK_AGAIN_MS = 50
_ANSWERED_LOOKS = 5
"""An answer may be the reason for the next question, and takes a moment to be drawn."""
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
_PAINTED_AGAIN_MS: Final = 100
_TEXT_AND_FIELDS: Final = """() => {
  const main = document.querySelector("main, [role=main]") ?? document.body;
  return [main.innerText, ...[...main.querySelectorAll("input")].map((field) => field.value)].join("\\n");
}"""
_ADDRESS: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_OF_THE_SITE: Final = re.compile(r"(?:support|help|info|contact|hello|privacy|feedback|team|noreply|no-reply)@")
"""Addresses that a site gives on its own account."""


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


class PamSite(PamPage):
    """One tab of the site. Each method is something that a person does, or looks for."""

    # ------------------------------------------------------------ the session

    def sign_in(self) -> None:
        """Sign in as the site's visitor. Raises Stopped, or what that says where the service allows no more sign-ins."""
        try:
            self._sign_in()
        except Unreachable:
            raise  # known at once, and whether we are the ones who are offline is asked anew
        except Stopped as stop:
            raise self.site.why_not_signed_in(stop) from None

    def _sign_in(self) -> None:
        """Fill the form in and send it, from wherever the site shows it; opens its page first when it is not there."""

        def fill_in() -> None:
            if self.find("log_in").count():
                click(self.find("log_in").first, within_s=self.site.within_s)
            elif not self.is_at(self.site.pages.login):
                self.go(self.site.pages.login, wait_until="domcontentloaded")
            self.find("email").fill(self.site.email)
            self.find("password").fill(self.site.password)

        missing = "the fields for e-mail and password are not there"
        self._load("sign in", missing, fill_in, "email", "password")
        try:
            with self.witness.listening(), self._step("sign in", "still not signed in"):
                self.find("password").press("Enter")
                self._signed_in()
                self.witness.forget_failures()  # a session that was lost had its requests refused
        except Stopped as stop:
            if self.witness.met_limit:
                raise SignInLimited(f"{limited()}: no error of the service ({stop})") from None
            raise

    def session(self) -> Session:
        """The session as this tab keeps it. Raises Stopped when the site has none that could be restored."""
        token, user_id = self._token()
        if not token:
            raise Stopped("sign in: the page looks signed in, but no answer to its requests had an access token")
        items: dict[str, str] = self.page.evaluate("() => ({...sessionStorage})")
        return Session(self.page.context.storage_state(), origin_of(self.page.url), items, token, user_id)

    def sign_out(self) -> bool:
        """Sign out by the button; whether the site shows it."""
        with self._step("sign out", "no button to log out", "log_out"):
            click(self.find("log_out"), within_s=self.site.within_s)
        with self._step("sign out", "the site still looks signed in"):
            self.find("log_out").wait_for(state="hidden")
        try:
            # The button may have another word while it is at work.
            self.find("log_in").first.wait_for()
        except PlaywrightTimeoutError:
            return False
        return True

    def lose_session(self, session: Session) -> None:
        """Keep a token that the service does not know: what a browser has after the service has forgotten its sessions."""
        other = session.token[:-8][::-1] + session.token[-8:]
        self.page.evaluate(_FORGET, [session.token, other])

    def asks_to_sign_in(self) -> bool:
        """Load the page again; whether the site asks for e-mail and password instead of showing a page that cannot work."""
        self._load("load the page with a lost session", "the page does not load", self.load_again)
        password = self.find("password")
        try:
            password.wait_for()
        except PlaywrightTimeoutError:
            return False
        # A page may show its form until it has read who is signed in, and may build it anew.
        self.page.wait_for_timeout(_FORM_PASSES_MS)
        return password.is_visible()

    def _signed_in(self) -> None:
        """Wait for the button that ends a session."""
        try:
            self._either(self.find("log_out"), "sign in")
        except PlaywrightTimeoutError:
            # The service gave a token and the form is gone: only the button that the contract describes is missing.
            if self._token()[0] and not self.find("password").count():
                self._refuse_when_not_as_described("sign in", ("log_out",))
            raise

    def _token(self) -> tuple[str, str]:
        """The access token and the user's id, as the answer to the sign-in gave them."""
        for response in reversed(self.witness.answers):
            if isinstance(response, dict):
                continue
            try:
                body = read_json(response.body())
                token = str(body["access_token"])
            except (Error, ValueError, KeyError, TypeError):
                continue
            user = body.get("user")
            return token, str(user.get("id", "")) if isinstance(user, dict) else ""
        return "", ""

    # ------------------------------------------------------------ the chat

    def open_chat(self) -> str:
        """Open the chat and wait until it can be written to; gives its heading."""
        if not self.is_at(self.site.pages.chat):
            self.open(self.site.pages.chat)
        before = None
        if "open_chat" in self.site.elements and not self.find("message").count():
            with self._step("open the chat", "no button that opens it", "open_chat"):
                self.find("open_chat").wait_for()
                before = content_of(self.page)
                click(self.find("open_chat"), within_s=self.site.within_s)
        with self._step("open the chat", "no field for a message", "message"):
            self._message_comes_up("open the chat", before)
            self._takes_words("open the chat")
            return self.heading()

    @property
    def is_enhanced(self) -> bool:
        """The chat shows the new features."""
        return self.page.locator("[data-feature=enhanced-ui]").count() > 0

    def written(self) -> str:
        """The message that stands in the field already."""
        with self._step("ask PAM", "no field for a message", "message"):
            words = self.find("message").input_value()
        if not words:
            raise Stopped("ask PAM: the field for the message is empty")
        return words

    def ask(self, question: str) -> str:
        """Send a message and wait for PAM's answer; gives the answer. The message must be a new one: an old one has an answer already."""
        with self._step("ask PAM", "no field for a message", "message"):
            self.find("message").fill(question)
        with self.witness.listening():
            with self._step("ask PAM", "no field for a message", "message"):
                self.find("message").press("Enter")
            return self._no_apology(self.answer_to(question), "ask PAM")

    def answer_to(self, question: str) -> str:
        """Wait for what PAM says to a message that was sent while this listened; gives it, an apology too."""
        with self._step("ask PAM", "no answer"):
            if not self.lists_messages:
                return self._answer_said()
            try:
                return self._answer_after(self._asked(question), "ask PAM")
            except PlaywrightTimeoutError:
                self._refuse_when_elsewhere(question, "messages", "ask PAM")
                raise

    @property
    def lists_messages(self) -> bool:
        """What is said in the chat is a list whose entries name who says them; else only what the service answers tells PAM's words."""
        return "messages" in self.site.elements

    def shows_again(self, question: str, answer: str) -> bool:
        """Whether the conversation has the question and this answer below it, as soon as it is there; False when the time is up.

        Further up PAM may have said the same to another question.
        """
        try:
            self._said_after(self._asked(question)).filter(has_text=answer).first.wait_for()
        except PlaywrightTimeoutError:
            return False
        return True

    def _answer_said(self) -> str:
        """What the service answered, once the page shows it."""
        self.until(lambda: self._answered() is not None)
        body = self._answered()
        if body is None:
            raise PlaywrightTimeoutError("no answer")
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
        for response in reversed(self.witness.answers):
            if isinstance(response, dict):
                return response
            try:
                body = response.json()
            except (Error, ValueError):
                continue
            if isinstance(body, dict) and "response" in body:
                return body
        return None

    def _asked(self, question: str) -> Locator:
        # PAM may quote the question: what PAM says is not what was asked.
        return self.find("messages").filter(has_text=question, has_not=self.page.get_by_text("PAM", exact=True)).last

    def _said_after(self, asked: Locator) -> Locator:
        # PAM's entries and not the one that says that PAM is thinking: that one has no author.
        return asked.locator("xpath=following-sibling::li").filter(has=self.page.get_by_text("PAM", exact=True))

    def _answer_after(self, asked: Locator, what: str) -> str:
        answer = self._said_after(asked).first
        self._either(answer, what)
        text = answer.inner_text().splitlines()
        words = [line.strip() for line in text if line.strip()]
        if not words:
            raise Stopped(f"{what}: PAM's answer is empty")
        return words[-1]

    def offers_voice(self, *, soon: bool) -> bool:
        """Whether there is a button to speak. ``soon``: it is expected, so wait for it; else what the page has once it has its answers."""
        if not soon:
            self._await_answers()
            return self.find("speak").first.is_visible()
        try:
            self.find("speak").wait_for()
        except PlaywrightTimeoutError:
            return False
        return True

    def speak(self) -> str:
        """Record a moment of the fake microphone and send it; gives PAM's answer."""
        self._await_answers()  # what was said before comes late now and then
        before = self.find("messages").count()
        with self._step("speak to PAM", "no button to speak"):
            click(self.find("speak"), within_s=self.site.within_s)
        self.witness.answers.clear()  # of voice no contract names an intent: its words are judged
        stop = self.find("stop_speaking")
        with self._step("speak to PAM", "recording did not start"):
            self._either(stop, "speak to PAM")
            self.page.wait_for_timeout(200)  # some sound: an empty recording is refused
            click(stop, within_s=self.site.within_s)
        # What was heard is not known beforehand, so the spoken message is the one that was not there.
        spoken = self.find("messages").nth(before)
        with self._step("speak to PAM", "no answer"):
            return self._no_apology(self._answer_after(spoken, "speak to PAM"), "speak to PAM")

    def _await_answers(self) -> None:
        """Wait until nothing that the page needs is asked for any more, or the time of a step is up."""
        end_s, in_a_row = time.monotonic() + self.site.within_s, 0
        while in_a_row < _ANSWERED_LOOKS and time.monotonic() < end_s:
            pause(self.page, _LOOK_AGAIN_MS)
            in_a_row = 0 if self.witness.waits else in_a_row + 1

    def _takes_words(self, what: str) -> None:
        """Wait until the field for a message can be written to: some chats have to be connected first."""
        if not self.until(self.find("message").first.is_enabled):
            disabled = f"the field for a message stays disabled for {self.site.within_s:g} s"
            raise Stopped(f"{what}: {disabled}; the page shows: {self.shown()}")

    def _no_apology(self, words: str, what: str) -> str:
        """The answer, when it is one; by what the service sent where that was seen, else by its words. Raises Stopped."""
        body = self._answered()
        if body is not None:
            wrong = shortcoming(body, self.site.intent)
        else:
            wrong = apology(words) and f"an apology instead of an answer: {shown(words)!r}"
        if wrong:
            raise Stopped(f"{what}: {wrong}")
        return words

    # ------------------------------------------------------------ trips, money, settings, profile

    def open_trips(self) -> int:
        """Open the page of trips; how many it offers to plan."""
        self.reach(self.site.pages.trips)
        with self._step("open the trips", "no trip to plan", "plan_trip"):
            self._either(self.find("plan_trip").first, "open the trips")
        return self.find("plan_trip").count()

    def choose_trip(self) -> None:
        """Take the first trip to PAM."""
        with self._step("choose a trip", "the chat does not open with a message about the trip", "message"):
            before = content_of(self.page)
            click(self.find("plan_trip").first, within_s=self.site.within_s)
            self._message_comes_up("choose a trip", before)

    def refuse_unseen(self, path: str) -> None:
        """Raise Stopped for a page whose main part is one colour, unless it soon is more."""
        if not self.until(lambda: is_painted(self.page), every_ms=_PAINTED_AGAIN_MS):
            one = "its main part is one colour, whatever stands there"
            raise Stopped(f"open {path}: nothing can be seen of it: {one}")

    def refuse_anothers_address(self, own: str) -> None:
        """Raise Stopped for a page that shows an e-mail address of somebody, and not the account's own. No message names it."""
        shown: str = self.page.evaluate(_TEXT_AND_FIELDS)
        others = {found for found in _ADDRESS.findall(shown.lower()) if not _OF_THE_SITE.match(found)}
        if others and own.lower() not in others:
            raise Stopped("open the profile: it shows somebody else's e-mail address, and not that of who is signed in")

    def add_expense(self, amount: str, note: str) -> str | None:
        """Enter an expense of today and send it; what the page lists then, None when it does not list it."""
        self.reach(self.site.pages.money)
        with self._step("add an expense", "no form for an expense", "amount", "note"):
            self.find("amount").fill(amount)
            self.find("note").fill(note)
        with self._step("add an expense", "it was not sent", "add_expense"):
            click(self.find("add_expense"), within_s=self.site.within_s)
        listed = self.find("expenses").filter(has_text=note)
        try:
            self._either(listed.first, "add an expense")
        except PlaywrightTimeoutError:
            self._refuse_when_elsewhere(note, "expenses", "add an expense")
            return None
        return " ".join(listed.all_inner_texts())

    def open_settings(self) -> str:
        """Open the settings; the unit of distances as it is shown."""
        self.reach(self.site.pages.settings)
        with self._step("open the settings", "no choice of a unit for distances", "distance_unit"):
            self._either(self.find("distance_unit"), "open the settings")
            return self.find("distance_unit").input_value()

    def other_unit(self) -> str:
        """Choose the other unit of distances and save; gives it."""
        with self._step("change a setting", "no choice of a unit for distances", "distance_unit"):
            shown = self.find("distance_unit").input_value()
            options = self.find("distance_unit").locator("option")
            choices: list[str] = options.evaluate_all("all => all.map(one => one.value)")
            wanted = next((choice for choice in choices if choice != shown), "")
            if not wanted:
                raise Stopped(f"change a setting: there is no other unit than {shown!r}")
            self.find("distance_unit").select_option(wanted)
        with self._step("change a setting", "the page does not say that it was saved", "save"):
            click(self.find("save"), within_s=self.site.within_s)
            try:
                self._either(self.find("saved").filter(has_text="Saved"), "change a setting")
            except PlaywrightTimeoutError:
                # Kept, and not said so in the words that the contract describes.
                if not self.find("saved").count() and self.open_settings() == wanted:
                    raise NotAsDescribed(self._changed("change a setting", "saved")) from None
                raise
        return wanted
