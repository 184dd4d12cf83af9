"""Settings in a wide table: one row a user, one column of preferences for each setting. Read as if each were a row of its own.

The product has had both forms. The checks are written for the narrow one (``setting_name``, ``setting_value``); a wide table stands in
for it as a subquery. A column that is null is a setting that is not there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import sqlglot
from sqlglot import exp

from pam_rollback.environment.sql_names import Names
from pam_rollback.integrity.client.sql_reader import DIALECT, source_of
from pam_rollback.outside.postgres import Relation

SETTINGS = "user_settings"
_NARROW = ("setting_name", "setting_value")
_PREFERENCES = re.compile(r".+_preferences")


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

    @property
    def narrow(self) -> Relation:
        """The table as the checks see it. A user has several rows in it."""
        own = [column for column in self.relation.columns if column not in self.preferences]
        columns = dict.fromkeys((*own, "id", *_NARROW))
        return replace(self.relation, columns=tuple(columns), unique_columns=())

    def source(self, alias: str, names: Names) -> exp.Expr:
        """What stands after FROM for it."""
        settings = ", ".join(
            f"({exp.Literal.string(column).sql(DIALECT)}, to_jsonb(wide.{exp.to_identifier(column, quoted=True).sql(DIALECT)}))"
            for column in self.preferences
        )
        wide = source_of(SETTINGS, "wide", names, self.relation.visible_columns).sql(DIALECT)
        # A table without ids of its own has one row a user.
        lacks_id = "id" not in self.relation.columns and "id" not in names.columns.get(SETTINGS, {})
        narrow = (
            f"SELECT wide.*{', wide.user_id AS id' if lacks_id else ''}, one.setting_name, one.setting_value "  # noqa: S608 - quoted
            f"FROM {wide} CROSS JOIN LATERAL (VALUES {settings}) AS one (setting_name, setting_value) "
            "WHERE NOT one.setting_value IS NULL"
        )
        query = sqlglot.parse_one(narrow, dialect=DIALECT)
        assert isinstance(query, exp.Select)
        return query.subquery(alias)
