"""Looks in a row, and the time of a turn: rules alone."""

import random
import tracemalloc

import pytest

from pam_rollback.decision.decision import Finding, State
from pam_rollback.ops.watch.looks import Look, Moment, Streaks, length_s, unwatched_s

EVERY_S = 15.0
LOOKS_A_DAY = 5760
CLEAR, HOLDS, WATCH, UNKNOWN = State.CLEAR, State.HOLDS, State.WATCH, State.UNKNOWN


def after(*states: State | None) -> Streaks:
    """Looks at one criterion; None proves nothing."""
    streaks = Streaks()
    for at_s, state in enumerate(states):
        found = (Finding("IR-2", state or HOLDS, "as written"),)
        streaks = streaks.after(Look(at_s, found, blind="" if state else "the red control was good"))
    return streaks


def test_what_proves_nothing_is_about_users_also_where_only_memory_was_known() -> None:
    """Blocked from the first look on: memory, which the host tells, was the only thing that had been known."""
    streaks = Streaks().after(Look(0, (Finding("IR-6", CLEAR, "as written"),)))
    for at_s in (1, 2, 3):
        streaks = streaks.after(Look(at_s, blind="we are blocked"))

    assert {name: one.unknown for name, one in streaks.of.items()} == {"IR-2": 3, "IR-6": 3}
    assert Look(1, blind="blocked, n=200").unknown_about == Look(2, blind="blocked, n=218").unknown_about


@pytest.mark.parametrize(
    ("states", "confirmed"),
    [
        ((HOLDS, HOLDS, HOLDS), True),
        ((HOLDS, State.CONSIDER, HOLDS), True),
        ((HOLDS, UNKNOWN, HOLDS, None, HOLDS), True),
        ((HOLDS, HOLDS), False),
        ((HOLDS, HOLDS, None, None), False),
        ((UNKNOWN,) * 9, False),
    ],
)
def test_three_that_ask_in_a_row(states: tuple[State | None, ...], *, confirmed: bool) -> None:
    """What proves nothing goes on with no streak, and ends none."""
    assert (after(*states).confirmed(()) == ("IR-2",)) == confirmed


@pytest.mark.parametrize(
    ("states", "confirmed"),
    [
        ((HOLDS, CLEAR, HOLDS, HOLDS), True),  # 22 s down, 14 s up, a look every 15 s
        ((HOLDS, *(CLEAR,) * 4, State.CONSIDER, *(CLEAR,) * 3, HOLDS), True),
        ((HOLDS, *(CLEAR,) * 4, HOLDS, *(CLEAR,) * 4, HOLDS), False),  # the first is no longer one of the ten
        ((HOLDS, *(WATCH,) * 9, HOLDS, *(WATCH,) * 9, HOLDS), True),  # 4 min down, 2 min up
        ((HOLDS, *(WATCH,) * 14, HOLDS, *(WATCH,) * 14, HOLDS), False),  # half an hour
        ((HOLDS, UNKNOWN, CLEAR, None, HOLDS, UNKNOWN, HOLDS), True),
        ((CLEAR, HOLDS, HOLDS, *(CLEAR,) * 9), False),
        ((HOLDS, *(CLEAR,) * 12), False),
        ((WATCH,) * 30, False),
        ((HOLDS, HOLDS, HOLDS, CLEAR, CLEAR, CLEAR, HOLDS, HOLDS), False),  # told, and over
    ],
)
def test_three_of_ten_that_ask(states: tuple[State | None, ...], *, confirmed: bool) -> None:
    """An outage that comes and goes is one, whatever lies between; a hiccup is none."""
    assert (after(*states).confirmed(()) == ("IR-2",)) == confirmed


@pytest.mark.parametrize(
    ("states", "over"),
    [
        ((CLEAR, CLEAR, CLEAR), True),
        ((CLEAR, None, CLEAR, UNKNOWN, CLEAR), True),
        ((CLEAR, CLEAR), False),
        ((CLEAR, CLEAR, WATCH, CLEAR), False),
        ((CLEAR, CLEAR, HOLDS, CLEAR), False),
        ((UNKNOWN,) * 9, False),
        ((None,) * 9, False),
        ((), False),
    ],
)
def test_three_calm_ones_end_it(states: tuple[State | None, ...], *, over: bool) -> None:
    """Of an incident that was open when the turn began."""
    assert (after(*states).confirmed(("IR-2",)) == ()) == over


def test_no_false_incident_in_a_week() -> None:
    """One look in fifty is bad by chance, one in fifty proves nothing, and nothing is behind it; judged look by look."""
    lot, streaks, open_incidents = random.Random(19), Streaks(), 0
    for number in range(7 * LOOKS_A_DAY):
        drawn = lot.random()
        found = (Finding("IR-2", HOLDS if drawn < 0.01 else CLEAR, "by lot"),)
        streaks = streaks.after(Look(number * EVERY_S, found, blind="" if drawn < 0.98 else "away"))
        open_incidents += bool(streaks.confirmed(()))

    assert open_incidents == 0


def test_memory_is_flat_over_a_day() -> None:
    """What is known after a day of looks is as large as after an hour."""
    streaks, sizes = Streaks(), []
    tracemalloc.start()
    for number in range(LOOKS_A_DAY):
        streaks = streaks.after(Look(number * EVERY_S, (Finding("IR-2", CLEAR, f"look {number}"),)))
        if number % 240 == 239:
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()

    assert max(sizes) - sizes[0] < 10_000


@pytest.mark.parametrize(("text", "seconds"), [("5h30m", 19800), ("2d", 172_800), ("90s", 90), ("1d1h1m1s", 90_061)])
def test_a_turn_has_a_length(text: str, seconds: float) -> None:
    """As people write it."""
    assert length_s(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "5", "-1h", "1.5h", "30m5h", "for ever", "१h"])
def test_another_length_is_refused(text: str) -> None:
    """Never taken for none, or for ever."""
    with pytest.raises(ValueError, match="expected a time"):
        length_s(text)


def test_clocks() -> None:
    """A late look is none that nobody watched."""
    before = Moment(1000, 5000)

    assert unwatched_s(before, Moment(1100, 5100), EVERY_S) == 0
    assert unwatched_s(before, Moment(1106, 5106), EVERY_S) == 106
