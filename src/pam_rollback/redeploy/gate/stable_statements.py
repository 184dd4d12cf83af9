"""The statements that a release could send, made from the tables as they are, and sent in a transaction that is always rolled back.

For each table: read all its columns, write rows that are there once more, and insert a copy of one with fresh keys. As the owner, and as
each role of the API, since policies and privileges decide what those meet. An insert of rows that exist stops at their keys, after every
policy was asked for many of them; the new row goes in, so that each trigger meets it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import psycopg
from psycopg import sql

from pam_rollback.redeploy.gate.migrations import Column, Picture
from pam_rollback.redeploy.gate.stable_release import OWNER, Ran, Sender, Statement

Connection = psycopg.Connection[tuple[Any, ...]]
_ROLES = """
SELECT rolname::text FROM pg_catalog.pg_roles
WHERE rolname IN ('anon', 'authenticated', 'service_role') AND pg_has_role(current_user, oid, 'MEMBER') ORDER BY 1
"""
_FRESH = {
    "uuid": "gen_random_uuid()",
    "text": "gen_random_uuid()::text || {}",
    "character varying": "gen_random_uuid()::text || {}",
}
"""By type, a value that no other row has."""
_SIGNED_IN = "authenticated"
_USERS = "SELECT id::text FROM auth.users ORDER BY 1 LIMIT 3"
_KEYS = """
SELECT i.indrelid::regclass::text || '.' || a.attname,
       EXISTS (SELECT FROM pg_constraint AS f WHERE f.conrelid = i.indrelid AND f.contype = 'f' AND a.attnum = ANY (f.conkey))
FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indisunique
"""
"""Each column of a unique key, and whether it has to name a row of another table."""
_ROWS = 20
_SHOWN_COLUMNS = 3
_WITHIN_S = 20


def statements_of(connection: Connection, picture: Picture) -> tuple[Statement, ...]:
    """What can be sent to the tables of this database, as it was seen."""
    columns = {name.replace('"', ""): column for name, column in picture.columns.items()}
    refusing = {name for name, column in columns.items() if column.refuses}
    fresh = dict(_fresh(connection, columns))
    senders = tuple(_senders(connection))
    return tuple(
        Statement(sender, table, shown, *sent)
        for table, contents in picture.tables.items()
        if contents.columns
        for shown, sent in _about(connection, table, list(contents.columns), refusing, fresh)
        for sender in senders
    )


def sent(connection: Connection, statements: Iterable[Statement]) -> dict[Statement, Ran]:
    """Send them, each by itself; nothing of it stays."""
    found = {}
    connection.execute(f"SET LOCAL statement_timeout = '{_WITHIN_S}s'".encode())
    for statement in statements:
        with connection.transaction(force_rollback=True):
            found[statement] = _one(connection, statement)
    return found


def _one(connection: Connection, statement: Statement) -> Ran:
    try:
        with connection.transaction():
            had = _count(connection, statement.counted)
            if statement.sender.role:
                claims = json.dumps({"sub": statement.sender.user, "role": statement.sender.role})
                connection.execute(
                    "SELECT set_config('request.jwt.claims', %s, true)", (claims if statement.sender.user else "",)
                )
                connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(statement.sender.role)))
            cursor = connection.execute(statement.sent.encode())
            if statement.counted:
                # What waits for the end of the transaction has its say; then it is counted by who sees all rows.
                connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                connection.execute("RESET ROLE")
                return Ran(_count(connection, statement.counted) - had)
            row = cursor.fetchone() if cursor.description else None
            return Ran(int(row[0]) if row else cursor.rowcount)
    except psycopg.Error as error:
        if connection.closed:
            raise
        return Ran(problem=" ".join(str(error.diag.message_primary or error).split()))


def _count(connection: Connection, counted: str) -> int:
    row = connection.execute(counted.encode()).fetchone() if counted else None
    return int(row[0]) if row else 0


def _fresh(connection: Connection, columns: Mapping[str, Column]) -> Iterator[tuple[str, str]]:
    """By column of a key, what a new row has there: another value, or nothing, where it fills itself."""
    keys = [(str(name).replace('"', ""), foreign) for name, foreign in connection.execute(_KEYS.encode())]
    names_a_row = {name for name, foreign in keys if foreign}
    for name, _ in keys:
        one = columns.get(name)
        if one is not None and name not in names_a_row and (one.type in _FRESH or one.filled):
            yield name, _FRESH.get(one.type, "")


def _senders(connection: Connection) -> Iterator[Sender]:
    yield Sender(OWNER)
    roles = [str(role) for (role,) in connection.execute(_ROLES.encode())]
    has_users = connection.execute("SELECT to_regclass('auth.users') IS NOT NULL").fetchone() == (True,)
    users = [str(user) for (user,) in connection.execute(_USERS.encode())] if has_users else []
    for role in roles:
        if role == _SIGNED_IN and users:
            yield from (Sender(f"{role}, user {number}", role, user) for number, user in enumerate(users, 1))
        else:
            yield Sender(role, role)


def _about(
    connection: Connection, where: str, columns: list[str], refusing: Collection[str], fresh: Mapping[str, str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each as it is shown, and as it is sent and counted."""
    table = sql.Identifier(*where.split(".", 1))
    all_columns = sql.SQL(", ").join(map(sql.Identifier, columns))
    free = [column for column in columns if f"{where}.{column}" not in refusing]
    given = sql.SQL(", ").join(map(sql.Identifier, free))
    some = sql.SQL("ctid IN (SELECT ctid FROM {} LIMIT {})").format(table, _ROWS)
    shown = ", ".join(islice(columns, _SHOWN_COLUMNS))
    shown += ", …" if len(columns) > _SHOWN_COLUMNS else ""
    reads = sql.SQL("SELECT count(*) FROM (SELECT {} FROM {} OFFSET 0) AS found").format(all_columns, table)
    yield f"SELECT {shown} FROM {where}", (reads.as_string(connection),)  # noqa: S608 - shown, never sent
    if free:
        same = sql.SQL(", ").join(sql.SQL("{0} = {0}").format(sql.Identifier(column)) for column in free)
        updates = sql.SQL("UPDATE {} SET {} WHERE {}").format(table, same, some)
        yield f"UPDATE {where} SET {shown}", (updates.as_string(connection),)  # noqa: S608 - shown, never sent
        inserts = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} LIMIT {} ON CONFLICT DO NOTHING").format(
            table, given, given, table, _ROWS
        )
        yield f"INSERT INTO {where} ({shown})", (inserts.as_string(connection),)
        values = {
            column: sql.SQL(fresh.get(f"{where}.{column}", "{}")).format(sql.Identifier(column))
            for column in free
            if fresh.get(f"{where}.{column}", "{}")
        }
        if values:
            adds = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} LIMIT 1").format(
                table, sql.SQL(", ").join(map(sql.Identifier, values)), sql.SQL(", ").join(values.values()), table
            )
            counts = sql.SQL("SELECT count(*) FROM {}").format(table)
            yield f"INSERT INTO {where} ({shown})", (adds.as_string(connection), counts.as_string(connection))
    yield f"DELETE FROM {where}", (sql.SQL("DELETE FROM {} WHERE {}").format(table, some).as_string(connection),)  # noqa: S608 - shown, never sent
