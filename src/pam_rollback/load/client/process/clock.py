"""Moments as seconds since 1970 that never jump: the wall clock is read once, then the monotonic one goes on."""

import time
from collections.abc import Iterable
from typing import NamedTuple

_OFFSET_S = time.time() - time.monotonic()


def now_s() -> float:
    """This moment, by this machine's clock."""
    return time.monotonic() + _OFFSET_S


class Echo(NamedTuple):
    """A question for the time: when it left and came back by our clock, and what the other machine's clock said meanwhile."""

    sent_s: float
    theirs_s: float
    back_s: float


def offset_s(echoes: Iterable[Echo]) -> float:
    """How far the other clock is ahead, by the echo that was on its way for the shortest time: the error is half of that at most."""
    best = min(echoes, key=lambda echo: echo.back_s - echo.sent_s)
    return best.theirs_s - (best.sent_s + best.back_s) / 2
