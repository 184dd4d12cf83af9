"""The chat of PAM's site as a person uses it: asking by keyboard and voice, and what PAM answers."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Error, Locator, Page, Response
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from pam_rollback.browser.clicking import click
from pam_rollback.browser.journeys import Stopped
from pam_rollback.browser.pam_session import SignedInPage
from pam_rollback.browser.pausing import pause
from pam_rollback.browser.rendered_page import content_of
from pam_rollback.environment.environment_tables import Pages
from pam_rollback.product.chat_answer import Intent, apology, said_on_socket, shortcoming, shown, telling_part
from pam_rollback.product.contract import Element, ElementName

_LOOK_AGAIN_MS = 50
_ANSWERED_LOOKS = 5
"""An answer may be the reason for the next question, and takes a moment to be drawn."""


class ChatPage(SignedInPage):
    """A tab in which somebody talks with PAM."""

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
        super().__init__(page, address, pages, elements, within_s=within_s, hosts=hosts)
        self._intent = intent
        self._answers: list[Response | dict[str, Any]] = []
        """What may be PAM's answer: answers to posts, and what was said on a WebSocket."""
        self._listens = False
        page.on("websocket", lambda socket: socket.on("framereceived", self._remember_frame))

    def open_chat(self) -> str:
        """Open the chat and wait until it can be written to; gives its heading."""
        if not self.is_at(self._pages.chat):
            self.open(self._pages.chat)
        before = None
        if "open_chat" in self._elements and not self._message.count():
            with self._step("open the chat", "no button that opens it", "open_chat"):
                self.find("open_chat").wait_for()
                before = content_of(self.page)
                click(self.find("open_chat"), within_s=self._within_s)
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
            words = self._message.input_value()
        if not words:
            raise Stopped("ask PAM: the field for the message is empty")
        return words

    def ask(self, question: str) -> str:
        """Send a message and wait for PAM's answer; gives the answer. The message must be a new one: an old one has an answer already."""
        with self._step("ask PAM", "no field for a message", "message"):
            self._message.fill(question)
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
            try:
                return self._answer_after(self._asked(question), "ask PAM")
            except PlaywrightTimeoutError:
                self._refuse_when_elsewhere(question, "messages", "ask PAM")
                raise

    @property
    def lists_messages(self) -> bool:
        """What is said in the chat is a list whose entries name who says them; else only what the service answers tells PAM's words."""
        return "messages" in self._elements

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

    def _asked(self, question: str) -> Locator:
        # PAM may quote the question: what PAM says is not what was asked.
        return self._messages.filter(has_text=question, has_not=self.page.get_by_text("PAM", exact=True)).last

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
            return self._speak.first.is_visible()
        try:
            self._speak.wait_for()
        except PlaywrightTimeoutError:
            return False
        return True

    def speak(self) -> str:
        """Record a moment of the fake microphone and send it; gives PAM's answer."""
        self._await_answers()  # what was said before comes late now and then
        before = self._messages.count()
        with self._step("speak to PAM", "no button to speak"):
            click(self._speak, within_s=self._within_s)
        self._answers.clear()  # of voice no contract names an intent: its words are judged
        stop = self.find("stop_speaking")
        with self._step("speak to PAM", "recording did not start"):
            self._either(stop, "speak to PAM")
            self.page.wait_for_timeout(200)  # some sound: an empty recording is refused
            click(stop, within_s=self._within_s)
        # What was heard is not known beforehand, so the spoken message is the one that was not there.
        spoken = self._messages.nth(before)
        with self._step("speak to PAM", "no answer"):
            return self._no_apology(self._answer_after(spoken, "speak to PAM"), "speak to PAM")

    @property
    def _message(self) -> Locator:
        return self.find("message")

    @property
    def _messages(self) -> Locator:
        return self.find("messages")

    @property
    def _speak(self) -> Locator:
        return self.find("speak")

    def _await_answers(self) -> None:
        """Wait until nothing that the page needs is asked for any more, or the time of a step is up."""
        end_s, in_a_row = time.monotonic() + self._within_s, 0
        while in_a_row < _ANSWERED_LOOKS and time.monotonic() < end_s:
            pause(self.page, _LOOK_AGAIN_MS)
            in_a_row = 0 if self._signs.waits else in_a_row + 1

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
