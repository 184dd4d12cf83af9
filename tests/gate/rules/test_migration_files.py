"""Migrations in Supabase's form: what a folder holds, and which of them a deploy applies."""

from pam_rollback.redeploy.gate.migration_files import MigrationFile, edited, migrations_in, one_way, to_apply

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
