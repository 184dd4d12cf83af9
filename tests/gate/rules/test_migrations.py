"""What the files of migrations are, and what is said of trying them on a copy."""

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.redeploy.gate.migration_files import MigrationFile, migrations_in, refuse_seen
from pam_rollback.redeploy.gate.migrations import (
    copy_integrity,
)

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


def test_a_copy_that_has_them_already_shows_nothing() -> None:
    """Only what the candidate brings counts, and only when it is not tried."""
    refuse_seen({"3"}, [ONE_WAY], back_to="commit a")
    refuse_seen(set(), [], back_to="commit a")
    with pytest.raises(MeasurementFailed, match="the copy has 2 already, which commit a does not have"):
        refuse_seen({"2", "3"}, [ONE_WAY], back_to="commit a")


def test_integrity_of_the_copy_is_never_good_when_something_is_not_known() -> None:
    """What is broken is broken; else unknown is unknown, and so is nothing."""
    assert not copy_integrity(3, ()).number
    assert copy_integrity(3, ("x",), {"y": "no column"}).number
    with pytest.raises(MeasurementFailed, match="no column"):
        copy_integrity(3, (), {"y": "no column"}).number  # noqa: B018 - it raises
    with pytest.raises(MeasurementFailed, match="no invariant was evaluated"):
        copy_integrity(0, ()).number  # noqa: B018 - it raises
