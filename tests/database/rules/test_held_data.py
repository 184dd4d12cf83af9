"""The data at the end of a window: whole, damaged or not known, and never whole because nobody looked."""

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.held_data import HeldData
from pam_rollback.target.invariants import InvariantResult

GOOD = InvariantResult("expenses-amount", "every expense has an amount", looked_at=40, offenders=0, worst=())
BAD = InvariantResult("expenses-orphaned", "every expense has an owner", looked_at=40, offenders=2, worst=("7", "9"))
EMPTY = InvariantResult("messages-blank", "no message is blank", looked_at=0, offenders=0, worst=())
BLIND = {"settings-missing": "settings-missing: a lock was not given within 0.2 s"}


def test_all_that_hold_are_whole() -> None:
    """With how many were asked, of how many rows, and when."""
    held = HeldData((GOOD, GOOD), {}, after_s=15.2)

    assert held.broken == 0
    assert str(held) == "all of 2 invariants asked after 15 s of the window hold"
    assert (held.measured.value, held.measured.n) == (0, 2)
    assert "80 rows looked at" in held.measured.definition


@pytest.mark.parametrize("unknown", [{}, BLIND])
def test_damage_counts_whatever_else_is_not_known(unknown: dict[str, str]) -> None:
    """Named with its rows."""
    held = HeldData((GOOD, BAD), unknown, after_s=15)

    assert held.broken
    assert repr(held).startswith(
        "1 of 2 invariants asked after 15 s of the window are broken: expenses-orphaned: 2 of 40"
    )


def test_an_empty_table_is_no_whole_one() -> None:
    """Where there must be rows, none are no proof."""
    assert HeldData((GOOD, EMPTY), {}, after_s=15).broken


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (HeldData((GOOD,), BLIND, after_s=15), "not known are 1 more: settings-missing: a lock"),
        (HeldData((), {}, after_s=15), "no invariant was asked, so nothing is proven"),
        (HeldData((), BLIND, after_s=15), "0 invariants asked after 15 s of the window, not known are 1 more"),
    ],
)
def test_what_nobody_could_ask_is_unknown(held: HeldData, words: str) -> None:
    """Never whole."""
    with pytest.raises(MeasurementFailed, match=words):
        _ = held.broken


def test_what_was_left_out_is_named_and_keeps_nothing_unknown() -> None:
    """There was nothing to hold it against: what was asked is whole, and everybody reads what was not."""
    left_out = {"migrations-drift": "no git"}
    held = HeldData((GOOD,), {}, after_s=15, left_out=left_out)

    assert held.broken == 0
    assert str(held).endswith("hold; left out: migrations-drift: no git")
    assert held.measured.definition.endswith("; left out: migrations-drift: no git")
    assert HeldData((BAD,), {}, after_s=15, left_out=left_out).broken
    for unknown in (HeldData((), {}, after_s=15, left_out=left_out), HeldData((GOOD,), BLIND, 15, left_out)):
        with pytest.raises(MeasurementFailed):
            _ = unknown.broken


def test_many_broken_ones_are_counted_and_not_all_listed() -> None:
    """A restored copy of the wrong day is one problem."""
    assert str(HeldData((BAD,) * 5, {}, after_s=15)).endswith("; and 2 more")
    assert str(HeldData((BAD,) * 4, {}, after_s=15)).endswith("; and 1 more")
    assert "more" not in str(HeldData((BAD,) * 3, {}, after_s=15))
    assert HeldData((BAD,) * 3, {}, after_s=15).measured.margin == -3
