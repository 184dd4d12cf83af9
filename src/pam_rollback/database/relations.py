"""Where the tables are that the checks speak of, under the names and in the form that they have in this database."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http.postgres import Relation, Snapshot
from pam_rollback.target.sql_names import Names

WHO = """
SELECT (SELECT system_identifier FROM pg_control_system())::text, database.oid::text, pg_postmaster_start_time()::text,
       database.datname::text
FROM pg_catalog.pg_database AS database WHERE database.datname = current_database()
"""
"""Which database it is, by whatever name it was reached."""

SETTINGS = "user_settings"
_NARROW = ("setting_name", "setting_value")
_PREFERENCES = re.compile(r"[^%]+_preferences")


@dataclass(frozen=True)
class WideSettings:
    """The table as it is, and the columns that hold a setting each."""

    relation: Relation
    preferences: tuple[str, ...]

    @classmethod
    def of(cls, table: str, relation: Relation, names: Names) -> WideSettings | None:
        """What a wide table has; None for any other, also for a narrow one that lacks a column."""
        if table != SETTINGS or any(names.column(table, column) in relation.columns for column in _NARROW):
            return None
        found = tuple(column for column in relation.visible_columns if _PREFERENCES.fullmatch(column))
        return cls(relation, found) if found else None

    def narrowed(self, source: sql.Composable, names: Names) -> sql.Composable:
        """Return the query that gives its settings as rows. A user has several."""
        settings = [
            sql.SQL("({}, to_jsonb(wide.{}))").format(sql.Literal(column), sql.Identifier(column))
            for column in self.preferences
        ]
        # A table without ids of its own has one row a user.
        lacks_id = "id" not in self.relation.columns and "id" not in names.columns.get(SETTINGS, {})
        return sql.SQL(
            "SELECT wide.*{}, one.setting_name, one.setting_value FROM ({}) AS wide "
            "CROSS JOIN LATERAL (VALUES {}) AS one (setting_name, setting_value) WHERE one.setting_value IS NOT NULL"
        ).format(sql.SQL(", wide.user_id AS id" if lacks_id else ""), source, sql.SQL(", ").join(settings))


def look_up(snapshot: Snapshot, tables: Sequence[str], names: Names) -> tuple[dict[str, Relation], dict[str, str]]:
    """Return the tables that are there and can be read, and what is wrong with the others."""
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


def renamed(
    statement: str,
    names: Names,
    relations: Mapping[str, Relation],
    wide: Mapping[str, WideSettings] | None = None,
) -> str:
    """Return the SELECT for a database that calls its things otherwise: common table expressions stand in for tables.

    PostgreSQL looks through them at no cost. The tables themselves are named first, where none of these names can be meant yet.
    """
    wide = wide or {}
    tables: list[sql.Composed] = []
    stand_ins: list[sql.Composed] = []
    for table in (one for one in relations if one in names.tables or one in names.columns or one in wide):
        shape = wide.get(table)
        columns = (shape.relation if shape else relations[table]).visible_columns
        # A % would be taken for a parameter.
        own = [column for column in columns if "%" not in column]
        called = {name: here for name, here in names.columns.get(table, {}).items() if here in own}
        place = sql.Identifier(*filter(None, names.table(table).rpartition(".")[::2]))
        real = sql.Identifier(f"here_{len(tables)}")
        tables.append(_expression(real, _selected([sql.Identifier(column) for column in own], place)))
        # A column may be another's here and be itself as well: `id` is called user_id where a user has one row.
        kept = [sql.Identifier(column) for column in own if column not in names.columns.get(table, {})]
        others = [sql.SQL("{} AS {}").format(*map(sql.Identifier, (here, name))) for name, here in called.items()]
        source = _selected([*kept, *others], real)
        stand_ins.append(_expression(sql.Identifier(table), shape.narrowed(source, names) if shape else source))
        if "." in table:
            statement = re.sub(rf'(?<![\w."]){re.escape(table)}\b', f'"{table}"', statement)
    if not tables:
        return statement
    return f"WITH {sql.SQL(', ').join([*tables, *stand_ins]).as_string(None)} {statement}"


def _selected(columns: Sequence[sql.Composable], place: sql.Identifier) -> sql.Composed:
    return sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(columns), place)


def _expression(name: sql.Identifier, query: sql.Composable) -> sql.Composed:
    return sql.SQL("{} AS NOT MATERIALIZED ({})").format(name, query)


def known_names(names: Mapping[str, str], tables: Collection[str], *, source: str) -> Names:
    """Sort the names of these tables; others are of no concern here. Raises MeasurementFailed for what cannot be one."""
    here = {key: name for key, name in names.items() if key in tables or key.rpartition(".")[0] in tables}
    try:
        return Names.of(here, tables, source=source)
    except ConfigurationError as error:
        raise MeasurementFailed(str(error)) from None


@dataclass
class Statements:
    """Our own statements about core tables, with the names that hold here."""

    names: Names
    relations: dict[str, Relation]

    @classmethod
    def of(cls, snapshot: Snapshot, tables: Collection[str], names: Mapping[str, str]) -> Statements:
        """Look the tables up. Raises MeasurementFailed when one is missing or may not be read."""
        found, missing = look_up(snapshot, tuple(tables), known_names(names, tables, source="[sql.names]"))
        if missing:
            raise MeasurementFailed("; ".join(missing.values()))
        # A wide table of settings has one row a user and no ids of its own.
        without_id = {
            f"{table}.id": "user_id"
            for table, relation in found.items()
            if "id" not in relation.columns and "user_id" in relation.columns
        }
        return cls(known_names({**without_id, **names}, tables, source="[sql.names]"), found)

    def has(self, table: str, column: str) -> bool:
        """Whether the table has this column here, whatever it is called."""
        return self.names.column(table, column) in self.relations[table].columns

    def text(self, statement: str) -> str:
        """The statement for this database."""
        return renamed(statement, self.names, self.relations)
