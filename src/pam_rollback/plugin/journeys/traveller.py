"""Somebody who uses the site as the test account, in a browser that Playwright drives."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pam_rollback.adapters.account_api import AccountApi
from pam_rollback.adapters.flag_service import flag_evaluation_of
from pam_rollback.adapters.pam_api import Account, SignInLimited
from pam_rollback.core.environment import Environment
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.journeys import (
    BehindThePages,
    Chat,
    Conversation,
    Expense,
    NewSession,
    Setting,
    Spoken,
    Stopped,
    Trip,
    Unreachable,
)
from pam_rollback.core.never_found import NotAsDescribed
from pam_rollback.plugin.accounts import account_api, signed_in
from pam_rollback.plugin.journeys.clearing import Clearing
from pam_rollback.plugin.journeys.walking import DESKTOP, NewContext, step_within_s, tab, walked
from pam_rollback.plugin.runbook import Runbook

if TYPE_CHECKING:
    # Playwright costs 0.2 s to load, and a session of health checks opens no browser.
    from pam_rollback.adapters.pam_site import PamSite, Session
    from pam_rollback.adapters.witness import Witness

_VOICE = "PAM_VOICE_FEATURES"
_UNIT = "distance_unit"
_AMOUNT = "12.34"


@dataclass
class SignedIn:
    """The session that the journeys in one browser share, once one of them has signed in by the form."""

    session: "Session | None" = None
    problem: Stopped | MeasurementFailed | None = None
    """Why signing in did not work the last time. Whoever only needs a session does not wait for the same again."""


class Traveller:
    """Somebody with a browser and the test account. Each method is a journey from a fresh window on; none of them judges."""

    def __init__(
        self,
        environment: Environment,
        runbook: Runbook,
        browser_name: str,
        new_context: NewContext,
        signed_in: SignedIn,
        witness: "Witness",
        clearing: Clearing,
        *,
        size: Mapping[str, int] = DESKTOP,
    ) -> None:
        self._environment = environment
        self._runbook = runbook
        self._browser = browser_name
        self._new_context = new_context
        self._signed_in = signed_in
        self._witness = witness
        self._clearing = clearing
        self._size = size
        self._windows: list[Any] = []

    # ------------------------------------------------------------ journeys

    def asks_pam(self) -> Conversation:
        """Sign in by the form, ask, and look for question and answer again: after a reload, and at the API."""
        found: dict[str, Any] = {}
        question = f"How much did I spend this month? ({secrets.token_hex(4)})"

        def steps() -> None:
            site = self._at_the_form()
            site.open_chat()
            found["answer"] = site.ask(question)
            if site.lists_messages:
                site.reload()
                found["shown_again"] = site.shows_message(question) and site.shows_message(found["answer"])
            else:
                found["shown_again"] = None
            found["stored"] = self._api().has_message(question)

        return Conversation(**self._walked("signing in and asking PAM", steps), **found)

    def opens_chat(self) -> Chat:
        """Open the chat and look at it."""
        found: dict[str, Any] = {}

        def steps() -> None:
            site = self._enter()
            found["heading"] = site.open_chat()
            found["enhanced"] = site.is_enhanced

        return Chat(**self._walked("opening the chat", steps), **found)

    def speaks(self) -> Spoken:
        """Speak to PAM with the browser's fake microphone, where the flag gives voice to this user."""
        found: dict[str, Any] = {"flag_on": None}

        def steps() -> None:
            site = self._enter()
            site.open_chat()
            found["flag_on"] = self._flag(_VOICE)
            release = site.release()
            old = not self._environment.release.has_voice(release)
            found["from_before_voice"] = release if old else ""
            found["offered"] = site.offers_voice(soon=found["flag_on"] is not False and not old)
            if old:
                return
            if not found["offered"] and found["flag_on"] is not False:
                self._refuse_unless_voice_is_due(site, flag_on=found["flag_on"])
            if found["offered"] and found["flag_on"] is not False:
                found["answer"] = site.speak()

        return Spoken(**self._walked("speaking to PAM", steps), **found)

    def adds_expense(self) -> Expense:
        """Enter an expense and look for it: on the page, and at the API."""
        found: dict[str, Any] = {}
        note = f"rollback check {secrets.token_hex(4)}"

        def steps() -> None:
            site = self._enter()
            api = self._api()
            self._clearing.owe(lambda: api.delete_expenses(note))
            found["shown"] = site.add_expense(_AMOUNT, note)
            found["stored"] = bool(api.expenses_noted(note))

        return Expense(**self._walked("adding an expense", steps), **found)

    def changes_setting(self) -> Setting:
        """Change the unit of distances and look for it after a reload."""
        found: dict[str, Any] = {}

        def steps() -> None:
            site = self._enter()
            shown = site.open_settings()
            api = self._api()
            before = api.settings()
            if before is None:
                raise Stopped(
                    "change a setting: the API does not say how the settings are, so they could not be put back"
                )
            # A setting that was never made has the value that the page shows.
            self._clearing.owe(lambda: api.restore_settings({_UNIT: shown, **before}))
            found["wanted"] = site.other_unit()
            found["found"] = site.open_settings()

        return Setting(**self._walked("changing a setting", steps), name="the unit of distances", **found)

    def plans_trip(self) -> Trip:
        """Choose a trip and have PAM answer about it."""
        found: dict[str, Any] = {}

        def steps() -> None:
            site = self._enter()
            found["trips"] = site.open_trips()
            site.choose_trip()
            found["answer"] = site.ask()

        return Trip(**self._walked("planning a trip", steps), **found)

    def loses_session(self) -> NewSession:
        """Sign out, sign in, have the session forgotten by the service, and sign in again."""
        found: dict[str, Any] = {}

        def steps() -> None:
            site = self._at_the_form()
            found["signed_out"] = site.sign_out()
            # A product may end every session of the account with this one: nobody goes on with the shared one.
            self._signed_in.session = None
            self._sign_in(site)
            self._witness.expect(401)
            site.lose_session(self._session())
            found["asked_to_sign_in"] = site.asks_to_sign_in()
            if found["asked_to_sign_in"]:
                self._sign_in(site)
                site.open_chat()
                found["signed_in_again"] = True
            else:  # then it is found out in a window of its own, so that one fault does not hide the other
                found["signed_in_again"] = self._signs_in_anew()

        return NewSession(**self._walked("signing out and in again", steps), **found)

    def opens_every_page(self) -> BehindThePages:
        """Open every page, and tell what the browser noticed then and during the journeys before."""

        def steps() -> None:
            site = self._enter()
            pages = self._environment.pages
            for path in (pages.home, pages.chat, pages.trips, pages.money, pages.settings, pages.profile):
                site.follow(path)
                self._wait_until_quiet(site)

        walked = self._walked("errors behind the pages", steps)
        return BehindThePages(
            **walked,
            pages=tuple(dict.fromkeys(self._witness.pages)),
            complaints=tuple(self._witness.complaints),
        )

    # ------------------------------------------------------------ how

    def leave(self) -> None:
        """Look away before the windows are closed."""
        for context in self._windows:
            self._witness.look_away(context)

    def _wait_until_quiet(self, site: "PamSite") -> None:
        within_s = step_within_s(self._environment)
        if not self._witness.quiet(site.page, within_s=within_s):
            raise Stopped(f"open {urlsplit(site.page.url).path}: it still waits for answers after {within_s:g} s")

    def enter(self) -> "PamSite":
        """A signed-in window. Raises MeasurementFailed when the site does not let the test account in."""
        try:
            return self._enter()
        except Stopped as stop:
            raise MeasurementFailed(
                f"the test account could not sign in at the site ({stop}); see the journeys"
            ) from None

    def _enter(self) -> "PamSite":
        """A window with the shared session; the first journey of all signs in by the form."""
        session = self._signed_in.session
        if self._signed_in.problem:
            raise type(self._signed_in.problem)(f"{self._signed_in.problem} (found by a journey before)")
        if session is None:
            return self._at_the_form()
        return self._window(session)

    def _at_the_form(self) -> "PamSite":
        site = self._window(None)
        self._sign_in(site)
        return site

    def _signs_in_anew(self) -> bool:
        try:
            self._at_the_form().open_chat()
        except (Stopped, NotAsDescribed):
            self._signed_in.problem = None
            return False
        return True

    def _sign_in(self, site: "PamSite") -> None:
        try:
            site.sign_in(self._environment.secret("test_user_email"), self._environment.secret("test_user_password"))
            session = site.session()
        except Unreachable:
            raise  # known at once, and whether we are the ones who are offline is asked anew
        except Stopped as stop:
            self._signed_in.problem = self._unless_limited(stop)
            raise self._signed_in.problem from None
        except (NotAsDescribed, SignInLimited) as problem:
            self._signed_in.problem = problem
            raise
        self._signed_in.problem = None
        self._runbook.secrets.learn([session.token])
        self._signed_in.session = session

    def _unless_limited(self, stop: Stopped) -> Stopped | SignInLimited:
        """A page may be refused without being told why; the service itself says it when there were too many sign-ins."""
        try:
            account = signed_in(self._environment)
        except SignInLimited as limited:
            return SignInLimited(f"{limited} ({stop})")
        except MeasurementFailed:
            return stop
        self._runbook.secrets.learn([account.token])
        return stop

    def _window(self, session: "Session | None") -> "PamSite":
        environment = self._environment
        context = self._new_context(
            viewport=self._size, **({} if session is None else {"storage_state": session.state})
        )
        self._windows.append(context)
        self._witness.watch(context)
        if session is not None:
            session.restore(context)
        return tab(context, environment)

    def _session(self) -> "Session":
        if self._signed_in.session is None:  # cannot be: every journey has signed in before it asks
            raise MeasurementFailed("nobody is signed in")
        return self._signed_in.session

    def _api(self) -> AccountApi:
        return account_api(self._environment, Account(self._session().user_id, self._session().token))

    def _flag(self, name: str) -> bool | None:
        """What this user gets; None where nobody can be asked."""
        user_id = self._session().user_id
        if "flag_evaluation" not in self._environment.abilities or not user_id:
            return None
        return flag_evaluation_of(self._environment).flags_of(user_id).get(name)

    def _refuse_unless_voice_is_due(self, site: "PamSite", *, flag_on: bool | None) -> None:
        """No button where the flag is on is broken; where nobody knows whether this page has voice at all, it is not known."""
        if flag_on is None:
            raise MeasurementFailed(
                f"the page offers no voice, and nobody says whether it should: {self._environment.name} declares no flag_evaluation"
            )
        release = site.release()
        older = {self._runbook.options.to.frontend, self._environment.release.stable} - {""}
        if release in older:
            raise MeasurementFailed(
                f"the page of release {release}, to which was rolled back, offers no voice although {_VOICE} is on for this user: "
                "whether that release ever had it is not known here; look at the baseline"
            )

    def _walked(self, journey: str, steps: Callable[[], None]) -> dict[str, Any]:
        where = "" if self._size is DESKTOP else f" on a screen of {self._size['width']} by {self._size['height']}"
        return walked(self._environment, self._browser, journey + where, steps)
