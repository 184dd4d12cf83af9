"""Counts the rows that were there, so that a later counting shows what was lost; and finds the account whose rows do not count."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.relations import Statements
from pam_rollback.database.row_counts import TableContent, TableCount, TableCounts
from pam_rollback.http.postgres import Snapshot
from pam_rollback.target.contract import UsersRows

TEST_USER = "test_user"
_COUNTING_MARGIN = "30 seconds"
"""A transaction that is open while rows are counted may commit rows that are older than the counting; none is open that long."""

_GROUPS = 4096
_IDS_MAX = 20
_SEARCHED_MAX = 50_000
"""In a table with more rows it takes too long to find those that were moved."""


@dataclass(frozen=True)
class Unavailable:
    """A parameter that could not be found out, and why: whatever needs it is unknown."""

    why: str


def account_id(snapshot: Snapshot, email: str, names: Mapping[str, str]) -> str | Unavailable | None:
    """The id of the test account; None when nobody has this address. Unavailable when it could not be looked up."""
    text = "SELECT profile.id::text AS id FROM profiles AS profile WHERE lower(profile.email) = lower(%(email)s)"
    try:
        statement = Statements.of(snapshot, ("profiles",), names).text(text)
        found = snapshot.rows(statement, {"email": email})
    except MeasurementFailed as failed:
        return Unavailable(f"the test account cannot be looked up: {failed}")
    return str(found[0][0]) if found else None


def oids_of(snapshot: Snapshot, tables: Iterable[str], names: Mapping[str, str]) -> list[int] | Unavailable:
    """By what the catalogue knows these tables. Unavailable when one is missing or may not be read."""
    try:
        return [relation.oid for relation in Statements.of(snapshot, tuple(tables), names).relations.values()]
    except MeasurementFailed as failed:
        return Unavailable(f"the tables with rows of users cannot be looked up: {failed}")


def count_rows(
    snapshot: Snapshot,
    rows: Mapping[str, UsersRows],
    *,
    test_user: str | None,
    names: Mapping[str, str],
    before: TableCounts | None = None,
) -> TableCounts:
    """Count the rows of these tables that were created up to a little before the snapshot: the same as ``before``, and what was changed.

    Raises MeasurementFailed.
    """
    tables = list(rows)
    statements = Statements.of(snapshot, tables, names)
    snapshot.refuse_blindness(statements.relations.values())
    until = before.created_until if before else snapshot.row(f"SELECT now() - interval '{_COUNTING_MARGIN}'")[0]
    traced = {table for table in tables if rows[table].changed_at and statements.has(table, rows[table].changed_at)}
    since = {table: count.changed_s for table, count in before.tables.items() if table in traced} if before else {}
    fixed = {table: tuple(column for column in rows[table].stays if statements.has(table, column)) for table in tables}
    owners = {table: _owner_of(table, rows[table].owner, statements) for table in tables}
    texts = [statements.text(_counting(table, rows, fixed[table], owners[table], statements)) for table in tables]
    given = {"until": until, TEST_USER: test_user}
    answers = snapshot.all_of(
        [(text, {**given, "since": since.get(table)}) for table, text in zip(tables, texts, strict=True)]
    )
    counts: dict[str, TableCount] = {}
    for table, answer in zip(tables, answers, strict=True):
        if isinstance(answer, MeasurementFailed):
            raise MeasurementFailed(f"the rows of {table} cannot be counted: {answer}")
        counts[table] = _count(answer, fixed[table], owners[table], since.get(table))
    return TableCounts(created_until=until, tables=counts)


def ids_in_groups(
    snapshot: Snapshot,
    rows: Mapping[str, UsersRows],
    groups: Mapping[str, Sequence[int]],
    *,
    test_user: str | None,
    names: Mapping[str, str],
    until: datetime,
    moved: Mapping[str, Mapping[int, int]] | None = None,
) -> dict[str, tuple[str, ...]]:
    """Give the ids of some rows of these groups, by table: ids only, never contents. Raises MeasurementFailed.

    ``moved``: by how much the sum of each group's owners changed. Rows are named that make this change if they belonged to another owner
    of the table, which none does by chance; where none does (two rows of a group were moved), and in large tables, any of the groups.
    """
    statements = Statements.of(snapshot, tuple(groups), names)
    found: dict[str, tuple[str, ...]] = {}
    for table, numbers in groups.items():
        shifts = {str(number): str(shift) for number, shift in (moved or {}).get(table, {}).items()}
        given = {"groups": list(numbers[:_IDS_MAX]), "until": until, TEST_USER: test_user, "shifts": json.dumps(shifts)}
        owner = rows[table].owner
        was = (
            f" AND EXISTS (SELECT FROM {table} AS other WHERE hash_record_extended(ROW(moved.id, other.{owner}), 0)::numeric"
            f" - hash_record_extended(ROW(moved.id, moved.{owner}), 0)"
            f" = (%(shifts)s::jsonb ->> {_GROUP.replace('id::', 'moved.id::')}::text)::numeric)"
        )
        for own in (was, "") if shifts and statements.relations[table].rows <= _SEARCHED_MAX else ("",):
            text = (
                f"SELECT id::text AS id FROM {table} AS moved WHERE {_GROUP} = ANY (%(groups)s)"  # noqa: S608 - constants
                f" AND {_counted(table, rows)}{own} ORDER BY created_at, id LIMIT {_IDS_MAX}"
            )
            found[table] = tuple(str(row[0]) for row in snapshot.rows(statements.text(text), given))
            if found[table]:
                break
    return found


_KEY = "hashtextextended(id::text, 0)"
_GROUP = f"({_KEY} & {_GROUPS - 1})"


def _counted(table: str, rows: Mapping[str, UsersRows]) -> str:
    return f"(created_at <= %(until)s) IS NOT FALSE AND {_not_the_test_accounts(table, rows)}"


def _not_the_test_accounts(table: str, rows: Mapping[str, UsersRows]) -> str:
    """The test account writes while this is read, so none of its rows count."""
    of = rows[table]
    if not of.within:
        return f"{of.owner} IS DISTINCT FROM %(test_user)s::uuid"
    owner = rows[of.within].owner
    return f"{of.owner} <> ALL (ARRAY(SELECT own.id FROM {of.within} AS own WHERE own.{owner} = %(test_user)s::uuid))"  # noqa: S608 - identifiers


def _owner_of(table: str, column: str, statements: Statements) -> str:
    """The owner's column; empty where the table has none, or where it is the key, so that a moved row is a lost one."""
    is_key = statements.names.column(table, column) == statements.names.column(table, "id")
    return column if not is_key and statements.has(table, column) else ""


def _counting(
    table: str, rows: Mapping[str, UsersRows], fixed: tuple[str, ...], owner: str, statements: Statements
) -> str:
    """One scan of a table: all its rows in one, or where it has columns that stay, in groups of rows."""
    changed_at = rows[table].changed_at
    has_trace = changed_at and statements.has(table, changed_at)
    changed = f"coalesce(extract(epoch FROM max({changed_at})), 0)::float8" if has_trace else "0::float8"
    since = f"extract(epoch FROM {changed_at})::float8 > %(since)s::float8" if has_trace else "FALSE"
    counting = (
        f"count(*) AS n, coalesce(sum({_KEY}), 0)::text AS keys, {changed} AS changed, "
        f"count(*) FILTER (WHERE {since}) AS changed_since"
    )
    span = f"FROM {table} WHERE {_counted(table, rows)}"
    if not fixed and not owner:
        return f"SELECT {counting} {span}"
    # Of values and not of texts: how a moment or a number is written depends on the session and on the column's precision.
    content = _sum_of(*fixed) if fixed else "'0'"
    owners = _sum_of(owner) if owner else "'0'"
    return f"SELECT {_GROUP} AS part, {counting}, {content} AS content, {owners} AS owners {span} GROUP BY 1"


def _sum_of(*columns: str) -> str:
    return f"sum(hash_record_extended(ROW({', '.join(('id', *columns))}), 0))::text"


def _count(answer: list[tuple[Any, ...]], fixed: tuple[str, ...], owner: str, since_s: float | None) -> TableCount:
    in_groups = bool(fixed or owner)
    found = {int(number): more for number, *more in answer} if in_groups else {0: [*answer[0]]}
    content = (
        TableContent(
            columns=fixed,
            groups={number: (rows, keys, content, at_s) for number, (rows, keys, at_s, _, content, _) in found.items()},
            owner=owner,
            owners={number: owners for number, (*_, owners) in found.items()} if owner else {},
        )
        if in_groups
        else None
    )
    return TableCount(
        rows=sum(rows for rows, *_ in found.values()),
        keys=str(sum(int(keys) for _, keys, *_ in found.values())),
        content=content,
        changed_s=max((at_s for _, _, at_s, *_ in found.values()), default=0.0) or None,
        changed=None if since_s is None else sum(changed for _, _, _, changed, *_ in found.values()),
    )
