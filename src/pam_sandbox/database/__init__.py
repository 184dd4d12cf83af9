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
import hmac
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from pam_sandbox.database.seed import OTHER_ACCOUNT_EMAIL, TEST_ACCOUNT_EMAIL, UNUSABLE, account_id, sow
from pam_sandbox.personalities import PAM_PLAN, Personality

__all__ = ["OTHER_ACCOUNT_EMAIL", "TEST_ACCOUNT_EMAIL", "UNUSABLE", "account_id"]

# 4 MiB and some 10 ms: these accounts hold invented data, and a load test signs in thousands of times.
_COST = 2**12
_BLOCK_SIZE = 8
_SALT_BYTES = 16
_SCHEME = "scrypt"


def hash_password(password: str) -> str:
    """Give the salted hash to store for `password`."""
    salt = os.urandom(_SALT_BYTES)
    return f"{_SCHEME}${salt.hex()}${_digest(password, salt).hex()}"


def verify_password(password: str, stored: str) -> bool:
    """Tell whether `password` belongs to the `stored` hash; takes as long when the account cannot sign in at all."""
    scheme, _, rest = stored.partition("$")
    salt_hex, _, digest_hex = rest.partition("$")
    usable = scheme == _SCHEME
    digest = _digest(password, bytes.fromhex(salt_hex) if usable else bytes(_SALT_BYTES))
    return hmac.compare_digest(digest.hex(), digest_hex) and usable


def _digest(password: str, salt: bytes) -> bytes:
    secret = password.encode(errors="surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=_COST, r=_BLOCK_SIZE, p=1)


AUDITOR = "pam_auditor"
"""The role that the checks sign in as: it sees every row of the product and can change none.

Its own role and not the product's, because a check that is able to write will one day, and because a role that is blinded by row
level security is a damage of its own.
"""
PLAN_SEARCH_PATH = "plan,public"
"""With it the rollback plan's own SQL finds the columns that it expects."""

_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname IN ('public', 'plan', 'supabase_migrations') ORDER BY 1"
"""Those whose tables the checks read; a product has two of them."""
_GRANTS = (
    "GRANT USAGE ON SCHEMA auth, {schemas} TO {role}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA {schemas} TO {role}",
    # The last value of a sequence is a null to whoever may not read the sequence.
    "GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
    # Who exists, and nothing of how they sign in.
    "GRANT SELECT (id, email, created_at) ON auth.users TO {role}",
    "REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC",
    "ALTER ROLE {role} SET default_transaction_read_only = on",
)


def create_auditor(dsn: str, *, role: str, password: str) -> None:
    """Make the role for the finished database of `dsn`, whose account owns the tables.

    Raises psycopg.Error; that account needs the right to create roles that bypass row level security.
    """
    with psycopg.connect(dsn) as connection:
        schemas = [sql.Identifier(str(name)) for (name,) in connection.execute(_SCHEMAS).fetchall()]
        names = {
            "role": sql.Identifier(role),
            "database": sql.Identifier(connection.info.dbname),
            "schemas": sql.SQL(", ").join(schemas),
        }
        connection.execute(
            sql.SQL("CREATE ROLE {role} LOGIN BYPASSRLS PASSWORD {password}").format(
                password=sql.Literal(password), **names
            )
        )
        for grant in _GRANTS:
            connection.execute(sql.SQL(grant).format(**names))


def dsn_of(role: str, password: str, *, like: str) -> str:
    """The address `like`, signed in to as `role`."""
    parts = urlsplit(like)
    account = f"{quote(role, safe='')}:{quote(password, safe='')}"
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in {"user", "password"}]
    return _joined(parts._replace(netloc=f"{account}@{parts.netloc.rpartition('@')[2]}").geturl(), kept)


def in_plan_dialect(dsn: str) -> str:
    """The address `dsn`, with the plan's own tables found first."""
    options = dict(parse_qsl(urlsplit(dsn).query))
    own = options.pop("options", "")
    return _joined(dsn, [*options.items(), ("options", f"{own} -c search_path={PLAN_SEARCH_PATH}".strip())])


def _joined(dsn: str, query: list[tuple[str, str]]) -> str:
    # libpq decodes %20, and takes a plus sign for a plus sign.
    return urlunsplit(urlsplit(dsn)._replace(query=urlencode(query, quote_via=quote)))


_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema; `checksum` is the SHA-256 of its text."""

    version: str
    name: str
    sql: str
    checksum: str


def migrations(product: Personality = PAM_PLAN) -> list[Migration]:
    """Give the steps of the product's schema in the order in which they are applied."""
    first, *own = map(_steps, product.schema)
    shared = [step for step in first if not product.shares or step.name in product.shares]
    return [*shared, *(step for steps in own for step in steps)]


def _steps(file: str) -> list[Migration]:
    text = (_FOLDER / file).read_text(encoding="utf-8")
    parts = re.split(r"^-- migration: (\d+) (\w[\w ]*)$", text, flags=re.MULTILINE)
    return [
        Migration(version=version, name=name, sql=sql, checksum=hashlib.sha256(sql.encode()).hexdigest())
        for version, name, sql in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    ]


def create(
    dsn: str, *, password: str | None = None, now: datetime | None = None, product: Personality = PAM_PLAN
) -> None:
    """Make the tables in the existing, empty database `dsn` names, and fill them.

    `password` is for the two accounts that can sign in; without it they cannot until `set_password` is called. `now` is the moment
    the invented history ends at. All of it or nothing is done. Raises psycopg.Error; the account of the DSN
    needs the right to create roles that bypass row level security.
    """
    with psycopg.connect(dsn) as connection:
        make_tables(connection, product)
        sow(
            connection,
            password_hash=_hash(password),
            now=now or datetime.now(UTC),
            has_wide_settings=product.has_wide_settings,
        )
    with psycopg.connect(dsn, autocommit=True) as connection:
        # Without statistics the first queries of a drill would be planned for empty tables.
        connection.execute("ANALYZE")


def make_tables(connection: psycopg.Connection, product: Personality = PAM_PLAN) -> None:
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
    """Give the accounts that can sign in a password of this sandbox (milliseconds; works on a copy of a prepared database)."""
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "UPDATE auth.users SET encrypted_password = %s WHERE email = ANY(%s)",
            (_hash(password), [TEST_ACCOUNT_EMAIL, OTHER_ACCOUNT_EMAIL]),
        )


def _hash(password: str | None) -> str:
    return UNUSABLE if password is None else hash_password(password)
