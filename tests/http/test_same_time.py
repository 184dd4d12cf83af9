"""Whether clocks agree, by any answer of a real server over loopback."""

import re

import pytest

from pam_rollback.core.question import State
from pam_rollback.http.same_time import clocks, same_time
from tests.scripted_provider import always, serving

CLOCK = "it is the same time there"


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
    assert clocks("q", apart_s=apart_s, uncertain_s=uncertain_s, apart_s_max=5).state is state
