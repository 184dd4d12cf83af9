"""The database's catalogue, read in a transaction that can only read."""

from collections.abc import Collection

from pam_rollback.connect.rules.found import Catalogue
from pam_rollback.integrity.client.catalogue import TABLES
from pam_rollback.outside.postgres import Patience, open_snapshot

_PATIENCE = Patience(statement_timeout_s=20, lock_timeout_s=2)
_SCHEMA = "public"
_HIDDEN = """
SELECT o.relname::text FROM pg_class AS o JOIN pg_namespace AS n ON n.oid = o.relnamespace
WHERE n.nspname = 'public' AND o.relkind IN ('r', 'p') AND row_security_active(o.oid) ORDER BY 1
"""
_WRITABLE = """
SELECT o.relname::text FROM pg_class AS o JOIN pg_namespace AS n ON n.oid = o.relnamespace
WHERE n.nspname = 'public' AND o.relkind IN ('r', 'p')
  AND has_table_privilege(o.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') ORDER BY 1
"""


def read_catalogue(dsn: str, wanted: Collection[str]) -> Catalogue:
    """``wanted``: the tables that the checks speak of. Raises MeasurementFailed; the password is in no message."""
    with open_snapshot(dsn, _PATIENCE, connections=1) as snapshot:
        tables = {
            str(name): tuple(map(str, columns)) for schema, name, columns in snapshot.rows(TABLES) if schema == _SCHEMA
        }
        hidden = {str(name) for (name,) in snapshot.rows(_HIDDEN)}
        writable = {str(name) for (name,) in snapshot.rows(_WRITABLE)}
        return Catalogue(
            role=snapshot.role,
            tables={name: tables[name] for name in wanted if name in tables},
            missing=tuple(name for name in wanted if name not in tables),
            hidden=tuple(name for name in wanted if name in hidden),
            writable=tuple(name for name in wanted if name in writable),
        )
