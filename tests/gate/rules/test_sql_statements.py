"""A migration's text is taken apart as far as it takes to name a statement."""

from pam_rollback.redeploy.gate.migration_files import MigrationFile, statements
from pam_rollback.redeploy.gate.stable_release import blamed

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
