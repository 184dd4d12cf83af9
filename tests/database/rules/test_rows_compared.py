"""Rows that were rewritten or moved: written-out checksums, what is red, what has a trace, and what is not known."""

from datetime import UTC, datetime, timedelta

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.row_counts import TableContent, TableCount, TableCounts
from pam_rollback.database.row_rewriting import moves, rewriting

MOMENT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
Group = tuple[int, str, str, float]
BEFORE: dict[int, Group] = {1: (10, "11", "101", 5.0), 2: (10, "12", "102", 5.0), 7: (10, "17", "107", 0.0)}
OWNERS = {1: "1001", 2: "1002", 7: "1007"}
COLUMNS = ("user_id", "amount")


def counts(
    groups: dict[int, Group],
    owners: dict[int, str] | None = None,
    *,
    owner: str = "user_id",
    columns: tuple[str, ...] = COLUMNS,
    until: datetime = MOMENT,
) -> TableCounts:
    """Give the counts of expenses in these groups, and of profiles, which have none; without owners where none are given."""
    owned = {} if owners is None else {"owner": owner, "owners": owners}
    content = TableContent(columns=columns, groups=groups, **owned)
    rows = sum(group[0] for group in groups.values())
    return TableCounts(
        created_until=until,
        tables={
            "expenses": TableCount(rows=rows, keys="40", content=content),
            "profiles": TableCount(rows=3, keys="1"),
        },
    )


def test_lost_rows_are_not_rewritten_rows() -> None:
    """Fewer rows or other keys in a group: that is told elsewhere, and the group is not judged."""
    found = rewriting(counts(BEFORE), counts({1: BEFORE[1], 2: (9, "9", "99", 5.0), 7: BEFORE[7]}))

    assert found.damaged_rows == 0
    assert found.measured.n == 20


def test_too_few_rows_that_can_be_judged_are_unknown() -> None:
    """Everything was touched, or is gone: neither is "as before"."""
    touched = {number: (rows, keys, "999", 9.5) for number, (rows, keys, _, _) in BEFORE.items()}
    for after in (counts(touched), counts({}), counts({1: BEFORE[1]})):
        with pytest.raises(MeasurementFailed, match="of 30 rows could be compared, 50 % are needed"):
            assert rewriting(counts(BEFORE), after).damaged_rows == 0


def test_a_table_that_cannot_be_compared_is_unknown() -> None:
    """A column is gone, or the table; nothing was counted at all."""
    for after in (
        counts(BEFORE, columns=("user_id",)),
        TableCounts(created_until=MOMENT, tables={}),
    ):
        with pytest.raises(MeasurementFailed, match="expenses: its content is not comparable any more"):
            assert rewriting(counts(BEFORE), after).damaged_rows == 0
    with pytest.raises(MeasurementFailed, match="no row of before was compared"):
        assert rewriting(counts({}), counts({})).damaged_rows == 0


def test_red_is_red_beside_what_is_unknown() -> None:
    """One rewritten group decides, whatever else cannot be judged."""
    after = {1: (10, "11", "999", 5.0), 2: (10, "12", "999", 9.5), 7: (10, "17", "999", 9.5)}

    assert rewriting(counts(BEFORE), counts(after)).damaged_rows


@pytest.mark.parametrize(
    ("rows", "changed", "words"),
    [
        (402, 400, "profiles: 400 of 402 rows were changed since, more than 50 %"),
        (10, 6, "profiles: 6 of 10 rows were changed since"),
        (402, 201, ""),  # a busy week
        (9, 9, ""),  # a handful
        (402, None, ""),  # the table does not keep it: a condition says so
    ],
)
def test_more_than_half_of_a_table_is_no_use_of_it(rows: int, changed: int | None, words: str) -> None:
    """Nobody knows whether it is damage; where something else is red, that decides."""
    before, after = counts(BEFORE), counts(BEFORE)
    before = before.model_copy(update={"tables": {**before.tables, "profiles": TableCount(rows=rows, keys="1")}})
    changes = {"profiles": TableCount(rows=rows, keys="1", changed=changed)}
    after = after.model_copy(update={"tables": {**after.tables, **changes}})
    red = counts({**BEFORE, 2: (10, "12", "999", 5.0)})
    red = red.model_copy(update={"tables": {**red.tables, **changes}})

    if words:
        with pytest.raises(MeasurementFailed, match=words):
            _ = rewriting(before, after).damaged_rows
    else:
        assert rewriting(before, after).damaged_rows == 0
    assert rewriting(before, red).damaged_rows


def test_what_is_not_compared_is_a_condition() -> None:
    """By name, each once: what says only how much of it was changed, and what says nothing."""
    before = counts(BEFORE)
    tables = {**before.tables, "settings": TableCount(rows=3, keys="1", changed=1)}
    found = rewriting(before.model_copy(update={"tables": tables}), before.model_copy(update={"tables": tables}))

    assert found.unproven == (
        "contents not compared with before: settings (only how many rows were changed), profiles (nothing of them), passwords"
    )


def test_other_spans_and_files() -> None:
    """Rows of different spans are never held against each other; what is written is read."""
    with pytest.raises(ValueError, match="counts of different spans"):
        rewriting(counts(BEFORE), counts(BEFORE, until=MOMENT + timedelta(seconds=1)))

    assert TableCounts.model_validate_json(counts(BEFORE).model_dump_json()) == counts(BEFORE)


# ---------------------------------------------------------------- moved


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
