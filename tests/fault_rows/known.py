"""What was red before and somebody answers for is not red; what is new, worse, or over is."""

import json

from pam_rollback.target.known_before import Finding
from tests.fault_rows.accessibility import ANNOUNCED, OF_LOOK
from tests.fault_rows.health import PAM
from tests.fault_rows.row import Row

_ILL = Finding("HC-4", "PAM", "unhealthy, HTTP 200")
_PICTURE = tuple(Finding("CR-4", f"image-alt on home-{look}", "img") for look in OF_LOOK)
_UNHEARD = Finding("CR-4", "PAM's answer by ear", "it is not announced")
_HOME = frozenset(f"{check}[home]" for check in OF_LOOK.values())
_LOGIN = frozenset(f"{check}[{state}]" for check in OF_LOOK.values() for state in ("login", "login-error"))
_UNHEALTHY = {"server": "api", "path": "/health/pam"}
_NO_TEXT, _NO_LABEL, _MUTE = (
    {"what": "image-without-alt.js"},
    {"what": "label-missing.js"},
    {"what": "live-region-mute.js"},
)


def _answered(item: str, *known: str, until: str = "2099-12-31") -> str:
    return (
        f'[[waivers]]\nitem = "{item}"\nknown = {json.dumps(known)}\nat_most = 20\nuntil = {until}\n'
        'reason = "the matrix"\napproved_by = "R. Ramp"\n'
    )


ROWS = [
    Row(
        "known-illness",
        "answers-unhealthy",
        frozenset(),
        "known before: PAM: unhealthy, HTTP 200, until 2099-12-31: R. Ramp",
        _UNHEALTHY,
        setting=_answered("HC-4", "PAM: unhealthy*"),
        counted_before=True,
        recorded=(_ILL,),
        known=frozenset({PAM}),
        verdict="GO",
    ),
    Row(
        "known-illness-that-nobody-answers-for",
        "answers-unhealthy",
        frozenset({PAM}),
        "was recorded while something was red (HC-4: PAM: unhealthy, HTTP 200)",
        _UNHEALTHY,
        counted_before=True,
        recorded=(_ILL,),
    ),
    Row(
        "known-illness-that-is-over",
        "answers-unhealthy",
        frozenset({PAM}),
        "was recorded while something was red (HC-4: PAM: unhealthy, HTTP 200)",
        _UNHEALTHY,
        setting=_answered("HC-4", "PAM: unhealthy*", until="2020-01-01"),
        counted_before=True,
        recorded=(_ILL,),
    ),
    Row(
        "known-illness-with-another-symptom",
        "answers-503-healthy",
        frozenset({PAM}),
        "PAM says healthy",
        _UNHEALTHY,
        setting=_answered("HC-4", "PAM: *healthy, HTTP *"),
        counted_before=True,
        recorded=(_ILL,),
    ),
    Row(
        "known-barrier",
        "page",
        frozenset(),
        "until 2099-12-31: R. Ramp",
        _NO_TEXT,
        "accessibility",
        setting=_answered("CR-4", "image-alt on home-*", "PAM's answer by ear: *"),
        counted_before=True,
        recorded=(*_PICTURE, _UNHEARD),
        beside=_MUTE,
        known=_HOME | {ANNOUNCED},
        verdict="GO",
    ),
    Row(
        "new-barrier-beside-a-known-one",
        "page",
        _LOGIN,
        "new: label on login-light",
        _NO_TEXT,
        "accessibility",
        setting=_answered("CR-4", "image-alt on home-*"),
        counted_before=True,
        recorded=_PICTURE,
        beside=_NO_LABEL,
        known=_HOME,
    ),
    Row(
        "known-barrier-that-is-over",
        "page",
        _HOME,
        "known until 2020-01-01, and that day is over (R. Ramp)",
        _NO_TEXT,
        "accessibility",
        setting=_answered("CR-4", "image-alt on home-*", until="2020-01-01"),
        counted_before=True,
        recorded=_PICTURE,
    ),
]
