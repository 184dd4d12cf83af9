"""What the files of two commits tell of the migrations that a database must have."""

import pytest

from pam_rollback.database.schema_changes import KnownMigrations, known, versions_in


def test_both_forms_of_names_are_read() -> None:
    """Of the plan's product and of Supabase; ways back and notes are no migrations."""
    files = ["m/20260101_users.up.sql", "m/20260101_users.down.sql", "20260201-two words.sql", "README.md", "x.sql"]

    assert versions_in(files) == {"20260101", "20260201"}


@pytest.mark.parametrize(
    ("running", "before", "expected"),
    [
        pytest.param(["1", "2", "3"], ["1", "2"], KnownMigrations("2", ("3",)), id="the running one brought 3"),
        pytest.param(["1", "2"], ["1", "2", "3"], KnownMigrations("2"), id="after a rollback, 3 is unknown"),
        pytest.param(["1", "2"], ["1", "2"], KnownMigrations("2"), id="neither brought one"),
        pytest.param(["1"], ["2"], KnownMigrations("", ("1",)), id="they share none"),
    ],
)
def test_what_both_know_is_needed(running: list[str], before: list[str], expected: KnownMigrations) -> None:
    """And what only the running one knows is allowed."""
    assert known(running, before) == expected
