"""Policies and privileges of a real database, as the checks' role reads and tries them."""

import re
from pathlib import Path

import psycopg
import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.catalogue import Catalogue
from pam_rollback.database.catalogue_reader import read_catalogue
from pam_rollback.database.row_access import Strangers, reach
from pam_rollback.database.row_access_reader import strangers
from pam_rollback.database.schema_changes import access_changes
from pam_rollback.http.postgres import open_snapshot
from pam_sandbox import database
from tests.database.client.asked_database import PATIENCE, ROWS, administrator, as_role, dsn, owner, role

__all__ = ["administrator", "dsn", "owner"]

Owner = psycopg.Connection[tuple[object, ...]]
EXPENSES, PROFILES, SETTINGS = "public.expenses", "public.profiles", "public.user_settings"
AS_SUPABASE_HAS_IT = """
CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE
AS $$ SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role' $$;
CREATE FUNCTION public.is_admin(who uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
AS $$ SELECT EXISTS (SELECT FROM public.profiles WHERE id = who AND preferences ->> 'role' = 'admin') $$;
CREATE POLICY servers ON public.expenses USING (auth.role() = 'service_role') WITH CHECK (auth.role() = 'service_role');
CREATE POLICY servers ON public.profiles FOR SELECT USING (auth.role() = 'service_role');
CREATE POLICY admins ON public.support_tickets FOR SELECT TO authenticated USING (public.is_admin(auth.uid()));
CREATE POLICY shown_by_choice ON public.profiles FOR SELECT USING (privacy_settings ->> 'visibility' = 'public');
UPDATE public.profiles SET privacy_settings = '{"visibility": "public"}' WHERE id IN (SELECT id FROM public.profiles LIMIT 5);
GRANT ALL ON ALL TABLES IN SCHEMA public TO anon, authenticated, service_role;
"""
_SCHEMA = Path(database.__file__).with_name("schema.sql").read_text(encoding="utf-8")
_GRANTS = "".join(re.findall(r"^GRANT[^;]* ON public\.[^;]*;", _SCHEMA, re.MULTILINE))
NOT_ANY_MORE = """
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM anon, authenticated, service_role;
DROP POLICY servers ON public.expenses; DROP POLICY servers ON public.profiles; DROP POLICY admins ON public.support_tickets;
DROP POLICY shown_by_choice ON public.profiles; DROP FUNCTION public.is_admin(uuid); DROP FUNCTION auth.role();
UPDATE public.profiles SET privacy_settings = '{}';
"""
NOT_ANY_MORE += _GRANTS


def seen(dsn: str) -> tuple[Catalogue, Strangers]:
    """What is read and tried now."""
    with open_snapshot(dsn, PATIENCE) as snapshot:
        found = read_catalogue(snapshot, ("public", "plan"), ROWS, {}, migrations="schema_migrations")
    with open_snapshot(dsn, PATIENCE) as snapshot:
        return found, strangers(snapshot, found, ROWS, {})


def during(owner: Owner, dsn: str, do: str, undo: str) -> tuple[Catalogue, Strangers]:
    """What is seen while something is changed."""
    owner.execute(do.encode())
    owner.commit()
    try:
        return seen(dsn)
    finally:
        owner.execute(undo.encode())
        owner.commit()


def test_a_healthy_schema_is_green(dsn: str, owner: Owner) -> None:
    """The sandbox's, and one with what Supabase and the product have: servers, administrators, profiles that are shown by choice."""
    access, tried = seen(dsn)
    supabase, tried_there = during(owner, dsn, AS_SUPABASE_HAS_IT, NOT_ANY_MORE)

    for found, shown in ((access, tried), (supabase, tried_there)):
        assert reach(found).number == 0, reach(found)
        assert shown.open_tables == 0, shown
        assert shown.left_out == shown.unknown == {}
        assert {one.role for one in shown.shown} == {"anon", "authenticated"}
        assert len(found.users) == 6
    assert tried_there.measured.n == 6


@pytest.mark.parametrize(
    "condition", ["true", "1 = 1", "auth.uid() IS NOT NULL", "user_id IS NOT NULL", "amount > 100"]
)
def test_an_open_policy_is_seen_however_it_is_written(dsn: str, owner: Owner, condition: str) -> None:
    """By what it shows, with the id of a row."""
    _, tried = during(
        owner,
        dsn,
        f"CREATE POLICY open ON expenses FOR SELECT TO authenticated USING ({condition})",
        "DROP POLICY open ON expenses",
    )

    [one] = tried.open
    assert (one.table, one.role) == (EXPENSES, "authenticated")
    assert str(one.row).isdigit()
    assert tried.open_tables


def test_a_restrictive_policy_closes_what_another_opens(dsn: str, owner: Owner) -> None:
    """Permissive ones add up, each restrictive one takes away."""
    _, tried = during(
        owner,
        dsn,
        "CREATE POLICY open ON expenses USING (true); CREATE POLICY own_only ON expenses AS RESTRICTIVE USING (user_id = auth.uid())",
        "DROP POLICY open ON expenses; DROP POLICY own_only ON expenses",
    )

    assert tried.open_tables == 0, tried


def test_without_a_privilege_nothing_is_shown(dsn: str, owner: Owner) -> None:
    """An open policy behind a closed door is no open door."""
    _, tried = during(
        owner,
        dsn,
        "CREATE POLICY open ON expenses TO anon USING (true); REVOKE SELECT ON expenses FROM anon",
        "DROP POLICY open ON expenses; GRANT SELECT ON expenses TO anon",
    )

    assert tried.open_tables == 0, tried


def test_a_revoked_right_is_seen_however_it_went(dsn: str, owner: Owner) -> None:
    """The table's, the schema's, or all columns but one."""
    before, _ = seen(dsn)
    schema, _ = during(
        owner,
        dsn,
        "REVOKE USAGE ON SCHEMA public FROM authenticated, PUBLIC",
        "GRANT USAGE ON SCHEMA public TO authenticated, PUBLIC",
    )
    column, _ = during(
        owner,
        dsn,
        "REVOKE SELECT ON user_settings FROM authenticated; GRANT SELECT (user_id) ON user_settings TO authenticated",
        "REVOKE SELECT (user_id) ON user_settings FROM authenticated; GRANT SELECT ON user_settings TO authenticated",
    )
    after, _ = seen(dsn)

    assert reach(schema).number
    assert f"{SETTINGS}: authenticated may not SELECT any more" in str(access_changes(before, column))
    assert reach(column).number == 0
    assert access_changes(before, after).differences == 0


def test_the_products_other_tables_are_compared_and_not_tried(dsn: str, owner: Owner) -> None:
    """Whoever may read flags reads all of them; that somebody may since is seen. A table that goes is told with the schema."""
    before, _ = seen(dsn)
    opened, _ = during(
        owner,
        dsn,
        "GRANT UPDATE ON feature_flags TO anon; REVOKE SELECT ON plan.profiles FROM anon",
        "REVOKE UPDATE ON feature_flags FROM anon; GRANT SELECT ON plan.profiles TO anon",
    )
    after, _ = seen(dsn)
    users = {name: one for name, one in opened.of("table").items() if name in opened.users}
    less = opened.model_copy(update={"objects": {"table": users}})

    assert {"public.feature_flags", "plan.expenses"} <= set(before.access) - set(before.users)
    assert access_changes(before, opened).changes == (
        "plan.profiles: anon may not SELECT any more",
        "public.feature_flags: anon may UPDATE now",
    )
    assert access_changes(before, after).differences == 0
    assert access_changes(before, less).differences == 0
    assert access_changes(less, before).differences == 0


@pytest.mark.parametrize(
    ("kind", "of"),
    [
        ("TABLE", "SELECT * FROM expenses"),
        ("TABLE", "SELECT id, user_id, amount FROM expenses"),
        ("VIEW", "SELECT * FROM expenses"),
        ("VIEW", "SELECT id, content, created_at FROM pam_messages WHERE role = 'user'"),
        ("MATERIALIZED VIEW", "SELECT * FROM user_settings"),
        ("TABLE", "SELECT * FROM profiles"),
    ],
)
def test_rows_that_are_shown_past_their_table_are_seen(dsn: str, owner: Owner, kind: str, of: str) -> None:
    """A copy without row security, and a view that asks with its owner's rights, need no open policy."""
    made = f"CREATE {kind} aside AS {of}; GRANT SELECT ON aside TO PUBLIC"
    _, tried = during(owner, dsn, made, f"DROP {kind} aside")

    assert {(one.table, one.role) for one in tried.open} == {
        ("public.aside", "anon"),
        ("public.aside", "authenticated"),
    }
    assert tried.open_tables


@pytest.mark.parametrize(
    ("kind", "of"),
    [
        ("VIEW", "SELECT 1 AS id"),
        ("VIEW", "SELECT * FROM expenses WHERE user_id = auth.uid()"),
        ("VIEW", "SELECT category, sum(amount) AS amount FROM expenses GROUP BY category"),
        ("VIEW", "SELECT id, full_name, created_at FROM profiles"),
        ("TABLE", "SELECT id + 1000000 AS id, user_id, amount, category FROM expenses"),
        ("TABLE", "SELECT * FROM expenses LIMIT 0"),
    ],
)
def test_what_shows_nobody_anything_of_others_is_green(dsn: str, owner: Owner, kind: str, of: str) -> None:
    """One's own rows, sums, what profiles say in public, and what is something else."""
    made = f"CREATE {kind} aside AS {of}; GRANT SELECT ON aside TO PUBLIC"
    _, tried = during(owner, dsn, made, f"DROP {kind} aside")

    assert tried.open_tables == 0, tried


def test_what_our_role_may_not_read_is_not_known(dsn: str, owner: Owner) -> None:
    """A whole copy that others may read; nobody else's door is looked through."""
    copy = "CREATE TABLE aside AS SELECT * FROM expenses"
    _, tried = during(owner, dsn, f"{copy}; GRANT SELECT ON aside TO anon", "DROP TABLE aside")
    _, closed = during(owner, dsn, copy, "DROP TABLE aside")

    assert set(tried.unknown) == {"public.aside"}
    with pytest.raises(MeasurementFailed, match=r"like public\.expenses and which nothing guards"):
        assert tried.open_tables == 0
    assert closed.open_tables == 0, closed


def test_what_cannot_be_tried_is_named(dsn: str, owner: Owner) -> None:
    """A table without rows or without row security is left out; a condition that fails makes the answer unknown."""
    _, off = during(
        owner, dsn, "ALTER TABLE expenses DISABLE ROW LEVEL SECURITY", "ALTER TABLE expenses ENABLE ROW LEVEL SECURITY"
    )
    _, broken = during(
        owner,
        dsn,
        "CREATE POLICY odd ON expenses USING (1 / (amount - amount) = 1)",
        "DROP POLICY odd ON expenses",
    )

    assert set(off.left_out) == {EXPENSES}
    assert off.open_tables == 0
    assert set(broken.unknown) == {EXPENSES}


def test_a_blind_role_does_not_say_that_nothing_is_open(
    dsn: str, administrator: psycopg.Connection[tuple[object, ...]]
) -> None:
    """It would be shown nothing either way."""
    with (
        role(administrator, "GRANT pg_read_all_data TO visitor") as visitor,
        pytest.raises(MeasurementFailed, match="role visitor is blind at"),
    ):
        seen(as_role(dsn, visitor))
