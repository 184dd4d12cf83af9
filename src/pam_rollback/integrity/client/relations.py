"""Where the tables are that the checks speak of, under the names that hold in this database."""

from __future__ import annotations

from collections.abc import Sequence

from pam_rollback.environment.sql_names import Names
from pam_rollback.outside.postgres import Relation, Snapshot


def look_up(snapshot: Snapshot, tables: Sequence[str], names: Names) -> tuple[dict[str, Relation], dict[str, str]]:
    """The tables that are there and can be read, and what is wrong with the others."""
    here = [names.table(table).rpartition(".") for table in tables]
    relations = snapshot.relations([(schema, name) for schema, _, name in here])
    found: dict[str, Relation] = {}
    wrong: dict[str, str] = {}
    for table, relation in zip(tables, relations, strict=True):
        called = names.table(table)
        other = f" (for {table})" if called != table else ""
        if relation is None:
            wrong[table] = (
                f"table {called}{other} is missing at {snapshot.where}, as role {snapshot.role} sees it; "
                f'if it is called otherwise here, set [sql.names] "{table}" = "…"'
            )
        elif not relation.is_readable:
            wrong[table] = (
                f"role {snapshot.role} may not read table {called}{other} at {snapshot.where}; GRANT SELECT on it"
            )
        else:
            found[table] = relation
    return found, wrong
