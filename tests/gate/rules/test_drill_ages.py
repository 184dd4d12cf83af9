"""How long ago the strategies were drilled."""

import pytest

from pam_rollback.report.earlier_runs import DrillAges, LastDrill

DAY_S = 86_400


def test_all_drilled_lately_is_fresh() -> None:
    """To the very day."""
    ages = DrillAges(
        [LastDrill("gradual", 30 * DAY_S, "sandbox", "r1"), LastDrill("frontend", 60, "sandbox", "r2")], 30
    )

    assert ages.fresh
    assert "gradual 30 d ago (sandbox, r1); frontend 1 min ago" in str(ages)


def test_one_that_is_old_is_named() -> None:
    """Beside those that are not."""
    ages = DrillAges(
        [LastDrill("gradual", 31 * DAY_S, "sandbox", "r1"), LastDrill("frontend", 7200, "sandbox", "r2")], 30
    )

    assert not ages.fresh
    assert str(ages).startswith("gradual: no drill ended with GO in the last 30 days")
    assert "frontend 2 h ago" in str(ages)


@pytest.mark.parametrize("failed", ["NO-GO", "ACTION FAILED", "UNDO FAILED"])
def test_what_failed_last_is_not_fresh_however_young(failed: str) -> None:
    """It is named with its run and its age; the other one is not blamed."""
    ages = DrillAges(
        [LastDrill("gradual", 1860, "sandbox", "r1", failed), LastDrill("frontend", 60, "sandbox", "r2")], 30
    )

    assert not ages.fresh
    assert str(ages).startswith("gradual: the newest drill failed (drilled here: gradual 31 min ago with " + failed)
    assert "(sandbox, r1)" in str(ages)
    assert ages.figures.measured == "1 failed"
    assert [one.good_d for one in ages.drills] == [None, 60 / DAY_S]


def test_never_is_not_fresh_and_neither_is_nothing() -> None:
    """A plan without strategies would be one that nobody drilled."""
    assert not DrillAges([LastDrill("gradual")], 30).fresh
    assert "gradual never" in str(DrillAges([LastDrill("gradual")], 30))
    assert not DrillAges([], 30).fresh
