"""A ledger's writes: what goes in comes out, and a record that is not complete is refused."""

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.ledger.ledger_config import Write, WriteKind, Writes

THREE = [
    Write(0, WriteKind.EXPENSE, "m0", "1.00 fuel", sent_s=1.0, acked_s=1.5),
    Write(1, WriteKind.CHAT, "m1", "m1: remember this", sent_s=2.0, why="HTTP 503"),
    Write(2, WriteKind.SETTING, "m2", "m2", sent_s=3.0, acked_s=3.5),
]


def test_what_goes_in_comes_out() -> None:
    """Every fact of every write is kept, in the order in which they were sent."""
    writes = Writes(THREE)

    assert list(writes) == THREE
    assert (len(writes), writes.acknowledged) == (3, 2)


def test_an_acknowledgement_counts_once() -> None:
    """A second one for the same write is no second write."""
    writes = Writes(THREE)
    writes.acknowledge(0, 9.0)
    writes.acknowledge(1, 9.5)

    assert writes.acknowledged == 3
    assert [write.acked_s for write in writes] == [9.0, 9.5, 3.5]


@pytest.mark.parametrize("seq", [0, 2])
def test_a_number_that_is_not_the_next_is_refused(seq: int) -> None:
    """A line that is missing or there twice: who is lost could not be said."""
    writes = Writes(THREE[:1])
    with pytest.raises(MeasurementFailed, match=f"write {seq} follows upon 0: the ledger's record is not complete"):
        writes.announce(Write(seq, WriteKind.CHAT, "m9", "m9: text", 2.0))
    assert list(writes) == THREE[:1]


def test_a_marker_that_stands_for_two_writes_is_refused() -> None:
    """One row could answer for both."""
    writes = Writes(THREE[:1])
    with pytest.raises(MeasurementFailed, match="stands for two writes"):
        writes.announce(Write(1, WriteKind.EXPENSE, "m0", "2.00 fuel", 2.0))


@pytest.mark.parametrize("change", ["acknowledge", "leave_open"])
def test_a_write_that_was_never_announced_has_no_fate(change: str) -> None:
    """Neither end of a write can come before its beginning."""
    writes = Writes(THREE)
    with pytest.raises(IndexError):
        getattr(writes, change)(3, 1.0 if change == "acknowledge" else "HTTP 503")
