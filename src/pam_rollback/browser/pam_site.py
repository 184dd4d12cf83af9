"""PAM's site as a person uses it: chat, trips, money and settings. One place for the texts of the site."""

import re
import time
from typing import Final

from playwright.sync_api import Locator
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from pam_rollback.browser.clicking import click
from pam_rollback.browser.journeys import Stopped
from pam_rollback.browser.never_found import NotAsDescribed
from pam_rollback.browser.pam_chat import ChatPage
from pam_rollback.browser.pausing import pause
from pam_rollback.browser.rendered_page import content_of, is_painted

_LOOK_AGAIN_MS: Final = 100
_TEXT_AND_FIELDS: Final = """() => {
  const main = document.querySelector("main, [role=main]") ?? document.body;
  return [main.innerText, ...[...main.querySelectorAll("input")].map((field) => field.value)].join("\\n");
}"""
_ADDRESS: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_OF_THE_SITE: Final = re.compile(r"(?:support|help|info|contact|hello|privacy|feedback|team|noreply|no-reply)@")
"""Addresses that a site gives on its own account."""


class PamSite(ChatPage):
    """One tab of the site. Each method is something that a person does, or looks for; all are bounded by ``within_s``."""

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
            click(self._plan_links.first, within_s=self._within_s)
            self._message_comes_up("choose a trip", before)

    def refuse_unseen(self, path: str) -> None:
        """Raise Stopped for a page whose main part is one colour, unless it soon is more."""
        end_s = time.monotonic() + self._within_s
        while not is_painted(self.page):
            if time.monotonic() > end_s:
                raise Stopped(
                    f"open {path}: nothing can be seen of it: its main part is one colour, whatever stands there"
                )
            pause(self.page, _LOOK_AGAIN_MS)

    def refuse_anothers_address(self, own: str) -> None:
        """Raise Stopped for a page that shows an e-mail address of somebody, and not the account's own. No message names it."""
        shown: str = self.page.evaluate(_TEXT_AND_FIELDS)
        others = {found for found in _ADDRESS.findall(shown.lower()) if not _OF_THE_SITE.match(found)}
        if others and own.lower() not in others:
            raise Stopped("open the profile: it shows somebody else's e-mail address, and not that of who is signed in")

    def add_expense(self, amount: str, note: str) -> str | None:
        """Enter an expense of today and send it; what the page lists then, None when it does not list it."""
        self.reach(self._pages.money)
        with self._step("add an expense", "no form for an expense", "amount", "note"):
            self.find("amount").fill(amount)
            self.find("note").fill(note)
        with self._step("add an expense", "it was not sent", "add_expense"):
            click(self.find("add_expense"), within_s=self._within_s)
        listed = self.find("expenses").filter(has_text=note)
        try:
            self._either(listed.first, "add an expense")
        except PlaywrightTimeoutError:
            self._refuse_when_elsewhere(note, "expenses", "add an expense")
            return None
        return " ".join(listed.all_inner_texts())

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
            click(self.find("save"), within_s=self._within_s)
            try:
                self._either(self.find("saved").filter(has_text="Saved"), "change a setting")
            except PlaywrightTimeoutError:
                # Kept, and not said so in the words that the contract describes.
                if not self.find("saved").count() and self.open_settings() == wanted:
                    raise NotAsDescribed(self._changed("change a setting", "saved")) from None
                raise
        return wanted

    @property
    def _unit(self) -> Locator:
        return self.find("distance_unit")

    @property
    def _plan_links(self) -> Locator:
        return self.find("plan_trip")
