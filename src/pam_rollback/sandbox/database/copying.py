"""A copy of the product's database in another one of the same server: the same migrations, then the rows of one moment."""

from __future__ import annotations

import psycopg
from psycopg import sql

from pam_rollback.sandbox.database import make_tables
from pam_rollback.sandbox.personalities import Product

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
