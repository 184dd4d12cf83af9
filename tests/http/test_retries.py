"""Errors are asked again, and no longer than it makes sense; clocks are compared by any answer of a real server over loopback."""

import re

import pytest

from pam_rollback.core.answer import Answer
from pam_rollback.core.question import State
from pam_rollback.http.client import TRIES, Retries, clocks, same_time
from tests.scripted_provider import always, serving

CLOCK = "it is the same time there"


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


@pytest.mark.parametrize(("ahead_s", "state"), [(0, State.YES), (3, State.YES), (120, State.NO), (-120, State.NO)])
def test_clocks_are_compared_by_any_answer(ahead_s: float, state: State) -> None:
    """Also by a refusal: it has a date, too."""
    with serving(always(401), ahead_s=ahead_s) as (url, _):
        found = same_time(CLOCK, url, deadline_s=2)

    assert found.state is state, found
    told = re.search(r"its clock is (\d+) s (ahead of|behind)", found.words)
    assert (told is not None) is (state is State.NO), found
    if told:
        # A date has whole seconds, and the answer takes its time.
        assert float(told[1]) == pytest.approx(abs(ahead_s), abs=2)
        assert (told[2] == "behind") is (ahead_s < 0)


def test_a_clock_that_nobody_tells_is_not_known() -> None:
    """Nobody answers: neither right nor wrong."""
    with serving(always(200)) as (url, _):
        pass

    assert same_time(CLOCK, url, deadline_s=2).state is State.NOT_KNOWN


@pytest.mark.parametrize(
    ("apart_s", "uncertain_s", "state"),
    [
        (0, 0, State.YES),
        (5, 0, State.YES),
        (5.1, 0, State.NO),
        (-5.1, 0, State.NO),
        (6, 1, State.YES),
        (-7, 1, State.NO),
    ],
)
def test_clocks(apart_s: float, uncertain_s: float, state: State) -> None:
    """What the comparison may be wrong by is no disagreement."""
    assert clocks("q", apart_s=apart_s, uncertain_s=uncertain_s).state is state
