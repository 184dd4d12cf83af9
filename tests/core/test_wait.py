"""A wait names its condition, has a limit, asks for a streak, and ends when somebody asks to stop."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from pam_rollback.core.errors import StopRequested
from pam_rollback.core.wait import Backoff, NotReached, StopFile, Waiter
from pam_rollback.plan.flags import Flag
from tests.virtual_clock import VirtualClock


def history(*values: int) -> Iterator[int]:
    """These, then the last one for ever."""
    yield from values
    while True:
        yield values[-1]


def test_it_ends_when_the_condition_holds() -> None:
    """The last observation comes back."""
    seen = history(0, 0, 7)

    assert (
        Waiter(VirtualClock(now_s=100.0)).until(
            lambda: next(seen), holds=lambda value: value == 7, within_s=5, what="seven"
        )
        == 7
    )


def test_a_streak_must_not_be_broken() -> None:
    """Flapping is not stable."""
    seen = history(7, 0, 7, 7, 0)

    with pytest.raises(NotReached, match=r"seven: not stable after 5 s, last seen 0"):
        Waiter(VirtualClock(now_s=100.0)).until(
            lambda: next(seen), holds=lambda value: value == 7, within_s=5, what="seven", in_a_row=3
        )


def test_it_says_what_was_seen_last() -> None:
    """The message alone tells what is wrong."""
    with pytest.raises(NotReached, match=r"target published: not reached after 2 s, last seen 3"):
        Waiter(VirtualClock(now_s=100.0)).until(
            lambda: 3, holds=lambda value: value == 4, within_s=2, what="target published"
        )

    with pytest.raises(NotReached, match=r"last seen PAM_VOICE_FEATURES off for 0 %, other on for 10 %$"):
        Waiter(VirtualClock(now_s=100.0)).until(
            lambda: {
                "PAM_VOICE_FEATURES": Flag(enabled=False, rollout_pct=0),
                "other": Flag(enabled=True, rollout_pct=10),
            },
            holds=lambda _: False,
            within_s=1,
            what="flags",
        )


def test_a_stop_file_ends_every_wait(tmp_path: Path) -> None:
    """Also one that was set by another process, and also a mere pause."""
    stop = StopFile(tmp_path / "stop")
    stop.set("SIGTERM")
    waiter = Waiter(VirtualClock(now_s=100.0), stop)

    with pytest.raises(StopRequested, match="SIGTERM"):
        waiter.until(lambda: 1, holds=bool, within_s=1, what="anything")
    with pytest.raises(StopRequested):
        waiter.pause(60)


def test_what_takes_long_is_asked_for_more_rarely() -> None:
    """Often at first, and then as rarely as a limit of requests wants it; seen late by a twentieth of what it took, or by five seconds."""
    clock = VirtualClock(now_s=100.0)
    asked: list[float] = []

    def look() -> float:
        asked.append(clock.now_s - 100)
        return asked[-1]

    Waiter(clock).until(
        look, holds=lambda now_s: now_s >= 600, within_s=700, what="live", every_s=Backoff(least_s=0.1, most_s=5.0)
    )
    pauses = [(after - before, before) for before, after in itertools.pairwise(asked)]

    assert all(pause_s <= min(5.0, max(0.1, 0.05 * passed_s)) + 1e-6 for pause_s, passed_s in pauses)
    assert (len([at_s for at_s in asked if at_s < 60]), len([at_s for at_s in asked if 480 <= at_s < 540])) == (90, 12)
