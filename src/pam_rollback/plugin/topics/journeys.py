"""The browsers that the environment declares, and who walks through the site in them. What a journey writes is cleared away again."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest

from pam_rollback.browser.browser import BrowserMissing, launch_arguments
from pam_rollback.browser.journeys import NewSession, Stopped, Walk, sessions_lost
from pam_rollback.browser.site import Site
from pam_rollback.browser.traveller import DESKTOP, PHONE, Clearing, NewContext, Shared, Traveller, Visitor
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Measured
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import SessionLoss
from pam_rollback.plugin.baseline_files import BaselinePart, Recorded
from pam_rollback.plugin.browser_gate import PASSED
from pam_rollback.plugin.needs import PAGES, SIGNED_IN, needs, titled
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.probe.observation import Observation
from pam_rollback.target import accounts
from pam_rollback.target.contract import undescribed
from pam_rollback.target.environment import Environment
from pam_rollback.target.pam_api import SignInLimited

_REQUESTS_IN_A_ROW = 2
WindowsOf = Callable[[Mapping[str, int]], Traveller]
Walked = TypeVar("Walked", bound=Walk)


@pytest.fixture(scope="session")
def base_url(environment: Environment) -> str:
    """The front end, so that tests can write ``page.goto("/pam")``; pytest-playwright asks for it."""
    return environment.urls.frontend


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], browser_name: str, browser_type: Any, environment: Environment
) -> dict[str, Any]:
    """Drive the machine's own browser where there is one, else Playwright's. Raises MeasurementFailed when it is missing.

    A declared browser that is not there is never a skip: nobody knows then what its users see.
    """
    try:
        found = launch_arguments(browser_name, own=Path(browser_type.executable_path))
    except BrowserMissing as problem:
        declared = f"{environment.name} declares {', '.join(environment.browsers)}"
        raise MeasurementFailed(f"{problem}; {declared}, and what {browser_name} shows is not known") from None
    return {**browser_type_launch_args, **found}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any], browser_name: str) -> dict[str, Any]:
    """English texts whatever this machine speaks, and leave to use the microphone."""
    # Firefox knows no such permission by name: its preferences allow it (browser/browser.py).
    allowed = {"permissions": ["microphone"]} if browser_name == "chromium" else {}
    return {**browser_context_args, "locale": "en-US", **allowed}


@dataclass
class Browsers:
    """The browsers that run. One is launched once per session, however often pytest comes back to it."""

    playwright: Any
    passed: Callable[[], bool]
    """Whether the body of the running test did, so that nothing is kept of it."""
    running: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str, launch: Callable[[], Any]) -> Any:
        """The running browser of that name, or a new one when there is none or it broke down."""
        running = self.running.get(name)
        if running is None or not running.is_connected():
            running = self.running[name] = recording_little(launch(), self.passed)
        return running

    def measuring(self) -> Any:
        """Chromium, in which all that is looked at in one engine is looked at. Raises MeasurementFailed when it is missing."""
        engine = self.playwright.chromium
        try:
            arguments = launch_arguments("chromium", own=Path(engine.executable_path))
        except BrowserMissing as problem:
            raise MeasurementFailed(f"{problem}; what the pages show is not known") from None
        return self.get("chromium", partial(engine.launch, **arguments))


def recording_little(browser: Any, passed: Callable[[], bool]) -> Any:
    """Traces without a film and without our sources, packed of a test that did not pass only.

    A film costs as much as the journeys themselves, with every test. What is left says what matters: each step with the page as it was,
    console, network; and a picture of the end.
    """
    make = browser.new_context

    def new_context(**given: Any) -> Any:
        context = make(**given)
        tracing = context.tracing
        start, stop = tracing.start, tracing.stop

        def end(path: Any = None) -> None:
            if path is None or not passed():
                stop(path=path)
                return
            stop()
            Path(path).touch()  # pytest-playwright takes away what it has of a test that passed

        tracing.start = lambda **asked: start(**{**asked, "screenshots": False, "sources": False})
        tracing.stop = end
        return context

    browser.new_context = new_context
    return browser


@pytest.fixture(scope="session")
def browsers(playwright: Any, pytestconfig: pytest.Config) -> Iterator[Browsers]:
    """The browsers of this session."""
    browsers = Browsers(playwright, lambda: pytestconfig.stash.get(PASSED, False))
    yield browsers
    for running in browsers.running.values():
        running.close()


@pytest.fixture(scope="session")
@needs(browser="chromium")
def measuring_browser(browsers: Browsers) -> Any:
    """Chromium: what baseline and accessibility look at is looked at in one engine."""
    return browsers.measuring()


@pytest.fixture(scope="session")
@needs("browser")
def browser(browsers: Browsers, browser_name: str, launch_browser: Callable[[], Any]) -> Any:
    """The browser of this test; pytest-playwright's own fixture would start it anew for each situation and file."""
    return browsers.get(browser_name, launch_browser)


# ------------------------------------------------------------ who walks through the site


def site_of(environment: Environment, runbook: Runbook) -> Site:
    """Return the site as the test account visits it, or strangers where there is none."""
    account = "test_account" in environment.abilities
    urls = environment.urls
    return Site(
        urls.frontend,
        environment.pages,
        environment.contract.elements,
        # What a person waits for is several requests, one after the other.
        within_s=_REQUESTS_IN_A_ROW * environment.probing.request_deadline_s,
        intent=environment.chat_intent,
        hosts=frozenset(urlsplit(address).hostname or "" for address in environment.addresses()),
        services=tuple(filter(None, (urls.api, urls.backend, urls.supabase))),
        login_path=environment.path_of("login"),
        chat_path=environment.path_of("chat"),
        email=environment.secret("test_user_email") if account else "",
        password=environment.secret("test_user_password") if account else "",
        why_not_signed_in=partial(_unless_limited, environment, runbook),
    )


def _unless_limited(environment: Environment, runbook: Runbook, stop: Stopped) -> Stopped | SignInLimited:
    """Why a sign-in stopped. A page may be refused without being told why; the service itself says it when there were too many.

    What keeps the account from signing in at the service itself is what stood in the form's way.
    """
    try:
        account = accounts.signed_in(environment)
    except SignInLimited as limited:
        return SignInLimited(f"{limited} ({stop})")
    except MeasurementFailed as failed:
        stop.cause = failed.cause
        return stop
    runbook.secrets.learn([account.token])
    return stop


@pytest.fixture(scope="session")
def shared_by_journeys(in_situation: object, browser_name: str) -> Shared:
    """What the journeys share, one for each browser and situation: a rollback may end the session."""
    return Shared()


@pytest.fixture
@titled("What the journey writes is cleared away")
def windows_of(
    environment: Environment,
    runbook: Runbook,
    browser_name: str,
    new_context: NewContext,
    shared_by_journeys: Shared,
) -> Iterator[WindowsOf]:
    """Makes travellers with windows of a size. Raises MeasurementFailed after the test when something is left of what they wrote."""
    made: list[Traveller] = []
    clearing = Clearing(Waiter())  # a request to stop must not leave anything behind
    site = site_of(environment, runbook)

    def make(size: Mapping[str, int]) -> Traveller:
        of_account = (shared_by_journeys, clearing, runbook.secrets.learn)
        made.append(Traveller(environment, site, browser_name, new_context, *of_account, size=size))
        return made[-1]

    yield make
    try:
        for traveller in made:
            traveller.leave()
    finally:
        clearing.settle()


@pytest.fixture
def lost_sessions(plan: Plan, in_situation: object, watch_users: Callable[[], Observation]) -> Measured | None:
    """How many sessions of the probes were lost (RPO-3); None where the plan allows it, and nobody asks."""
    if plan.the(SessionLoss).loss_allowed:
        return None
    return sessions_lost(watch_users().samples())


@pytest.fixture
@titled("A traveller with the test account, in one browser")
@needs("browser", "test_account", elements=SIGNED_IN, one_browser=True)
def returning_traveller(in_situation: object, windows_of: WindowsOf) -> Traveller:
    """The same for what the service decides and not the browser: sessions, trips. One browser is enough."""
    return windows_of(DESKTOP)


@pytest.fixture
@titled("A traveller with the test account")
@needs("browser", "test_account", elements=SIGNED_IN)
def traveller(in_situation: object, windows_of: WindowsOf) -> Traveller:
    """Somebody with this test's browser, in windows of their own."""
    return windows_of(DESKTOP)


@pytest.fixture
@titled("A traveller with a phone")
@needs("browser", "test_account", elements=SIGNED_IN, one_browser=True)
def phone_traveller(in_situation: object, windows_of: WindowsOf) -> Traveller:
    """The same on a small screen; one browser is enough to see whether the site fits it."""
    return windows_of(PHONE)


@pytest.fixture
@titled("A visitor of the site")
@needs("browser", "asset_manifest", one_browser=True)
def visitor(onlooker: Visitor) -> Visitor:
    """Somebody who is not signed in. The files are those of the site, whatever the browser."""
    return onlooker


@pytest.fixture
@titled("Somebody without an account looks at the site")
@needs("browser")
def onlooker(
    in_situation: object, environment: Environment, runbook: Runbook, browser_name: str, new_context: NewContext
) -> Visitor:
    """Somebody who is not signed in, in this test's browser."""
    return Visitor(environment, site_of(environment, runbook), browser_name, new_context)


# ------------------------------------------------------------ what a baseline has of the site


@pytest.fixture(scope="session")
def recording_traveller(environment: Environment, runbook: Runbook, measuring_browser: Any) -> Iterator[Traveller]:
    """Somebody who walks as the journeys do, in one browser. What they open is closed in the end."""
    opened: list[Any] = []

    def new_context(**options: Any) -> Any:
        opened.append(measuring_browser.new_context(locale="en-US", **options))
        return opened[-1]

    clearing = Clearing(Waiter())
    of_account = (Shared(), clearing, runbook.secrets.learn)
    traveller = Traveller(environment, site_of(environment, runbook), "chromium", new_context, *of_account)
    yield traveller
    traveller.leave()
    for context in opened:
        context.close()
    clearing.settle()


@pytest.fixture(scope="session")
def lost_session(
    environment: Environment, recording_traveller: Traveller
) -> NewSession | MeasurementFailed | NotReached:
    """Asking PAM, then signing out and in again, as later runs do before they ask what was noticed behind the pages; or why it stopped."""
    if not undescribed(environment.contract.elements, ["message"]):
        with suppress(Stopped, MeasurementFailed, NotReached):  # later runs tell what comes of it
            recording_traveller.asks_pam()
    try:
        return recording_traveller.loses_session()
    except (MeasurementFailed, NotReached) as problem:
        return problem
    finally:
        recording_traveller.leave()  # its window goes on being refused


@pytest.fixture(scope="session")
def errors_recorded(lost_session: object, recording_traveller: Traveller) -> Recorded:
    """What a browser notices behind the pages, with what the journeys before showed of them, as far as they could be walked."""
    return Recorded(found=_walked(recording_traveller.opens_every_page()).findings)


@pytest.fixture(scope="session")
def lost_session_recorded(lost_session: NewSession | MeasurementFailed | NotReached) -> Recorded:
    """Whether a page asks to sign in when its session was lost."""
    if not isinstance(lost_session, NewSession):
        raise lost_session
    return Recorded(found=_walked(lost_session).findings)


def _walked(fact: Walked) -> Walked:
    if fact.problem:
        raise MeasurementFailed(str(fact))
    return fact


def pytest_pam_baseline_parts() -> list[BaselinePart]:
    """What is wrong behind the pages, and what a lost session shows."""
    account = ("browser", "test_account")
    return [
        BaselinePart("errors behind the pages", "errors_recorded", PAGES, account, elements=SIGNED_IN),
        BaselinePart("what a lost session shows", "lost_session_recorded", PAGES, account, elements=SIGNED_IN),
    ]
