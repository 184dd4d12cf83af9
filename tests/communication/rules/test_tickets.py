"""When are more tickets than usual too many?  Exact sums, false alarms counted, and what is not known stays unknown."""

import random
from fractions import Fraction
from math import comb, exp

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.communication.tickets import ALARM_BELOW_P, HISTORY_D, TicketVolume, chance_of, latest_s

HOUR_S = 3600.0
SEEDED_A_DAY = 2.2
"""What the sandbox has: `_TICKETS_PER_DAY` of its seed."""


def volume(count: int, before: int = 31, same_hours: int = 1, **more: float) -> TicketVolume:
    """An hour's tickets beside a fortnight's; without more said, as the sandbox has them."""
    settings = {"latest_s": HOUR_S, "oldest_d": 90.0, **more}
    return TicketVolume(count=count, before=before, same_hours=same_hours, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("count", "before"),
    [(0, 4), (1, 1), (3, 31), (40, 100), (2, 300), (20, 30), (20, 300), (5, 100), (7, 0), (21, 300)],
)
@pytest.mark.parametrize("share", [Fraction(1, 15), Fraction(1, 337)])
def test_the_chance_is_the_binomial_tail(count: int, before: int, share: Fraction) -> None:
    """Against the sum in whole numbers."""
    total = before + count
    exact = sum(comb(total, hits) * share**hits * (1 - share) ** (total - hits) for hits in range(count, total + 1))

    assert chance_of(count, before=before, share=float(share)) == pytest.approx(float(exact), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(
    ("count", "normal"), [(0, True), (1, True), (500, True), (2976, True), (3100, True), (3200, False)]
)
def test_a_busy_service_has_a_chance_too(count: int, *, normal: bool) -> None:
    """A million tickets in the history: nothing overflows, nothing underflows into an alarm."""
    assert volume(count, before=1_000_000, same_hours=41_664).normal is normal


@pytest.mark.parametrize(
    ("before", "same_hours", "unusual_from"),
    [
        pytest.param(31, 0, 3, id="two a day, none at this time"),
        pytest.param(31, 1, 4, id="two a day, one at this time"),
        pytest.param(1, 0, 3, id="hardly ever"),
        pytest.param(3360, 140, 23, id="ten an hour"),
        pytest.param(3360, 560, 63, id="ten an hour, forty at this time of day"),
        pytest.param(3360, 0, 22, id="ten an hour, none at this time of day"),
    ],
)
def test_the_smallest_unusual_count(before: int, same_hours: int, unusual_from: int) -> None:
    """It is the edge: one less is normal."""
    usual = volume(0, before, same_hours)

    assert usual.unusual_from == unusual_from
    assert volume(unusual_from - 1, before, same_hours).normal
    assert not volume(unusual_from, before, same_hours).normal


def test_false_alarms_are_as_rare_as_they_are_said_to_be() -> None:
    """A hundred thousand healthy sessions at the sandbox's rate: below one in a thousand by far."""
    chance = random.Random(7)
    edges: dict[tuple[int, int], int] = {}
    alarms = 0
    for _ in range(100_000):
        count = _poisson(chance, SEEDED_A_DAY / 24)
        if count < 2:
            continue
        same_hours = _poisson(chance, SEEDED_A_DAY * HISTORY_D / 24)
        before = same_hours + _poisson(chance, SEEDED_A_DAY * HISTORY_D * 23 / 24)
        edge = edges.setdefault((before, same_hours), volume(0, before, same_hours).unusual_from)
        alarms += count >= edge

    assert alarms / 100_000 < ALARM_BELOW_P / 5


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

    assert not volume(40, recovered_s=60.0, since_recovery=9).normal  # they go on
    assert not volume(40, latest_s=7200.0, recovered_s=7200.0, since_recovery=40).normal  # it was long enough ago
    assert volume(1, recovered_s=60.0, since_recovery=0).normal


@pytest.mark.parametrize(("since_s", "looked_at_s"), [(0, 3600), (3599, 3600), (7200, 7200), (999_999, 86_400)])
def test_the_time_that_is_looked_at(since_s: float, looked_at_s: float) -> None:
    """Since the recovery, but an hour at least and a day at most."""
    assert latest_s(since_s) == looked_at_s


def test_the_sentence_has_every_number() -> None:
    """n, mean, count, p, and from where on it would be unusual."""
    assert str(volume(4)) == (
        "4 support tickets in 60 min, usual are 0.092 (n=31 in 14 days, 1 of them at this time of day), p 9.3e-05; unusual from 4 on"
    )
    assert (volume(4).figures.n, volume(4).figures.asked, volume(4).figures.margin) == (31, "below 4", 0)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    """A programming error, not a measurement."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        chance_of(1, before=1, share=share)
