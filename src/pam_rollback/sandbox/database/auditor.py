"""The role that the checks sign in as: it sees every row of the product and can change none.

Its own role and not the product's, because a check that is able to write will one day, and because a role that is blinded by row
level security is a damage of its own.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql

NAME = "pam_auditor"
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
