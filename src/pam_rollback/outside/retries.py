"""Asks again after an error, for questions about something else: one of four requests may fail (IR-5) without making them unanswerable."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

from pam_rollback.base.answer import Answer

TRIES = 6
"""With one of four requests failing, all six do once in 4,000 times."""


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
