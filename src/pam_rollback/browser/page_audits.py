"""Every state of the site in every look, judged once: the page is loaded twice, on a desktop and on a phone.

Dark colours and double size are what people switch on while they look at a page, so the loaded page is switched too. Double size is
200 % of a window 1280 px wide: 640 px are left (WCAG 1.4.4, 1.4.10). One engine: axe-core reads the page's structure and its computed
styles, which the engines agree on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import Browser, Error, Locator, Page, sync_playwright

from pam_rollback.browser import axe
from pam_rollback.browser.accessibility import (
    PUBLIC_STATES,
    STATES,
    WALKED_STATES,
    Audit,
    Audits,
    FocusWalk,
    KeyboardChat,
    focus_walk,
    reachable,
)
from pam_rollback.browser.axe import Rules, ask
from pam_rollback.browser.barriers import Element
from pam_rollback.browser.browser import launch_arguments
from pam_rollback.browser.journeys import NotLoaded, Stopped
from pam_rollback.browser.page_states import Visit
from pam_rollback.browser.pam_site import PamSite
from pam_rollback.browser.site import Site
from pam_rollback.core.errors import MeasurementFailed, cause_of

_STOPS_MAX: Final = 250
"""A page with more stops is no page that anybody walks through; it ends the walk of a page that makes new stops for ever."""
_STUCK_MAX: Final = 8
"""Some controls have stops inside: a field for date and time has seven."""
_PRESSES_MAX: Final = 80
_ANNOUNCED_WITHIN_S: Final = 2.0


def walk(page: Page, page_state: str) -> FocusWalk:
    """Press Tab from the top of the page until the focus leaves it; what each stop looked like can be told at the next one."""
    ask(page, "beginWalk")
    stops: list[Element] = []
    unseen: list[Element] = []
    stuck = 0
    while len(stops) < _STOPS_MAX:
        page.keyboard.press("Tab")
        now = ask(page, "step")
        if stops and not now["left_was_seen"]:
            unseen.append(stops[-1])
        stuck = stuck + 1 if now["stuck"] else 0
        if now["stuck"] and stuck < _STUCK_MAX:
            continue
        if now["ended"] or (now["is_first"] and not stuck and stops):
            return focus_walk(page_state, stops, unseen)
        if now["again"]:
            return focus_walk(page_state, stops, unseen, now["selector"])
        stops.append(Element(now["selector"], now["name"]))
    return focus_walk(page_state, stops, unseen, stops[-1].selector)


def chat(site: PamSite, question: str) -> KeyboardChat:
    """From the top of an open chat to PAM's answer: Tab to the message field, type, Enter. The question must be a new one.

    Raises NotAsDescribed when the page shows what is said elsewhere than the contract says.
    """
    page, message = site.page, site.find("message").first
    ask(page, "beginWalk")
    presses = 0
    while not _has_focus(message):
        if presses == _PRESSES_MAX:
            unreached = f"{presses} presses of Tab do not reach the message field"
            return KeyboardChat(presses, unreached, barred=unreached)
        page.keyboard.press("Tab")
        presses += 1
    regions = int(ask(page, "listen"))
    page.keyboard.type(question)
    typed = message.input_value()
    if typed != question:
        problem = f"{question!r} was typed into the message field, which has {typed!r} then"
        return KeyboardChat(presses, problem, "", regions, barred="the message field does not take what is typed")
    with site.witness.listening():
        page.keyboard.press("Enter")
        try:
            words = site.answer_to(question)
        except Stopped as stop:
            return KeyboardChat(presses, str(stop), "", regions)

    def heard() -> KeyboardChat:
        return KeyboardChat(presses, "", words, regions, tuple(map(str, ask(page, "heard"))))

    site.until(lambda: heard().heard, within_s=_ANNOUNCED_WITHIN_S)
    return heard()


def _has_focus(element: Locator) -> bool:
    return bool(element.evaluate("(element) => element === document.activeElement"))


@dataclass(frozen=True)
class _Look:
    name: str
    width_px: int
    height_px: int
    scale: float = 1
    colours: Literal["light", "dark"] = "light"


_DESKTOP: Final = (
    _Look("light", 1280, 800),
    _Look("dark", 1280, 800, colours="dark"),
    _Look("double-size", 640, 400, scale=2),
)
_PHONE: Final = (_Look("phone", 390, 844),)


def collect(browser: Browser, site: Site, rules: Rules, states: Sequence[str] = STATES) -> Audits:
    """The audit of each of these states in each look. What the site does is in the audits; nothing raises for it."""
    desktop: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
    phone: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 3}
    asked = [state for state in reachable(site.elements, account=bool(site.email)) if state in states]
    found: dict[str, Audit] = {}
    for looks, device in ((_DESKTOP, desktop), (_PHONE, phone | {"is_mobile": True, "has_touch": True})):
        # A service worker would answer past the guard that catches what must not be sent.
        context = browser.new_context(reduced_motion="reduce", service_workers="block", locale="en-US", **device)
        context.add_init_script(axe.DRAWING_RECORDER)
        try:
            auditor = _Auditor(Visit(context.new_page(), site), looks, rules)
            found |= {audit.page_state: audit for audit in auditor.audits(asked, signs_in=bool(site.email))}
        finally:
            context.close()
    return Audits(found)


def collect_in_own_browser(site: Site, rules: Rules) -> Audits:
    """The same in a Chromium of this thread: Playwright's objects belong to the thread that made them.

    Raises BrowserMissing, and playwright's Error when the browser does not start.
    """
    with sync_playwright() as playwright:
        chromium = playwright.chromium
        browser = chromium.launch(**launch_arguments(chromium.name, own=Path(chromium.executable_path)))
        try:
            return collect(browser, site, rules)
        finally:
            browser.close()


class _Auditor:
    """Judges the states of one visit in looks of one device."""

    def __init__(self, visit: Visit, looks: tuple[_Look, ...], rules: Rules) -> None:
        self._visit = visit
        self._looks = looks
        self._rules = rules
        self._devtools = visit.page.context.new_cdp_session(visit.page)

    def audits(self, states: Sequence[str], *, signs_in: bool) -> Iterator[Audit]:
        """First the states of strangers, then those of somebody who ``signs_in``."""
        members = [state for state in states if signs_in and state not in PUBLIC_STATES]
        for state in states:
            if state not in members:
                yield from self._looks_of(state)
        try:
            if members:
                self._visit.sign_in()
        except (Stopped, MeasurementFailed, Error) as problem:
            for state in members:
                yield from self._without(state, problem)
            return
        for state in members:
            yield from self._looks_of(state)
        self._visit.leave()

    def _looks_of(self, state: str) -> Iterator[Audit]:
        try:
            self._put_on(self._looks[0])
            own = self._visit.reach(state)
        except (Stopped, MeasurementFailed, Error) as problem:
            yield from self._without(state, problem)
            return
        audits = [self._audit(f"{state}-{look.name}", own, look) for look in self._looks]
        if state in WALKED_STATES and self._looks is _DESKTOP:
            audits[0] = self._walked(audits[0])
        yield from audits

    def _without(self, state: str, problem: Exception) -> Iterator[Audit]:
        """What the site did instead is a finding; what broke on our side, the browser too, leaves it unknown."""
        for look in self._looks:
            name = f"{state}-{look.name}"
            if isinstance(problem, NotLoaded):
                yield Audit(name, unmeasured=str(problem), late=True)
            elif isinstance(problem, Stopped):
                yield Audit(name, problem=str(problem), cause=problem.cause)
            else:
                yield Audit(name, unmeasured=_in_short(problem), cause=cause_of(problem))

    def _walked(self, audit: Audit) -> Audit:
        try:
            self._put_on(_DESKTOP[0])
            return replace(audit, focus=walk(self._visit.page, audit.page_state))
        except Error as problem:
            return replace(audit, unmeasured=_in_short(problem))

    def _audit(self, name: str, own: Locator, look: _Look) -> Audit:
        page = self._visit.page
        try:
            self._put_on(look)
            axe.drawn(page, anew=look.scale != 1)
            barriers = axe.audit(page, name, self._rules)
            if not own.is_visible():
                return Audit(name, problem="its own content cannot be seen in this look, although it can in another")
            reflow = axe.too_wide(page, name, look.width_px)
        except (MeasurementFailed, Error) as problem:
            return Audit(name, unmeasured=_in_short(problem))
        if barriers.passed == 0:
            nothing = f"{self._rules} found nothing to judge on {name}: no rule applied to anything there"
            return Audit(name, unmeasured=nothing)
        return Audit(name, barriers=barriers, reflow=reflow)

    def _put_on(self, look: _Look) -> None:
        self._visit.page.emulate_media(color_scheme=look.colours, reduced_motion="reduce")
        if look in _DESKTOP:
            # Playwright can change the size of the window, but not its scale.
            size = {"width": look.width_px, "height": look.height_px, "deviceScaleFactor": look.scale, "mobile": False}
            self._devtools.send("Emulation.setDeviceMetricsOverride", size)


def _in_short(problem: Exception) -> str:
    return f"the browser gave up: {problem.message.splitlines()[0]}" if isinstance(problem, Error) else str(problem)
