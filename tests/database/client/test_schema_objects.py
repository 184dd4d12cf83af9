"""The schema of a real database, as any role reads it."""

import psycopg
import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.catalogue import Catalogue
from pam_rollback.database.catalogue_reader import read_catalogue
from pam_rollback.database.schema_changes import SchemaComparison, compare
from pam_rollback.http.postgres import open_snapshot
from tests.database.client.asked_database import PATIENCE, ROWS, administrator, as_role, dsn, owner, role

__all__ = ["administrator", "dsn", "owner"]

Owner = psycopg.Connection[tuple[object, ...]]
SCHEMAS = ("public", "plan")
EXPENSES = "public.expenses"
LEFT_BEHIND = """
CREATE TABLE public.trips (id int PRIMARY KEY);
ALTER TABLE public.trips ENABLE ROW LEVEL SECURITY;
GRANT ALL ON public.trips TO anon, authenticated;
ALTER TABLE expenses ADD COLUMN trip int DEFAULT 1;
CREATE INDEX by_trip ON expenses (trip);
"""


def read(dsn: str, schemas: tuple[str, ...] = SCHEMAS) -> Catalogue:
    """The product's schemas now."""
    with open_snapshot(dsn, PATIENCE) as snapshot:
        return read_catalogue(snapshot, schemas, ROWS, {}, migrations="schema_migrations")


def during(owner: Owner, dsn: str, do: str, undo: str) -> SchemaComparison:
    """What is found while something is changed; nothing is, once it is undone."""
    before = read(dsn)
    owner.execute(do.encode())
    owner.commit()
    try:
        found = compare(before, read(dsn))
    finally:
        owner.execute(undo.encode())
        owner.commit()
    after = compare(before, read(dsn))
    assert (after.lost.changes, after.weaker.changes, after.opened.changes) == ((), (), ())
    return found


def told(found: SchemaComparison) -> tuple[tuple[str, ...], ...]:
    """All three kinds of change."""
    return found.lost.changes, found.weaker.changes, found.opened.changes


def test_all_kinds_are_read(dsn: str) -> None:
    """With what each of them is."""
    schema = read(dsn)

    amount = schema.of("column")[f"{EXPENSES}.amount"]
    assert (amount.definition, amount.not_null) == ("numeric(10,2)", True)
    assert "nextval" in schema.of("column")[f"{EXPENSES}.id"].default
    rule = schema.of("constraint")[f"{EXPENSES}.expenses_user_id_fkey"]
    assert (rule.definition, rule.columns) == (
        "FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE",
        ("user_id",),
    )
    assert schema.of("index")[f"{EXPENSES}.expenses_by_time"].definition == "btree (created_at)"
    assert f"{EXPENSES}.expenses_pkey" not in schema.of("index"), "a rule's own index is told with the rule"
    assert schema.of("trigger")[f"{EXPENSES}.touch"].definition.startswith("BEFORE UPDATE ON public.expenses")
    assert "auth.users.touch" in schema.of("trigger"), "of a function of the product's"
    assert {"public.touch_updated_at()", "auth.uid()"} <= set(schema.of("function")), "policies call the second"
    assert not schema.of("view")["plan.expenses"].as_owner
    assert set(schema.of("role")) == {"anon", "authenticated"}
    assert schema.migrations is not None
    assert len(schema.migrations) > 4


def test_a_role_without_any_right_reads_the_same(
    dsn: str, administrator: psycopg.Connection[tuple[object, ...]]
) -> None:
    """All but the list of migrations; a role from which rows are hidden, too, whatever it finds without a schema's name."""
    full = read(dsn)
    with role(administrator, "ALTER ROLE visitor SET search_path = nowhere") as visitor:
        seen = read(as_role(dsn, visitor))

    assert seen.objects == full.objects
    assert seen.migrations is None
    assert not full.users_unknown
    assert "table profiles is missing at" in seen.users_unknown


@pytest.mark.parametrize(
    ("do", "undo", "words"),
    [
        (
            "ALTER FUNCTION touch_updated_at() SECURITY DEFINER",
            "ALTER FUNCTION touch_updated_at() SECURITY INVOKER",
            "function public.touch_updated_at() is carried out with the rights of",
        ),
        (
            "ALTER VIEW plan.expenses SET (security_invoker = false)",
            "ALTER VIEW plan.expenses SET (security_invoker = true)",
            "view plan.expenses is carried out with the rights of",
        ),
        (
            "REVOKE EXECUTE ON FUNCTION auth.uid() FROM PUBLIC",
            "GRANT EXECUTE ON FUNCTION auth.uid() TO PUBLIC",
            "function auth.uid(): anon, authenticated, service_role may not call it any more",
        ),
    ],
)
def test_a_change_for_the_worse_is_seen(dsn: str, owner: Owner, do: str, undo: str, words: str) -> None:
    """One thing, told once; the same again when it is undone."""
    [[only]] = [changes for changes in told(during(owner, dsn, do, undo)) if changes]

    assert words in only


@pytest.mark.parametrize(
    ("do", "undo"),
    [
        (
            LEFT_BEHIND,
            "DROP TABLE public.trips; ALTER TABLE expenses DROP COLUMN trip",
        ),
        (
            "ALTER TABLE expenses DROP CONSTRAINT expenses_amount_check, ADD CONSTRAINT other CHECK (amount >= 0)",
            "ALTER TABLE expenses DROP CONSTRAINT other, ADD CONSTRAINT expenses_amount_check CHECK (amount >= 0)",
        ),
        (
            "ALTER INDEX expenses_by_time RENAME TO other_by_time",
            "ALTER INDEX other_by_time RENAME TO expenses_by_time",
        ),
        ("REINDEX TABLE expenses", "ANALYZE expenses"),
    ],
)
def test_a_change_for_no_worse_is_green(dsn: str, owner: Owner, do: str, undo: str) -> None:
    """What a release left behind, a rule and an index under another name, maintenance."""
    assert told(during(owner, dsn, do, undo)) == ((), (), ())


def test_a_schema_without_tables_is_not_known(dsn: str) -> None:
    """Nothing compared with nothing would be green."""
    with pytest.raises(MeasurementFailed, match="no table in nowhere"):
        read(dsn, ("nowhere",))
