"""Items of a checklist: what counts, and that a person's word never turns a red measurement green."""

import pytest

from pam_rollback.core.errors import MeasurementFailed, NothingToProve
from pam_rollback.plan.checklist import NOT_CONFIRMED, NOT_DONE, ChecklistItem, Finding

GOOD = Finding(done=True, words="all 5 steps are done")
BAD = Finding(done=False, words="step 'lock' failed")


def test_what_was_measured_counts() -> None:
    """Done is confirmed, with and without a person; not done is not, whoever says so."""
    assert ChecklistItem.of("DUR-1", "Done", lambda: GOOD, "").confirmed
    assert ChecklistItem.of("DUR-1", "Done", lambda: GOOD, "kim: saw it").confirmed
    assert not ChecklistItem.of("DUR-1", "Done", lambda: BAD, "").confirmed

    denied = ChecklistItem.of("DUR-1", "Done", lambda: BAD, "kim: it is fine")

    assert not denied.confirmed
    assert str(denied) == (
        "NOT DONE: step 'lock' failed; a person says otherwise (kim: it is fine), and what was measured counts"
    )
    assert denied.measured.value == NOT_DONE


def test_what_nobody_knows_is_neither() -> None:
    """Not measured and not vouched for raises, and says how to vouch; an empty word is none."""
    item = ChecklistItem.of("PRE-4", "On record", None, "")

    with pytest.raises(
        MeasurementFailed, match='only a person can say so; a person may vouch for it: --ack PRE-4="who'
    ):
        _ = item.confirmed
    assert item.measured.value == NOT_CONFIRMED


@pytest.mark.parametrize("error", [MeasurementFailed("no decision was made"), NothingToProve("nothing is seen")])
def test_what_keeps_us_from_measuring_leaves_it_to_a_person(error: Exception) -> None:
    """The reason is told; with a word it is confirmed by that person."""

    def measure() -> Finding:
        raise error

    open_item = ChecklistItem.of("PRE-2", "Chosen", measure, "")
    vouched = ChecklistItem.of("PRE-2", "Chosen", measure, "kim: agreed with ops")

    assert (open_item.state, open_item.words) == (NOT_CONFIRMED, str(error))
    assert (vouched.confirmed, vouched.words) == (True, "by a person: kim: agreed with ops")
