"""Settings in a wide table: one row a user, one column of preferences for each setting. Read as if each were a row of its own.

The product has had both forms. The checks are written for the narrow one (``setting_name``, ``setting_value``); a wide table stands in
for it as a subquery. A column that is null is a setting that is not there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from psycopg import sql

from pam_rollback.environment.sql_names import Names
from pam_rollback.outside.postgres import Relation

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
