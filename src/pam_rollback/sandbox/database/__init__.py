"""The product's database: its tables as the migrations make them, row level security, and invented travellers.

Two dialects over the same rows.  *product*: schema `public`, as the real migrations have it (settings live in `user_settings`,
answers are `pam_messages` of the role assistant).  *plan*: schema `plan`, views that offer the columns which the rollback plan's own
SQL expects (`pam_conversations.response`, `profiles.settings`); connect with `options=-c search_path=plan,public` and that SQL runs
word for word.  Views and not copies, so that what is lost in one dialect is lost in the other.

Today's product shares tables and policies with the plan's, has its settings in the wide form, and neither flags nor the plan's views.

Roles: `anon` and `authenticated` see what their policies let them see (nearly nothing), `service_role` bypasses row level security and
is what the product works as.  None of them can log in; use `options=-c role=anon`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from pam_rollback.sandbox.database.passwords import UNUSABLE, hash_password
from pam_rollback.sandbox.database.seed import OTHER_ACCOUNT_EMAIL, TEST_ACCOUNT_EMAIL, account_id, sow
from pam_rollback.sandbox.personalities import PERSONALITIES, Product

__all__ = [
    "OTHER_ACCOUNT_EMAIL",
    "TEST_ACCOUNT_EMAIL",
    "DatabaseNotEmptyError",
    "Migration",
    "account_id",
    "create",
    "make_tables",
    "migrations",
    "set_password",
]

_FOLDER = Path(__file__).parent
_SHARED = ("roles_and_accounts", "core_tables", "row_level_security")
"""Steps of schema.sql that today's product has, too."""


class DatabaseNotEmptyError(RuntimeError):
    """The database already holds the product's tables; they are never overwritten."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema; `checksum` is the SHA-256 of its text."""

    version: str
    name: str
    sql: str
    checksum: str


def migrations(product: Product = "pam-plan") -> list[Migration]:
    """Give the steps of the product's schema in the order in which they are applied."""
    steps = _steps("schema.sql")
    if product == "pam-plan":
        return steps
    return [*(step for step in steps if step.name in _SHARED), *_steps("today.sql")]


def _steps(file: str) -> list[Migration]:
    text = (_FOLDER / file).read_text(encoding="utf-8")
    parts = re.split(r"^-- migration: (\d+) (\w[\w ]*)$", text, flags=re.MULTILINE)
    return [
        Migration(version=version, name=name, sql=sql, checksum=hashlib.sha256(sql.encode()).hexdigest())
        for version, name, sql in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    ]


def create(
    dsn: str, *, password: str | None = None, now: datetime | None = None, product: Product = "pam-plan"
) -> None:
    """Make the tables in the existing, empty database `dsn` names, and fill them.

    `password` is for the two accounts that can sign in; without it they cannot until `set_password` is called. `now` is the moment
    the invented history ends at. All of it or nothing is done. Raises DatabaseNotEmptyError and psycopg.Error; the account of the DSN
    needs the right to create roles that bypass row level security.
    """
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT to_regclass('public.profiles')").fetchone()
        if found is not None and found[0] is not None:
            raise DatabaseNotEmptyError(
                f"database {connection.info.dbname}: expected an empty database, found table public.profiles; "
                "create a new database and name that one"
            )
        make_tables(connection, product)
        sow(
            connection,
            password_hash=_hash(password),
            now=now or datetime.now(UTC),
            has_wide_settings=PERSONALITIES[product].has_wide_settings,
        )
    with psycopg.connect(dsn, autocommit=True) as connection:
        # Without statistics the first queries of a drill would be planned for empty tables.
        connection.execute("ANALYZE")


def make_tables(connection: psycopg.Connection, product: Product = "pam-plan") -> None:
    """Apply every step of the schema to an empty database, and note each of them. Raises psycopg.Error."""
    steps = migrations(product)
    for step in steps:
        connection.execute(step.sql.encode())
    # Where a list of them is, and what it holds, is the last step's to say.
    noted = connection.execute("SELECT to_regclass('supabase_migrations.schema_migrations') IS NULL").fetchone()
    for step in steps:
        if noted == (True,):
            connection.execute(
                "INSERT INTO public.schema_migrations (version, name, checksum) VALUES (%s, %s, %s)",
                (step.version, step.name, step.checksum),
            )
        else:
            connection.execute(
                "INSERT INTO supabase_migrations.schema_migrations (version, name, statements) VALUES (%s, %s, %s)",
                (step.version, step.name, [step.sql]),
            )


def set_password(dsn: str, password: str) -> None:
    """Give the accounts that can sign in a password of this sandbox (milliseconds; works on a copy of a prepared database).

    Raises LookupError when the accounts are not there.
    """
    with psycopg.connect(dsn) as connection:
        changed = connection.execute(
            "UPDATE auth.users SET encrypted_password = %s WHERE email = ANY(%s)",
            (_hash(password), [TEST_ACCOUNT_EMAIL, OTHER_ACCOUNT_EMAIL]),
        )
        if changed.rowcount == 0:
            raise LookupError(
                f"auth.users: expected {TEST_ACCOUNT_EMAIL}, found no such account; was the database seeded?"
            )


def _hash(password: str | None) -> str:
    return UNUSABLE if password is None else hash_password(password)
