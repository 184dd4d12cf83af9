"""Sends a message that may be turned away for its rate: waits as long as the receiver asks for, within one deadline for all of it."""

import time
from collections.abc import Callable, Collection
from http import HTTPStatus

from pam_rollback.base.answer import Answer

ENHANCE_YOUR_CALM = 420
"""What Statuspage answers to too many requests, besides 429."""
TURNED_AWAY = frozenset({ENHANCE_YOUR_CALM, HTTPStatus.TOO_MANY_REQUESTS})
"""Nothing was done: repeating is always safe."""
UNWELL = frozenset({500, 502, 503, 504})
"""It may have been done: repeating is safe only where the receiver knows a message again."""
_UNTOLD_WAIT_S = 1.0


def deliver(send: Callable[[float], Answer], *, deadline_s: float, repeat: Collection[int] = TURNED_AWAY) -> Answer:
    """Give the first answer whose status is not one to repeat, or the last one for which there was time.

    ``send`` makes the request with the deadline in seconds that it is given.
    """
    end_s = time.monotonic() + deadline_s
    while True:
        answer = send(max(0.01, end_s - time.monotonic()))
        wait_s = _wait_s(answer)
        if answer.http_status not in repeat or time.monotonic() + wait_s >= end_s:
            return answer
        time.sleep(wait_s)


def _wait_s(answer: Answer) -> float:
    told = answer.headers.get("retry-after", "")
    # The other form is a date, which none of these providers sends.
    return float(told) if told.isascii() and told.isdigit() else _UNTOLD_WAIT_S
