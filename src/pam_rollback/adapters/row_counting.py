"""Counts the rows that were there, so that a later counting shows what was lost; and finds the account whose rows do not count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlglot

from pam_rollback.adapters.postgres import Relation, Snapshot
from pam_rollback.adapters.relations import look_up
from pam_rollback.adapters.sql_reader import DIALECT, Names, renamed, text_of
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.invariants import Dialect
from pam_rollback.core.row_counts import TableCount, TableCounts

TEST_USER = "test_user"
_COUNTING_MARGIN = "30 seconds"
"""A transaction that is open while rows are counted may commit rows that are older than the counting; none is open that long."""

_USERS_OWN = "{column} IS DISTINCT FROM %(test_user)s::uuid"
COUNTED: Mapping[str, Mapping[Dialect, str]] = {
    "profiles": dict.fromkeys(("product", "plan"), _USERS_OWN.format(column="id")),
    "user_settings": {"product": _USERS_OWN.format(column="user_id")},
    "pam_conversations": dict.fromkeys(("product", "plan"), _USERS_OWN.format(column="user_id")),
    "pam_messages": {
        "product": "conversation_id <> ALL (ARRAY("
        "SELECT own.id FROM pam_conversations AS own WHERE own.user_id = %(test_user)s::uuid))"
    },
    "expenses": dict.fromkeys(("product", "plan"), _USERS_OWN.format(column="user_id")),
    "support_tickets": {"product": _USERS_OWN.format(column="user_id")},
}
"""The core tables of each dialect, and which of their rows are not the test account's, which writes while this is read."""


@dataclass(frozen=True)
class Unavailable:
    """A parameter that could not be found out, and why: whatever needs it is unknown."""

    why: str


def account_id(snapshot: Snapshot, email: str, names: Mapping[str, str]) -> str | Unavailable | None:
    """The id of the test account; None when nobody has this address. Unavailable when it could not be looked up."""
    text = "SELECT profile.id::text AS id FROM profiles AS profile WHERE lower(profile.email) = lower(%(email)s)"
    try:
        statement = _Statements.of(snapshot, ("profiles",), names).text(text)
        found = snapshot.rows(statement, {"email": email})
    except MeasurementFailed as failed:
        return Unavailable(f"the test account cannot be looked up: {failed}")
    return str(found[0][0]) if found else None


def count_rows(
    snapshot: Snapshot,
    dialect: Dialect,
    *,
    test_user: str | None,
    names: Mapping[str, str],
    until: datetime | None = None,
) -> TableCounts:
    """Count the core tables' rows created ``until`` then (default: a little before the snapshot). Raises MeasurementFailed."""
    tables = [table for table, by_dialect in COUNTED.items() if dialect in by_dialect]
    statements = _Statements.of(snapshot, tables, names)
    snapshot.refuse_blindness(statements.relations.values())
    if until is None:
        until = snapshot.row(f"SELECT now() - interval '{_COUNTING_MARGIN}'")[0]
    texts = [
        statements.text(
            "SELECT count(*) AS n, coalesce(sum(hashtextextended(id::text, 0)), 0)::text AS keys"  # noqa: S608 - constants
            f" FROM {table} WHERE (created_at <= %(until)s) IS NOT FALSE AND {COUNTED[table][dialect]}"
        )
        for table in tables
    ]
    answers = snapshot.all_of([(text, {"until": until, TEST_USER: test_user}) for text in texts])
    counts: dict[str, TableCount] = {}
    for table, answer in zip(tables, answers, strict=True):
        if isinstance(answer, MeasurementFailed):
            raise MeasurementFailed(f"the rows of {table} cannot be counted: {answer}")
        counts[table] = TableCount(rows=answer[0][0], keys=answer[0][1])
    return TableCounts(created_until=until, tables=counts)


@dataclass
class _Statements:
    """Our own statements about core tables, with the names that hold here."""

    names: Names
    relations: dict[str, Relation]

    @classmethod
    def of(cls, snapshot: Snapshot, tables: Iterable[str], names: Mapping[str, str]) -> _Statements:
        known = Names.of(
            {name: here for name, here in names.items() if _owner(name, tables)}, tables, source="[sql.names]"
        )
        found, missing = look_up(snapshot, tuple(tables), known)
        if missing:
            raise MeasurementFailed("; ".join(missing.values()))
        return cls(known, found)

    def text(self, statement: str) -> str:
        query = sqlglot.parse_one(statement, dialect=DIALECT)
        return text_of(renamed(query, self.names, {name: found.columns for name, found in self.relations.items()}))


def _owner(name: str, tables: Iterable[str]) -> bool:
    return name in tables or name.rpartition(".")[0] in tables
