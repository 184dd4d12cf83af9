"""What turns the checks of accessibility red."""

from collections.abc import Iterable

from pam_rollback.browser.accessibility import STATES
from tests.fault_rows.row import Row

OF_LOOK = {
    "light": "test_pages_have_no_new_barriers",
    "dark": "test_dark_colours_bring_no_new_barriers",
    "double-size": "test_double_size_brings_no_new_barriers",
    "phone": "test_phones_bring_no_new_barriers",
}
FITS = "test_pages_fit_the_window"
SEEN, TRAP = "test_the_focus_can_be_seen", "test_the_keyboard_is_never_trapped"
BY_KEYBOARD, ANNOUNCED = "test_pam_is_asked_by_keyboard_alone", "test_the_answer_is_announced"

_NOT_SIGNED_IN = ("login", "not-found")


def _of(*states: str, looks: Iterable[str] = OF_LOOK) -> set[str]:
    """The checks of these states, in these looks."""
    return {f"{OF_LOOK[look]}[{state}]" for look in looks for state in states}


def _row(what: str, red: set[str], words: str, unknown: set[str] | None = None) -> Row:
    name = what.partition(".")[0]
    parameters = {"what": what}
    return Row(name, "page", frozenset(red), words, parameters, "accessibility", unknown=frozenset(unknown or ()))


# The page below an open dialog is out of reach, and no rule looks at it.
_WHOLE_PAGES = tuple(state for state in STATES if state != "chat-dialog")

ROWS = [
    _row("contrast-dark.css", {OF_LOOK["dark"]}, "color-contrast"),
    _row("image-without-alt.js", _of("home"), "image-alt (1) on home-light"),
    _row("button-without-name.js", _of("chat", "chat-thinking", "chat-error"), "button-name (1) on chat-light"),
    _row("label-missing.js", _of("login", "login-error"), "label (2) on login-light"),
    _row("language-missing.js", _of(*_WHOLE_PAGES), "html-has-lang (1) on money-light"),
    _row("dialog-unnamed.js", _of("chat-dialog"), "dialog-name (1) on chat-dialog-light"),
    _row("target-too-small.css", _of(*_WHOLE_PAGES, looks=("phone",)), "target-size"),
    _row("phone-empty.css", {OF_LOOK["phone"]}, "was not reached", {f"{FITS}[phone]"}),
    _row("reflow-broken.css", {f"{FITS}[double-size]"}, "reflow (4) on chat-double-size"),
    _row("focus-invisible.css", {SEEN}, "focus-visible"),
    _row("keyboard-trap.js", {TRAP}, "keyboard-trap (1) on chat-light"),
    _row("message-field-pointer-only.js", {BY_KEYBOARD, ANNOUNCED}, "presses of Tab do not reach the message field"),
    _row("live-region-mute.js", {ANNOUNCED}, "PAM's answer is not announced"),
    Row(
        "alert-in-place-of-the-page",
        "answers-html",
        frozenset(_of("home", "money", "trips")),
        "money-light, -dark, -double-size, -phone was not reached: an alert stands in its place",
        {"server": "api", "path": "/api/v1/expenses"},
        "accessibility",
    ),
    Row(
        "message-field-renamed-for-audits",
        "page",
        frozenset(),
        "was never found on /pam, which is well otherwise: the page has changed, or the contract",
        {"what": "message-field-renamed.js"},
        "accessibility",
        unknown=frozenset(_of("chat", "chat-dialog", "chat-thinking", "chat-error") | {BY_KEYBOARD, ANNOUNCED}),
    ),
    # Ids of rows are their own: the journeys have a row for this fault, too.
    Row(
        "nobody-signs-in",
        "page",
        frozenset(_of(*(state for state in STATES if state not in _NOT_SIGNED_IN)) | {BY_KEYBOARD, ANNOUNCED}),
        "still not signed in",
        {"what": "submit-dead.js"},
        "accessibility",
    ),
]
