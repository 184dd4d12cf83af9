"""The site by keyboard alone: no method here moves or presses a pointer, or puts the focus somewhere by itself."""

import time
from dataclasses import replace
from typing import Final

from playwright.sync_api import Locator, Page

from pam_rollback.browser.axe import ask
from pam_rollback.browser.journeys import Stopped
from pam_rollback.browser.keyboard_access import FocusStop, FocusWalk, KeyboardChat
from pam_rollback.browser.pam_site import PamSite

_STOPS_MAX: Final = 250
"""A page with more stops is no page that anybody walks through; it ends the walk of a page that makes new stops for ever."""
_STUCK_MAX: Final = 8
"""Some controls have stops inside: a field for date and time has seven."""
_PRESSES_MAX: Final = 80
_ANNOUNCED_WITHIN_S: Final = 2.0
_PAUSE_MS: Final = 50


def walk(page: Page, page_state: str) -> FocusWalk:
    """Press Tab from the top of the page until the focus leaves it; what each stop looked like can be told at the next one."""
    ask(page, "beginWalk")
    stops: list[FocusStop] = []
    stuck = 0
    while len(stops) < _STOPS_MAX:
        page.keyboard.press("Tab")
        now = ask(page, "step")
        if stops and not now["left_was_seen"]:
            stops[-1] = replace(stops[-1], seen=False)
        stuck = stuck + 1 if now["stuck"] else 0
        if now["stuck"] and stuck < _STUCK_MAX:
            continue
        if now["ended"] or (now["is_first"] and not stuck and stops):
            return FocusWalk(page_state, tuple(stops))
        if now["again"]:
            return FocusWalk(page_state, tuple(stops), trapped_at=now["selector"])
        stops.append(FocusStop(now["selector"], now["name"], seen=True, in_order=now["in_order"]))
    return FocusWalk(page_state, tuple(stops), trapped_at=stops[-1].selector)


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
    with site.listening():
        page.keyboard.press("Enter")
        try:
            words = site.answer_to(question)
        except Stopped as stop:
            return KeyboardChat(presses, str(stop), "", regions)
    heard = KeyboardChat(presses, "", words, regions, _announced(page))
    end_s = time.monotonic() + _ANNOUNCED_WITHIN_S
    while not heard.heard and time.monotonic() < end_s:
        page.wait_for_timeout(_PAUSE_MS)
        heard = KeyboardChat(presses, "", words, regions, _announced(page))
    return heard


def _announced(page: Page) -> tuple[str, ...]:
    return tuple(map(str, ask(page, "heard")))


def _has_focus(element: Locator) -> bool:
    return bool(element.evaluate("(element) => element === document.activeElement"))
