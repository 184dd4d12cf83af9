"""Asks again: after an error, when the question is about something else (one of four may fail, IR-5), and when turned away for the rate."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from http import HTTPStatus

from pam_rollback.core.answer import Answer

TRIES = 6
"""With one of four requests failing, all six do once in 4,000 times."""

ENHANCE_YOUR_CALM = 420
"""What Statuspage answers to too many requests, besides 429."""
TURNED_AWAY = frozenset({ENHANCE_YOUR_CALM, HTTPStatus.TOO_MANY_REQUESTS})
"""Nothing was done: repeating is always safe."""
UNWELL = frozenset({500, 502, 503, 504})
"""It may have been done: repeating is safe only where the receiver knows a message again."""
_UNTOLD_WAIT_S = 1.0


@dataclass
class Retries:
    """Patient until an error has lasted through all tries: from then on the service is down, and everything is asked once."""

    tries: int = TRIES
    gave_up: bool = False

    def ask(self, once: Callable[[], Answer]) -> Answer:
        """Give the first answer that is neither an error of the server nor no answer at all; else the last one."""
        answer = once()
        for _ in range(0 if self.gave_up else self.tries - 1):
            if not _is_error(answer):
                break
            answer = once()
        self.gave_up = self.gave_up or _is_error(answer)
        return answer


def once_more(ask: Callable[[], Answer]) -> Answer:
    """Ask again, once, when the connection was lost: of thirty a network loses one, and a second loss is the service's."""
    answer = ask()
    return replace(ask(), earlier=answer.problem) if answer.lost else answer


def _is_error(answer: Answer) -> bool:
    return answer.http_status is None or answer.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR


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
