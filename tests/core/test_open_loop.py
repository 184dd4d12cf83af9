"""What is due leaves, or is recorded as never sent; how late it left is counted the same way by whoever sends."""

import math

import pytest

from pam_rollback.core.open_loop import TOO_LATE_S, Sending, Ticks, why_not_sent


def test_no_delay_adds_up() -> None:
    """The thousandth is due a thousand times the distance after the first, however late those before it left."""
    assert Ticks(5.0, 50.0).due_s(1000) == 25.0


@pytest.mark.parametrize(
    ("behind_s", "out", "words"),
    [
        (0.0, 0, ""),
        (TOO_LATE_S, 2, ""),
        (-0.1, 2, ""),
        (TOO_LATE_S + 0.1, 0, "overrun: the prober was 1.1 s behind"),
        (0.0, 3, "overrun: 3 probes are still out"),
        (9.0, 3, "overrun: the prober was 9.0 s behind"),
    ],
)
def test_what_cannot_leave_in_time_does_not_leave(behind_s: float, out: int, words: str) -> None:
    """Nor does one more than may be out at once."""
    assert why_not_sent("prober", "probes", behind_s=behind_s, out=out, out_max=3) == words


def test_late_and_never_are_counted_apart() -> None:
    """At the limit is in time; without a moment, or with none that is a number, it never left."""
    found = Sending.of([0.0, 250.0, 250.1, 900.0, None, math.nan], late_ms=250)

    assert (found.due, found.left, found.late, found.never, found.latest_ms) == (6, 4, 2, 2, 900.0)


def test_what_never_left_has_no_lag() -> None:
    """And is not taken for on time."""
    assert Sending.of([None], late_ms=250).latest_ms == 0
