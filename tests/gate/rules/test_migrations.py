"""What the files of migrations are, and what is said of trying them on a copy."""

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.gate.migration_files import MigrationFile, migrations_in, pending_of, refuse_seen
from pam_rollback.gate.migrations import (
    Contents,
    CopyIntegrity,
    Reversal,
    dropped,
    overwritten,
    rewritten,
)

TRIPS = MigrationFile("2", "trips", "CREATE", "DROP")
ONE_WAY = MigrationFile("3", "more", "CREATE", None)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "expected migrations, found none"),
        ({"readme.sql": ""}, "readme.sql: expected VERSION_NAME.up.sql"),
        ({"1_a.down.sql": ""}, "1_a: has a way back and no way there"),
        ({"1_a.up.sql": "", "1_b.up.sql": ""}, "1: two migrations have this version"),
    ],
)
def test_what_is_no_migration_is_not_guessed_at(files: dict[str, str], words: str) -> None:
    """An unknown file may be the one that matters."""
    with pytest.raises(MeasurementFailed, match=words):
        migrations_in(files, "migrations")


def test_what_the_database_does_not_have_is_pending() -> None:
    """In the order of the files."""
    assert pending_of((TRIPS, ONE_WAY), {"1", "2"}) == (ONE_WAY,)


def test_a_copy_that_has_them_already_shows_nothing() -> None:
    """Only what the candidate brings counts, and only when it is not tried."""
    refuse_seen({"3"}, [ONE_WAY], back_to="commit a")
    refuse_seen(set(), [], back_to="commit a")
    with pytest.raises(MeasurementFailed, match="the copy has 2 already, which commit a does not have"):
        refuse_seen({"2", "3"}, [ONE_WAY], back_to="commit a")


def test_data_that_is_dropped_is_named() -> None:
    """A table, a column, rows; what held nothing cannot be lost, and more rows are no loss."""
    before = {
        "a": Contents(3, {"id": "1", "x": "2"}),
        "b": Contents(2, {"id": "1"}),
        "c": Contents(5, {"id": "1"}),
        "empty": Contents(0, {"id": "None"}),
    }
    after = {"a": Contents(3, {"id": "1"}), "c": Contents(4, {"id": "1"})}

    assert dropped(before, after) == (
        "column a.x is gone, of 3 rows",
        "table b is gone, with its 2 rows",
        "table c had 5 rows and has 4",
    )
    assert dropped({"a": Contents(1, {})}, {"a": Contents(9, {})}) == ()


def test_data_that_says_something_else_is_named() -> None:
    """A column that came back empty has the same name and another digest."""
    before = {"a": Contents(3, {"id": "1", "x": "2"}), "b": Contents(1, {})}
    after = {"a": Contents(3, {"id": "1", "x": "9"}), "b": Contents(2, {})}

    assert rewritten(before, after) == (
        "table b had 1 rows and has 2",
        "column a.x says something else than before, in a table of 3 rows",
    )


def test_rows_that_are_overwritten_are_named_and_rows_that_are_added_are_not() -> None:
    """A flag more overwrites nothing; a flag more that hides an old one behind the count does."""
    before = {"a": Contents(3, {"x": "2", "updated_at": "5"}), "flags": Contents(2, {"x": "1"})}
    said = "column a.x says something else than before, in a table of 3 rows"

    def after(x: str, old_flags: int) -> dict[str, Contents]:
        return {"a": Contents(3, {"x": x, "updated_at": "6"}), "flags": Contents(3, {"x": "7"}, old_flags)}

    assert overwritten(before, after("2", 2), besides=("updated_at",)) == ()
    assert overwritten(before, after("9", 2), besides=("updated_at",)) == (said,)
    (unsure,) = overwritten(before, after("2", 1), besides=("updated_at",))
    assert unsure.startswith("table flags has 1 more rows, and old ones are written anew")
    assert overwritten(before, {"a": Contents(2, {"x": "9"})}) == ()


def test_a_migration_without_a_way_back_cannot_be_taken_back() -> None:
    """Also when nothing differs, since nothing was rolled back."""
    found = Reversal((TRIPS, ONE_WAY), 10, 10)

    assert not found.reversible
    assert "there is no 3_more.down.sql" in str(found)


def test_integrity_of_the_copy_is_never_good_when_something_is_not_known() -> None:
    """What is broken is broken; else unknown is unknown, and so is nothing."""
    assert CopyIntegrity(3, ()).holds
    assert not CopyIntegrity(3, ("x",), {"y": "no column"}).holds
    with pytest.raises(MeasurementFailed, match="no column"):
        CopyIntegrity(3, (), {"y": "no column"}).holds  # noqa: B018 - it raises
    with pytest.raises(MeasurementFailed, match="no invariant was evaluated"):
        CopyIntegrity(0, ()).holds  # noqa: B018 - it raises
