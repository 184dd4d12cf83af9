"""Migrations as files: what a folder holds, which of them a deploy applies, and which statement of theirs is named."""

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.redeploy.gate.migration_files import (
    MigrationFile,
    edited,
    migrations_in,
    one_way,
    refuse_seen,
    statements,
    to_apply,
)
from pam_rollback.redeploy.gate.migrations import (
    copy_integrity,
)
from pam_rollback.redeploy.gate.stable_release import blamed

OLD = (
    "20250804_fix.sql",
    "20250804_more.sql",
    "01_begin.sql",
    "20250722110037-e81134db-41ef-478d-95a8-466da76f6efb.sql",
)
NEW = MigrationFile("20260101000000", "add trips 2", "CREATE", None)


def folder(*files: str) -> dict[str, str]:
    """As it is read."""
    return dict.fromkeys((*OLD, *files), "CREATE")


def test_names_as_people_write_them_are_migrations() -> None:
    """Blanks, hyphens, dates without a time, and a version that two have; in the order of their names."""
    found = migrations_in(folder("20260101000000_add trips 2.sql", "notes.sql"), "supabase/migrations")

    assert [str(one) for one in found] == [
        "01_begin",
        "20250722110037-e81134db-41ef-478d-95a8-466da76f6efb",
        "20250804_fix",
        "20250804_more",
        "20260101000000_add trips 2",
    ]
    assert one_way(found)


def test_a_deploy_applies_what_it_brings() -> None:
    """Not what the stable release has too, and nobody noted: that is said."""
    migrations = migrations_in(folder("20260101000000_add trips 2.sql"), "x")

    found = to_apply(migrations, {"01"}, folder())

    assert found.migrations == (NEW,)
    assert found.problem == ""
    assert "3 older migrations are noted nowhere and taken as applied" in "".join(found.assumed)
    assert to_apply(migrations, {"01", "20250804", "20250722110037"}, folder()).assumed == ()


def test_a_version_that_is_taken_is_never_applied() -> None:
    """The tool sees it as applied, and the deploy runs without it."""
    found = to_apply(migrations_in(folder("20250804_third.sql"), "x"), {"20250804"}, folder())

    assert "20250804_third: an older migration has the same version" in found.problem


def test_a_migration_that_was_applied_is_not_edited() -> None:
    """It never runs again. What it says counts, not how it is laid out; the way back may be mended, the name also changed."""
    old = {"1_a.up.sql": "CREATE TABLE a ();\n", "1_a.down.sql": "DROP TABLE a"}

    def candidate(up: str, file: str = "1_a") -> str:
        files = {f"{file}.up.sql": up, f"{file}.down.sql": "DROP TABLE a CASCADE", "2_b.up.sql": "SELECT 2"}
        return edited(migrations_in(files, "x"), old)

    assert candidate("-- the first\nCREATE TABLE\n  a ();") == ""
    assert candidate("CREATE TABLE a ()", "1_better_name") == ""
    assert candidate("CREATE TABLE a (); DROP TABLE b").startswith("1_a: the release before has it with another text")
    assert candidate("CREATE TABLE b ()", "1_better_name").startswith("1_better_name: ")


def test_an_edit_is_a_problem_also_where_a_folder_has_no_ways_back() -> None:
    """Before it is said that the copy has it, and of the one file that is meant, where two have its version."""
    changed = {**folder(), "20250804_more.sql": "DROP"}

    found = to_apply(migrations_in(changed, "x"), {"20250804"}, folder())

    assert found.problem.startswith("20250804_more: the release before has it with another text")
    assert "write a new migration" in found.problem


def test_a_name_that_the_tool_passes_over_is_told() -> None:
    """With what to do."""
    found = to_apply(migrations_in(folder("20260101000000-x.sql"), "x"), {"01"}, folder())

    assert found.problem == ""
    assert "`supabase db push` passes over 20260101000000-x" in found.assumed[-1]


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


SCRIPT = """
-- no; statement
CREATE TABLE a (x text DEFAULT 'it''s; here'); /* nor; this */
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $body$ BEGIN RETURN 1; END; $body$;
ALTER TABLE "odd;name"
  DROP COLUMN y
"""


def test_a_semicolon_that_is_quoted_ends_nothing() -> None:
    """In text, in names, in functions and in remarks."""
    assert statements(SCRIPT) == (
        "CREATE TABLE a (x text DEFAULT 'it''s; here')",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $body$ BEGIN RETURN 1; END; $body$",
        'ALTER TABLE "odd;name" DROP COLUMN y',
    )


def test_the_statement_that_speaks_of_most_is_named() -> None:
    """The last of equals; a long one is cut; none where none speaks of it."""
    pending = [MigrationFile("1", "a", "ALTER TABLE t ADD COLUMN y int; ALTER TABLE t DROP COLUMN x", None)]

    assert blamed(pending, {"t", "x"}) == "1_a: ALTER TABLE t DROP COLUMN x"
    assert blamed(pending, {"t"}) == "1_a: ALTER TABLE t DROP COLUMN x"
    assert blamed(pending, {"T", "y"}) == "1_a: ALTER TABLE t ADD COLUMN y int"
    assert blamed(pending, {"z"}) == ""
    assert blamed([MigrationFile("1", "a", f"DROP TABLE t{' ' * 3}{', u' * 100}", None)], {"t"}).endswith("…")
