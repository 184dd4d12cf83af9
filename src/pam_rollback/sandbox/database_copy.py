"""The copy of the sandbox's database on which migrations are tried: the same migrations, and the rows of one moment."""

from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pam_rollback.sandbox.database import make_tables
from pam_rollback.sandbox.personalities import Product
from pam_rollback.sandbox.practice_database import Access
from pam_rollback.sandbox.problems import SandboxError

_SUFFIX = "_copy"
_TABLES = """
SELECT schemaname::text, tablename::text FROM pg_catalog.pg_tables WHERE schemaname IN ('public', 'auth') ORDER BY 1, 2
"""
_REFERENCES = """
SELECT child.relnamespace::regnamespace::text, child.relname::text, parent.relnamespace::regnamespace::text, parent.relname::text
FROM pg_catalog.pg_constraint AS key
JOIN pg_catalog.pg_class AS child ON child.oid = key.conrelid
JOIN pg_catalog.pg_class AS parent ON parent.oid = key.confrelid
WHERE key.contype = 'f' AND child.oid <> parent.oid
"""
_SEQUENCES = (
    "SELECT schemaname::text, sequencename::text, last_value FROM pg_catalog.pg_sequences WHERE schemaname = 'public'"
)

Table = tuple[str, str]


def name_of(dsn: str) -> str:
    """How the copy of the database is called."""
    return urlsplit(dsn).path.lstrip("/") + _SUFFIX


def dsn_of(dsn: str) -> str:
    """The way into the copy, as who owns its tables."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name_of(dsn)}"))


def make(access: Access, product: Product = "pam-plan") -> None:
    """Throw the old copy away, and make one of what the database holds now; blocks for a second. Raises SandboxError."""
    name = sql.Identifier(name_of(access.product_dsn))
    try:
        with psycopg.connect(access.administrator_dsn, autocommit=True) as connection:
            owner = conninfo_to_dict(access.product_dsn)["user"]
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(str(owner))))
        copy(access.product_dsn, dsn_of(access.product_dsn), product)
    except psycopg.Error as error:
        raise SandboxError(
            "copy of the database", expected="the same tables and rows", found=str(error).strip()
        ) from error


def copy(source_dsn: str, target_dsn: str, product: Product = "pam-plan") -> None:
    """Fill the empty database of ``target_dsn``. Raises psycopg.Error, also where rows of the source break its tables' rules."""
    with psycopg.connect(source_dsn) as source, psycopg.connect(target_dsn) as target:
        source.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        make_tables(target, product)
        tables = _in_order(target)
        target.execute(
            sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(", ").join(sql.Identifier(*table) for table in tables))
        )
        for table in tables:
            _copy_rows(source, target, table)
        for schema, name, last in source.execute(_SEQUENCES).fetchall():
            if last is not None:
                target.execute("SELECT setval(%s::regclass, %s)", (f"{schema}.{name}", last))


def _in_order(connection: psycopg.Connection) -> list[Table]:
    """Each table after those that it refers to."""
    waiting = [(str(schema), str(name)) for schema, name in connection.execute(_TABLES).fetchall()]
    needs = {((a, b), (c, d)) for a, b, c, d in connection.execute(_REFERENCES).fetchall()}
    ordered: list[Table] = []
    while waiting:
        ready = [table for table in waiting if not any(child == table and parent in waiting for child, parent in needs)]
        ordered += ready
        waiting = [table for table in waiting if table not in ready]
    return ordered


def _copy_rows(source: psycopg.Connection, target: psycopg.Connection, table: Table) -> None:
    name = sql.Identifier(*table)
    with (
        source.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(name)) as rows,
        target.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(name)) as place,
    ):
        for block in rows:
            place.write(block)
