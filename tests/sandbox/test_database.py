"""The product's database is the real one's shape, refuses what the real one refuses, and hides what the real one hides."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from pam_rollback.sandbox import database
from pam_rollback.sandbox.database.passwords import UNUSABLE, hash_password, verify_password

if TYPE_CHECKING:
    from tests.running_product import Database

TABLES = (
    *("auth.users", "public.profiles", "public.user_settings", "public.pam_conversations", "public.pam_messages"),
    *(
        "public.expenses",
        "public.support_tickets",
        "public.feature_flags",
        "public.flag_history",
        "public.schema_migrations",
        "public.app_notice",
    ),
)
PLAN_CONVERSATIONS = """
SELECT COUNT(*) AS total_conversations,
       COUNT(CASE WHEN created_at > NOW() - INTERVAL '1 hour' THEN 1 END) AS recent_conversations,
       COUNT(CASE WHEN response IS NULL THEN 1 END) AS incomplete_conversations
FROM pam_conversations
"""
PLAN_PROFILES = "SELECT COUNT(*), COUNT(CASE WHEN settings IS NOT NULL THEN 1 END) FROM profiles"
PLAN_EXPENSES = "SELECT COUNT(*) FROM expenses WHERE created_at > NOW() - INTERVAL '1 hour' AND amount IS NULL"
PLAN_DIALECT = "-c search_path=plan,public"
MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def empty_dsn(product_database: Database) -> Iterator[str]:
    """An empty database on the same server, whose owner is not a superuser."""
    name = f"empty_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(product_database.administrator_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER pam").format(sql.Identifier(name)))
        yield urlunsplit(urlsplit(product_database.dsn)._replace(path=f"/{name}"))
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def fingerprint(dsn: str) -> list[tuple[object, ...]]:
    """Every invented row, without what the server itself makes up."""
    with psycopg.connect(dsn) as connection:
        return [
            *connection.execute("SELECT id, email, full_name, preferences::text, created_at FROM profiles ORDER BY id"),
            *connection.execute("SELECT id, conversation_id, role, content, created_at FROM pam_messages ORDER BY id"),
            *connection.execute("SELECT id, user_id, amount, category, date, created_at FROM expenses ORDER BY id"),
            *connection.execute("SELECT id, user_id, subject, status, created_at FROM support_tickets ORDER BY id"),
        ]


def test_it_holds_a_realistic_quarter(product_database: Database) -> None:
    """Hundreds of people, thousands of rows, the last hour included, tickets at a normal rate."""
    query = "SELECT count(*) FROM "
    counts = {table: product_database.rows(query + table)[0][0] for table in TABLES}
    span = "SELECT count(*) FROM expenses WHERE created_at NOT BETWEEN now() - interval '91 days' AND now()"
    last_hour = "SELECT count(*) FROM pam_messages WHERE created_at > now() - interval '1 hour'"

    assert 300 <= counts["public.profiles"] <= 1000
    assert 2000 <= counts["public.pam_messages"] <= 10000
    assert 2000 <= counts["public.expenses"] <= 10000
    assert 90 <= counts["public.support_tickets"] <= 400
    assert product_database.rows(span) == [(0,)]
    assert product_database.rows(last_hour)[0][0] > 0


def test_it_is_made_quickly_and_only_once(empty_dsn: str) -> None:
    """A sandbox is ready in seconds, and rows that are there are never overwritten."""
    began_s = time.monotonic()
    database.create(empty_dsn)
    took_s = time.monotonic() - began_s

    assert took_s < 5  # 0.4 s when nothing else runs
    with pytest.raises(
        database.DatabaseNotEmptyError, match=r"expected an empty database, found table public\.profiles"
    ):
        database.create(empty_dsn)


def test_the_same_moment_gives_the_same_rows(product_database: Database, empty_dsn: str) -> None:
    """Two sandboxes hold the same people and the same money."""
    name = f"twin_{uuid.uuid4().hex[:8]}"
    database.create(empty_dsn, now=MOMENT)
    with psycopg.connect(product_database.administrator_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER pam").format(sql.Identifier(name)))
        twin = urlunsplit(urlsplit(product_database.dsn)._replace(path=f"/{name}"))
        database.create(twin, now=MOMENT)

        assert fingerprint(twin) == fingerprint(empty_dsn)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_every_migration_is_noted_with_its_checksum(product_database: Database) -> None:
    """The state of the schema can be read, and a changed migration is noticed."""
    noted = product_database.rows("SELECT version, name, checksum FROM schema_migrations ORDER BY version")

    assert noted == [(step.version, step.name, step.checksum) for step in database.migrations()]
    assert len(noted) == 6


def test_every_table_has_row_level_security(product_database: Database) -> None:
    """No table was forgotten."""
    query = "SELECT relrowsecurity FROM pg_class WHERE oid = %s::regclass"

    assert {table: product_database.rows(query, table)[0][0] for table in TABLES} == dict.fromkeys(TABLES, True)


@pytest.mark.parametrize(
    "query", ["SELECT count(*) FROM profiles", PLAN_CONVERSATIONS, PLAN_PROFILES], ids=["profiles", "plan 1", "plan 2"]
)
def test_a_blind_role_counts_nothing(product_database: Database, query: str) -> None:
    """As with the real product: without a policy every count is 0, which looks like data loss or like nothing wrong."""
    [row] = product_database.rows(query, options=f"-c role=anon {PLAN_DIALECT}")

    assert set(row) == {0}


def test_a_signed_in_role_sees_its_own_rows_only(product_database: Database) -> None:
    """1 profile of hundreds, by the claims that PostgREST would set."""
    [(user_id,)] = product_database.rows("SELECT id FROM profiles WHERE email = %s", database.TEST_ACCOUNT_EMAIL)
    with psycopg.connect(product_database.dsn, options="-c role=authenticated") as connection:
        connection.execute("SELECT set_config('request.jwt.claims', %s, false)", (json.dumps({"sub": str(user_id)}),))
        seen = connection.execute("SELECT id FROM profiles").fetchall()
        owners = connection.execute("SELECT DISTINCT user_id FROM expenses").fetchall()

    assert (seen, owners) == ([(user_id,)], [(user_id,)])


def test_the_product_role_sees_everything(product_database: Database) -> None:
    """service_role bypasses row level security."""
    everything = product_database.rows("SELECT count(*) FROM profiles")

    assert product_database.rows("SELECT count(*) FROM profiles", options="-c role=service_role") == everything


def test_the_plans_own_sql_runs_word_for_word(product_database: Database) -> None:
    """In the plan's dialect its columns exist, and the fresh database has nothing incomplete."""
    [(total, recent, incomplete)] = product_database.rows(PLAN_CONVERSATIONS, options=PLAN_DIALECT)
    [(users, users_with_settings)] = product_database.rows(PLAN_PROFILES, options=PLAN_DIALECT)

    assert total > 1000
    assert recent > 0
    assert incomplete == 0
    assert users == users_with_settings > 300
    assert product_database.rows(PLAN_EXPENSES, options=PLAN_DIALECT) == [(0,)]


def test_what_is_lost_in_the_tables_is_lost_in_the_plans_dialect(product_database: Database) -> None:
    """The views are no copies: an answer that vanishes makes its conversation incomplete there, too."""
    with psycopg.connect(product_database.dsn, options=PLAN_DIALECT) as connection:
        connection.execute(
            "DELETE FROM public.pam_messages WHERE id = (SELECT id FROM public.pam_messages WHERE role = 'assistant' LIMIT 1)"
        )
        connection.execute(
            "DELETE FROM public.user_settings WHERE user_id = (SELECT user_id FROM public.user_settings LIMIT 1)"
        )
        incomplete = connection.execute("SELECT count(*) FROM pam_conversations WHERE response IS NULL").fetchone()
        without_settings = connection.execute("SELECT count(*) FROM profiles WHERE settings IS NULL").fetchone()
        connection.rollback()

    assert (incomplete, without_settings) == ((1,), (1,))


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE expenses SET amount = NULL", psycopg.errors.NotNullViolation),
        ("UPDATE expenses SET amount = -1", psycopg.errors.CheckViolation),
        ("UPDATE pam_messages SET role = 'robot'", psycopg.errors.CheckViolation),
        ("UPDATE pam_messages SET content = NULL", psycopg.errors.NotNullViolation),
        ("UPDATE feature_flags SET rollout_percentage = 101", psycopg.errors.CheckViolation),
        (
            "INSERT INTO pam_conversations (user_id) SELECT user_id FROM pam_conversations LIMIT 1",
            psycopg.errors.UniqueViolation,
        ),
    ],
)
def test_the_tables_refuse_what_the_real_ones_refuse(
    product_database: Database, statement: str, refusal: type[Exception]
) -> None:
    """So a check for it can only ever find what went around the constraints."""
    with pytest.raises(refusal):
        product_database.rows(statement)


def test_a_change_moves_updated_at(product_database: Database) -> None:
    """The trigger works on what the product changes."""
    query = (
        "UPDATE profiles SET full_name = full_name WHERE email = %s RETURNING updated_at > now() - interval '1 minute'"
    )

    assert product_database.rows(query, database.TEST_ACCOUNT_EMAIL) == [(True,)]


def test_nobody_signs_in_until_a_password_is_set(empty_dsn: str) -> None:
    """A prepared database can be copied: each sandbox sets a password of its own, and the other accounts never have one."""
    stored = "SELECT encrypted_password FROM auth.users WHERE email = %s"
    database.create(empty_dsn)
    with psycopg.connect(empty_dsn) as connection:
        assert connection.execute("SELECT DISTINCT encrypted_password FROM auth.users").fetchall() == [(UNUSABLE,)]

    database.set_password(empty_dsn, "a new one")

    with psycopg.connect(empty_dsn) as connection:
        row = connection.execute(stored, (database.TEST_ACCOUNT_EMAIL,)).fetchone()
        usable = connection.execute("SELECT count(*) FROM auth.users WHERE encrypted_password <> '!'").fetchone()
    assert row is not None
    assert verify_password("a new one", row[0])
    assert usable == (2,)


def test_a_password_fits_its_hash_only() -> None:
    """Salted, and an account without a password lets nobody in."""
    stored = hash_password("secret")

    assert verify_password("secret", stored)
    assert not verify_password("Secret", stored)
    assert not verify_password("", UNUSABLE)
    assert stored != hash_password("secret")
    assert "secret" not in stored
