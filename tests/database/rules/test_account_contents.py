"""What the test account is shown, against how it was: what it wrote itself since is nothing, what others wrote or changed is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Measured
from pam_rollback.database.account_contents import ROWS_MAX, changed, recorded

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
ME = "me"
EXPENSE = {"id": 1, "amount": 12.5, "description": "Diesel, full tank", "created_at": "2026-11-01T08:00:00+00:00"}
MESSAGE = {"id": "a", "content": "Where to?", "role": "user", "created_at": "2026-11-01T08:00:00+00:00"}
BEFORE: dict[str, Any] = {
    "expenses": [EXPENSE, {**EXPENSE, "id": 2}],
    "history": [MESSAGE],
    "profile": [{"full_name": "T. T.", "preferences": {"vehicle": "van"}, "updated_at": "then"}],
    "settings": [{"theme": "dark", "rollback_window": "x"}],
}


def now(**others: Any) -> Measured:
    """With these in the place of what was there."""
    before = recorded(BEFORE, taken_at=AT, salt="s")
    given = {name: rows for name, rows in {**BEFORE, **others}.items() if rows is not None}
    return changed(before, given, {"expenses": "HTTP 500"}, user_id=ME, cleared={"history"})


def later(**fields: Any) -> dict[str, Any]:
    """An expense that came since."""
    return {**EXPENSE, "id": 3, "created_at": (AT + timedelta(minutes=5)).isoformat(), **fields}


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"expenses": [later(), *BEFORE["expenses"]]},
        {"expenses": [{**EXPENSE, "amount": "12.50", "tag": "new"}, {"id": 2, "amount": 12.50}]},
        {"history": []},
        {"profile": [{**BEFORE["profile"][0], "updated_at": "now"}]},
        {"settings": [{"theme": "dark", "rollback_window": "y"}]},
    ],
    ids=["same", "new", "written otherwise", "history emptied", "touched", "ours"],
)
def test_as_it_was(others: dict[str, Any]) -> None:
    """Or what people, a release and this suite change all the time."""
    assert now(**others).number == 0


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"expenses": [{**EXPENSE, "amount": 1250.0}, BEFORE["expenses"][1]]}, "expenses 1 has another amount"),
        ({"expenses": [EXPENSE]}, "1 of 2 expenses are gone"),
        ({"expenses": []}, "2 of 2 expenses are gone"),
        ({"history": [MESSAGE, {**MESSAGE, "id": "b"}]}, "history b is older, and was not there"),
        ({"expenses": [later(user_id="you"), *BEFORE["expenses"]]}, "expenses 3 names another owner"),
        ({"profile": [{"full_name": "T. T.", "preferences": {}}]}, "profile has another preferences"),
        ({"settings": [{"theme": "light"}]}, "settings has another theme"),
    ],
)
def test_what_changed_is_named_by_its_field(others: dict[str, Any], words: str) -> None:
    """And never by what it says."""
    found = now(**others)

    assert found.number
    assert words in str(found)


def test_what_cannot_be_read_is_not_known() -> None:
    """What was found beside it stands."""
    with pytest.raises(MeasurementFailed, match="not known of expenses: HTTP 500"):
        _ = now(expenses=None).number
    assert now(expenses=None, profile=[{"full_name": "X"}]).number


def test_rows_that_a_long_list_does_not_show_are_not_known() -> None:
    """They may be changed, and would pass."""
    newer = [later(id=1000 + number) for number in range(ROWS_MAX)]

    with pytest.raises(MeasurementFailed, match="1 of 2 expenses: not among the 1000 that are shown"):
        _ = now(expenses=[EXPENSE, *newer[1:]]).number
    assert now(expenses=[{**EXPENSE, "amount": 1250.0}, *newer[1:]]).number


def test_a_record_has_no_words_of_the_account() -> None:
    """Fingerprints alone; what the suite wrote is not in it."""
    ours = {**EXPENSE, "id": 9, "description": "rollback check 1a2b"}
    kept = recorded({**BEFORE, "expenses": [EXPENSE, ours]}, taken_at=AT, salt="s")

    assert len(kept.rows["expenses"]) == 1
    assert not any(word in kept.model_dump_json() for word in ("Diesel", "12.5", "van", "Where"))
