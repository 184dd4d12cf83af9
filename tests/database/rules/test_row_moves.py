"""Moved rows: written-out checksums of owners, what is red whatever its trace, and what is not known."""

from datetime import UTC, datetime

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.row_counts import TableContent, TableCount, TableCounts
from pam_rollback.database.row_rewriting import moves, rewriting

MOMENT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
Group = tuple[int, str, str, float]
BEFORE: dict[int, Group] = {1: (10, "11", "101", 5.0), 2: (10, "12", "102", 5.0), 7: (10, "17", "107", 0.0)}
OWNERS = {1: "1001", 2: "1002", 7: "1007"}
COLUMNS = ("user_id", "amount")


def counts(groups: dict[int, Group], owners: dict[int, str] | None, *, owner: str = "user_id") -> TableCounts:
    """Give the counts of expenses; without owners where the table has none."""
    content = (
        TableContent(columns=COLUMNS, groups=groups)
        if owners is None
        else TableContent(columns=COLUMNS, groups=groups, owner=owner, owners=owners)
    )
    rows = sum(group[0] for group in groups.values())
    return TableCounts(created_until=MOMENT, tables={"expenses": TableCount(rows=rows, keys="40", content=content)})


@pytest.mark.parametrize("changed_s", [5.0, 9.5])
def test_another_owner_is_red_whatever_the_moment_of_change(changed_s: float) -> None:
    """And is no rewriting: the class of its own is the one that says what to do."""
    now = counts({**BEFORE, 2: (10, "12", "999", changed_s)}, {**OWNERS, 2: "5"})
    found = moves(counts(BEFORE, OWNERS), now)

    assert found.damaged_rows
    assert found.found == {"expenses": (2,)}
    assert str(found.with_ids({"expenses": ("41", "42")})) == (
        "expenses: 1 rows or more were moved to another owner, among the ids 41, 42 (30 of 30 rows compared), "
        "created until 2026-11-24 12:00:00 UTC"
    )
    assert rewriting(counts(BEFORE, OWNERS), now).damaged_rows == 0


def test_lost_rows_are_not_moved_rows() -> None:
    """Their groups cannot be compared; with more than half of them nothing is known."""
    one = moves(counts(BEFORE, OWNERS), counts({**BEFORE, 2: (9, "3", "4", 5.0)}, {**OWNERS, 2: "5"}))
    most = moves(counts(BEFORE, OWNERS), counts({1: BEFORE[1]}, {1: OWNERS[1]}))

    assert one.damaged_rows == 0
    assert one.measured.n == 20
    with pytest.raises(MeasurementFailed, match="the owners of 10 of 30 rows could be compared, 50 % are needed"):
        assert most.damaged_rows == 0


def test_a_column_that_is_gone_is_unknown() -> None:
    """Whose the rows are cannot be told any more."""
    with pytest.raises(MeasurementFailed, match="not comparable any more, expected the column user_id"):
        assert moves(counts(BEFORE, OWNERS), counts(BEFORE, {}, owner="")).damaged_rows == 0
    with pytest.raises(MeasurementFailed, match="not comparable any more, expected the column user_id"):
        assert moves(counts(BEFORE, OWNERS), TableCounts(created_until=MOMENT, tables={})).damaged_rows == 0


def test_a_baseline_without_owners_says_nothing() -> None:
    """Whose the rows were has to be known before."""
    with pytest.raises(MeasurementFailed, match="the baseline does not say whose its rows were; take a new one"):
        assert moves(counts(BEFORE, None), counts(BEFORE, OWNERS)).damaged_rows == 0


def test_nothing_compared_is_no_proof() -> None:
    """An empty database has no moved rows, and proves nothing."""
    with pytest.raises(MeasurementFailed, match="nothing is known of moved rows"):
        assert moves(counts({}, {}), counts({}, {})).damaged_rows == 0
