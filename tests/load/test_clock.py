"""How far another machine's clock is ahead, from questions for the time that were on their way for a while."""

import random
import time

import pytest

from pam_rollback.load.client.process.clock import Echo, now_s, offset_s


@pytest.mark.parametrize("ahead_s", [-3600.0, -0.004, 0.0, 30.0])
def test_the_error_is_half_of_the_quickest_way_at_most(ahead_s: float) -> None:
    """Slow ways in one direction shift what one question says; the quickest of them decides."""
    chance = random.Random(1)
    echoes = []
    for number in range(8):
        there_s, back_s = chance.uniform(0.0005, 0.2), chance.uniform(0.0005, 0.2)
        echoes.append(Echo(number, number + there_s + ahead_s, number + there_s + back_s))
    quickest_s = min(echo.back_s - echo.sent_s for echo in echoes)

    assert offset_s(echoes) == pytest.approx(ahead_s, abs=quickest_s / 2)


def test_moments_are_those_of_the_wall_clock() -> None:
    """As long as nobody sets it."""
    assert now_s() == pytest.approx(time.time(), abs=0.5)
