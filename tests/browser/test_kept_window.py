"""The window that is kept: one for a session, in which nothing is left of the journey before, and none after a journey that failed."""

from types import SimpleNamespace
from typing import Any

from pam_rollback.browser.fixtures.walkers.kept_window import KeptWindow


class Windows:
    """A browser: the windows that were opened in it, each with its tabs."""

    def __init__(self) -> None:
        self.opened: list[Any] = []

    def open(self, **options: object) -> Any:
        """A new one."""
        window = SimpleNamespace(options=options, pages=[], restored=[], open=True)
        window.close = lambda: setattr(window, "open", False)
        self.opened.append(window)
        return window


def session(state: str) -> Any:
    """Somebody's, as a journey before left it."""
    return SimpleNamespace(state=state, restore=lambda window: window.restored.append(state))


def tab(window: Any) -> None:
    """Open one."""
    window.pages.append(SimpleNamespace(close=window.pages.clear))


def test_a_session_keeps_its_window_and_no_tab() -> None:
    """Its cookies and what tabs kept are put in once."""
    windows, own = Windows(), session("signed in")
    kept = KeptWindow(windows.open)

    first = kept.enter(own, viewport="wide")
    tab(first)
    kept.leave(passed=True)

    assert kept.enter(own, viewport="wide") is first
    assert (first.pages, first.open) == ([], True)
    assert (first.options, first.restored) == ({"storage_state": "signed in", "viewport": "wide"}, ["signed in"])


def test_a_failed_journey_and_another_session_end_it() -> None:
    """Who comes next begins in a new one; in the end none is left."""
    windows, own = Windows(), session("signed in")
    kept = KeptWindow(windows.open)

    kept.enter(own)
    kept.leave(passed=False)
    kept.enter(own)
    kept.leave(passed=True)
    kept.enter(session("signed in anew"))
    assert [window.open for window in windows.opened] == [False, False, True]

    kept.close()
    kept.leave(passed=True)
    assert not windows.opened[-1].open
