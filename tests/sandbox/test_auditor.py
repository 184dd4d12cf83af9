"""The role of the checks sees every row, changes none, and never sees how somebody signs in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from pam_rollback.sandbox.database.auditor import create_auditor, dsn_of, in_plan_dialect

if TYPE_CHECKING:
    from tests.running_product import Database

ROLE = "auditor_of_tests"
PASSWORD = "p/w:with@reserved+letters"
VISIBLE = (
    *("public.profiles", "public.user_settings", "public.pam_conversations", "public.pam_messages", "public.expenses"),
    *("public.support_tickets", "public.feature_flags", "public.flag_history", "public.schema_migrations"),
    *("public.app_notice", "plan.pam_conversations", "plan.profiles", "plan.expenses"),
)


@pytest.fixture(scope="module")
def auditor(product_database: Database) -> Iterator[str]:
    """The DSN of a role for the checks, on the server of these tests."""
    began_s = time.monotonic()
    create_auditor(product_database.dsn, role=ROLE, password=PASSWORD)
    assert time.monotonic() - began_s < 2
    yield dsn_of(ROLE, PASSWORD, like=product_database.dsn)
    with psycopg.connect(product_database.dsn) as connection:
        # Of a superuser's rights there is no need: whoever made a role may drop it.
        connection.execute(sql.SQL("GRANT {role} TO CURRENT_USER").format(role=sql.Identifier(ROLE)))
        connection.execute(sql.SQL("DROP OWNED BY {role}").format(role=sql.Identifier(ROLE)))
        connection.execute(sql.SQL("DROP ROLE {role}").format(role=sql.Identifier(ROLE)))


@pytest.mark.parametrize("table", VISIBLE)
def test_every_row_is_seen(product_database: Database, auditor: str, table: str) -> None:
    """Row level security hides nothing from it."""
    count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table.split(".")))
    with psycopg.connect(auditor) as connection, psycopg.connect(product_database.dsn) as operator:
        assert connection.execute(count).fetchone() == operator.execute(count).fetchone()


def test_it_sees_who_exists(product_database: Database, auditor: str) -> None:
    """Ids and addresses are enough to find orphans."""
    query = "SELECT id, email, created_at FROM auth.users ORDER BY id"
    with psycopg.connect(auditor) as connection:
        assert connection.execute(query.encode()).fetchall() == product_database.rows(query)


def test_it_sees_where_a_sequence_is(auditor: str) -> None:
    """Without the right to, the last value would be a null, and nothing could be behind."""
    with psycopg.connect(auditor) as connection:
        row = connection.execute(
            "SELECT last_value FROM pg_sequences WHERE sequencename = 'expenses_id_seq'"
        ).fetchone()

    assert row is not None
    assert row[0] > 1000


@pytest.mark.parametrize(
    "query",
    [
        "SELECT encrypted_password FROM auth.users",
        "SELECT * FROM auth.users",
        "SELECT rolpassword FROM pg_authid",
        "SELECT pg_read_file('postgresql.conf')",
    ],
)
def test_secrets_are_out_of_reach(auditor: str, query: str) -> None:
    """Neither the accounts' hashes nor the server's."""
    with psycopg.connect(auditor) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(query.encode())


WRITES = (
    "DELETE FROM public.profiles",
    "UPDATE public.user_settings SET setting_value = '{}'",
    "INSERT INTO public.schema_migrations (version, name, checksum) VALUES ('9', 'x', 'y')",
    "UPDATE auth.users SET email = email",
    "TRUNCATE public.expenses",
    "CREATE TABLE public.mine ()",
    "CREATE TEMPORARY TABLE mine ()",
    "CREATE SCHEMA mine",
    "SELECT nextval('public.expenses_id_seq')",
    "SELECT id FROM public.profiles LIMIT 1 FOR UPDATE",
    "DROP TABLE public.expenses",
    "ALTER TABLE public.expenses DISABLE ROW LEVEL SECURITY",
)


@pytest.mark.parametrize("statement", WRITES)
def test_it_cannot_write_even_when_it_means_to(auditor: str, statement: str) -> None:
    """Two locks: its transactions are read only, and without that it has no right to."""
    with psycopg.connect(auditor) as connection:
        assert connection.execute("SHOW transaction_read_only").fetchone() == ("on",)
        with pytest.raises((psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.InsufficientPrivilege)):
            connection.execute(statement.encode())
    with psycopg.connect(auditor) as connection:
        connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
        connection.commit()
        assert connection.execute("SHOW transaction_read_only").fetchone() == ("off",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


def test_it_cannot_become_somebody_else(auditor: str) -> None:
    """It belongs to no other role."""
    for role in ("pam", "service_role", "postgres"):
        with psycopg.connect(auditor) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))


@pytest.mark.parametrize(
    ("like", "expected"),
    [
        ("postgresql://a:b@h:1/d?sslmode=disable", "postgresql://r:p%2F@h:1/d?sslmode=disable"),
        ("postgresql://h/d", "postgresql://r:p%2F@h/d"),
        (
            "postgres://a@[::1]:5/d?user=x&password=y&options=-c%20a%3Db",
            "postgres://r:p%2F@[::1]:5/d?options=-c%20a%3Db",
        ),
    ],
)
def test_an_address_is_the_same_but_for_the_account(like: str, expected: str) -> None:
    """Host, database and connection settings stay; another account's name and password do not."""
    assert dsn_of("r", "p/", like=like) == expected


def test_the_plans_dialect_is_a_setting_of_the_address(auditor: str) -> None:
    """Its tables come first, those that it does not have are the product's; other settings stay."""
    dsn = in_plan_dialect(f"{auditor}&options=-c%20work_mem%3D5MB")
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            "SELECT 'profiles'::regclass = 'plan.profiles'::regclass, 'user_settings'::regclass::text"
        )
        assert found.fetchone() == (True, "user_settings")
        assert connection.execute("SHOW work_mem").fetchone() == ("5MB",)
