"""When are more tickets than usual too many?  False alarms are counted, and what is not known stays unknown."""

import random
from math import exp

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.notify.tickets import HISTORY_D, TicketVolume, latest_s

HOUR_S = 3600.0
SEEDED_A_DAY = 2.2
"""What the sandbox has: `_TICKETS_PER_DAY` of its seed."""


def is_unusual(found: TicketVolume) -> bool:
    """As the check judges it."""
    return found.count >= found.unusual_from


def volume(count: int, before: int = 31, same_hours: int = 1, **more: float) -> TicketVolume:
    """An hour's tickets beside a fortnight's; without more said, as the sandbox has them."""
    settings = {"latest_s": HOUR_S, "oldest_d": 90.0, **more}
    return TicketVolume(count=count, before=before, same_hours=same_hours, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "same_hours", "unusual_from"),
    [
        pytest.param(31, 1, 4, id="two a day, one at this time"),
        pytest.param(1, 0, 3, id="hardly ever"),
        pytest.param(3360, 140, 24, id="ten an hour"),
        pytest.param(3360, 560, 65, id="ten an hour, forty at this time of day"),
    ],
)
def test_the_smallest_unusual_count(before: int, same_hours: int, unusual_from: int) -> None:
    """The exact test of two Poisson rates, at one in a thousand, says 4, 3, 23 and 63."""
    assert volume(0, before, same_hours).unusual_from == unusual_from


def test_false_alarms_are_as_rare_as_they_are_said_to_be() -> None:
    """A hundred thousand healthy sessions at the sandbox's rate: below one in a thousand by far."""
    chance, alarms = random.Random(7), 0
    for _ in range(100_000):
        count = _poisson(chance, SEEDED_A_DAY / 24)
        if count < 2:
            continue
        same_hours = _poisson(chance, SEEDED_A_DAY * HISTORY_D / 24)
        before = same_hours + _poisson(chance, SEEDED_A_DAY * HISTORY_D * 23 / 24)
        alarms += is_unusual(volume(count, before or 1, same_hours))

    assert alarms < 20


def _poisson(chance: random.Random, mean: float) -> int:
    limit, product, count = exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        pytest.param({"before": 0}, "no support ticket in the 14 days", id="nothing in the history"),
        pytest.param({"before": 0, "oldest_d": None}, "a role that sees no rows", id="an empty table"),
        pytest.param({"oldest_d": 9.0}, "9.0 days old, 15 are needed", id="a young table"),
    ],
)
def test_without_a_history_nothing_is_usual(facts: dict[str, float], words: str) -> None:
    """Unknown, however few there are now."""
    with pytest.raises(MeasurementFailed, match=words):
        volume(0, **facts)  # type: ignore[arg-type]


def test_the_tickets_of_the_incident_itself_prove_nothing_yet() -> None:
    """Many in the hour, none since the rollback a minute ago: neither recovered nor not."""
    with pytest.raises(MeasurementFailed, match="look again when the rollback is 60 min old"):
        volume(40, recovered_s=60.0, since_recovery=0)

    assert is_unusual(volume(40, recovered_s=60.0, since_recovery=9))  # they go on
    assert is_unusual(volume(40, latest_s=7200.0, recovered_s=7200.0, since_recovery=40))  # it was long enough ago
    assert not is_unusual(volume(1, recovered_s=60.0, since_recovery=0))


@pytest.mark.parametrize(("since_s", "looked_at_s"), [(0, 3600), (3599, 3600), (7200, 7200), (999_999, 86_400)])
def test_the_time_that_is_looked_at(since_s: float, looked_at_s: float) -> None:
    """Since the recovery, but an hour at least and a day at most."""
    assert latest_s(since_s) == looked_at_s
