"""Errors are asked again, and no longer than it makes sense."""

import pytest

from pam_rollback.core.answer import Answer
from pam_rollback.http.retries import TRIES, Retries


class Service:
    """Answers these statuses one after the other, the last one for ever."""

    def __init__(self, *statuses: int | None) -> None:
        self._statuses = list(statuses)
        self.asked = 0

    def __call__(self) -> Answer:
        """The next answer."""
        self.asked += 1
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        return Answer("GET", "http://x/", status, "application/json", b"{}", 1.0, "" if status else "refused")


@pytest.mark.parametrize("error", [500, 502, 503, None])
def test_an_error_is_asked_again(error: int | None) -> None:
    """Until it is none."""
    service = Service(error, error, 401)

    assert Retries().ask(service).http_status == 401
    assert service.asked == 3


def test_a_service_that_is_down_is_not_asked_again_and_again() -> None:
    """All tries once, then one for each question: an outage is not made longer by waiting for it."""
    again, service = Retries(), Service(503)
    again.ask(service)
    first = service.asked
    again.ask(service)
    again.ask(service)

    assert (first, service.asked) == (TRIES, TRIES + 2)
    assert again.gave_up
