"""Tables over HTTP, as PostgREST shows them: in the role and with the claims of who asks, so that row level security decides."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import psycopg
from aiohttp import web
from psycopg import sql
from psycopg_pool import AsyncConnectionPool

_ROLES = frozenset({"anon", "authenticated", "service_role"})
_MOST_ROWS = 1000
"""What a project gives at most in one answer, unless somebody changes its settings."""
_NOT_FILTERS = frozenset({"select", "order", "limit", "offset", "apikey", "columns", "on_conflict"})
_OPERATORS = {
    "eq": "=",
    "neq": "<>",
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
    "is": "IS",
    "in": "IN",
    "like": "LIKE",
}
_IS = {"null": "NULL", "true": "TRUE", "false": "FALSE", "unknown": "UNKNOWN"}
_COLUMN = re.compile(r"[A-Za-z_]\w*")
_ONE = "application/vnd.pgrst.object+json"


class _RefusedError(Exception):
    """The request cannot be read; the message is for who asked."""


@dataclass(frozen=True)
class Asked:
    """One request for the rows of a table."""

    method: str
    table: str
    query: tuple[tuple[str, str], ...]
    prefer: frozenset[str]
    wants_one: bool
    claims: Mapping[str, Any]

    @classmethod
    def of(cls, request: web.BaseRequest, table: str, claims: Mapping[str, Any]) -> "Asked":
        """Read it."""
        prefer = frozenset(part.strip() for part in request.headers.get("Prefer", "").split(","))
        wants_one = request.headers.get("Accept", "") == _ONE
        return cls(request.method, table, tuple(request.query.items()), prefer, wants_one, claims)

    @property
    def role(self) -> str:
        """The database's role for who asks."""
        role = str(self.claims.get("role", "anon"))
        return role if role in _ROLES else "anon"

    def value(self, name: str, default: str = "") -> str:
        """What the query says under this name."""
        return dict(self.query).get(name, default)


def problem(status: HTTPStatus, code: str, message: str) -> web.Response:
    """An error as PostgREST tells it."""
    return web.json_response({"code": code, "details": None, "hint": None, "message": message}, status=status)


class Rows:
    """All tables of the schema `public`. A database that does not answer raises psycopg.OperationalError."""

    def __init__(self, pool: "AsyncConnectionPool[psycopg.AsyncConnection[Any]]") -> None:
        self._pool = pool

    async def answer(self, asked: Asked, body: object) -> web.Response:
        """Do it, in one transaction."""
        try:
            statement, values = _statement(asked, body)
            async with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
                await cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(asked.role)))
                await cursor.execute(
                    "SELECT set_config('request.jwt.claims', %s, true)", (json.dumps(dict(asked.claims)),)
                )
                await cursor.execute(statement, values)
                rows = [row[0] for row in await cursor.fetchall()]
                total = await _total(cursor, asked) if "count=exact" in asked.prefer else None
        except _RefusedError as refused:
            return problem(HTTPStatus.BAD_REQUEST, "PGRST100", str(refused))
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            return _refusal(asked, error)
        return _told(asked, rows, total)


def _statement(asked: Asked, body: object) -> tuple[sql.Composed, list[object]]:
    table = sql.Identifier("public", asked.table)
    where, values = _where(asked)
    match asked.method:
        case "GET" | "HEAD":
            inner = sql.SQL("SELECT {columns} FROM {table}{where}{order} LIMIT %s OFFSET %s").format(
                columns=_columns(asked), table=table, where=where, order=_order(asked)
            )
            limits: list[object] = [min(_number(asked, "limit", _MOST_ROWS), _MOST_ROWS), _number(asked, "offset", 0)]
            return sql.SQL("SELECT row_to_json(found) FROM ({}) found").format(inner), [*values, *limits]
        case "POST":
            given = body if isinstance(body, list) else [body]
            names = _names(given)
            insert = sql.SQL(
                "INSERT INTO {table} AS kept ({names}) SELECT {names} FROM json_populate_recordset(NULL::{table}, %s)"
                " RETURNING row_to_json(kept)"
            ).format(table=table, names=names)
            return insert, [json.dumps(given)]
        case "PATCH":
            change = sql.SQL(
                "UPDATE {table} AS kept SET ({names}) = (SELECT {names} FROM json_populate_record(NULL::{table}, %s)){where}"
                " RETURNING row_to_json(kept)"
            ).format(table=table, names=_names([body]), where=where)
            return change, [json.dumps(body), *values]
        case "DELETE":
            delete = sql.SQL("DELETE FROM {table} AS kept{where} RETURNING row_to_json(kept)")
            return delete.format(table=table, where=where), values
    raise _RefusedError(f"method {asked.method} is not supported")


def _columns(asked: Asked) -> sql.Composable:
    wanted = asked.value("select", "*").replace(" ", "")
    return sql.SQL("*") if wanted == "*" else sql.SQL(", ").join(_column(name) for name in wanted.split(","))


def _names(bodies: list[object]) -> sql.Composed:
    first = bodies[0] if bodies else None
    if not isinstance(first, dict) or not first:
        raise _RefusedError("Empty or invalid json")
    return sql.SQL(", ").join(_column(str(name)) for name in first)


def _where(asked: Asked) -> tuple[sql.Composed, list[object]]:
    parts: list[sql.Composable] = []
    values: list[object] = []
    for name, condition in asked.query:
        if name in _NOT_FILTERS:
            continue
        operator, _, value = condition.partition(".")
        if operator not in _OPERATORS:
            raise _RefusedError(f'failed to parse filter ({condition}): unexpected "{operator}"')
        if operator == "is":
            right: sql.Composable = sql.SQL(_IS.get(value, "NULL"))
        elif operator == "in":
            within = value.strip("()").split(",")
            right = sql.SQL("({})").format(sql.SQL(", ").join(sql.SQL("%s") for _ in within))
            values += within
        else:
            right = sql.SQL("%s")
            # A star stands for any number of characters: the sign that SQL has for it would have to be written as an escape.
            values.append(value.replace("*", "%") if operator == "like" else value)
        parts.append(sql.SQL("{} {} {}").format(_column(name), sql.SQL(_OPERATORS[operator]), right))
    if not parts:
        return sql.Composed([]), values
    return sql.SQL(" WHERE {}").format(sql.SQL(" AND ").join(parts)), values


def _order(asked: Asked) -> sql.Composable:
    wanted = asked.value("order")
    if not wanted:
        return sql.SQL("")
    parts = [
        sql.SQL("{} {}").format(_column(name), sql.SQL("DESC" if how.startswith("desc") else "ASC"))
        for name, _, how in (part.partition(".") for part in wanted.split(","))
    ]
    return sql.SQL(" ORDER BY {}").format(sql.SQL(", ").join(parts))


def _column(name: str) -> sql.Identifier:
    if not _COLUMN.fullmatch(name):
        raise _RefusedError(f"failed to parse column ({name})")
    return sql.Identifier(name)


def _number(asked: Asked, name: str, default: int) -> int:
    given = asked.value(name)
    if not given:
        return default
    if not given.isdecimal():
        raise _RefusedError(f"failed to parse {name} ({given})")
    return int(given)


async def _total(cursor: psycopg.AsyncCursor[Any], asked: Asked) -> int:
    where, values = _where(asked)
    await cursor.execute(
        sql.SQL("SELECT count(*) FROM {}{}").format(sql.Identifier("public", asked.table), where), values
    )
    found = await cursor.fetchone()
    return 0 if found is None else int(found[0])


def _told(asked: Asked, rows: list[Any], total: int | None) -> web.Response:
    if asked.method in {"GET", "HEAD"}:
        span = f"0-{len(rows) - 1}" if rows else "*"
        headers = {"Content-Range": f"{span}/{'*' if total is None else total}"}
        if not asked.wants_one:
            return web.json_response([] if asked.method == "HEAD" else rows, headers=headers)
        if len(rows) == 1:
            return web.json_response(rows[0], headers=headers)
        return problem(HTTPStatus.NOT_ACCEPTABLE, "PGRST116", "Cannot coerce the result to a single JSON object")
    status = HTTPStatus.CREATED if asked.method == "POST" else HTTPStatus.OK
    if "return=representation" in asked.prefer:
        return web.json_response(rows[0] if asked.wants_one and rows else rows, status=status)
    return web.Response(status=status if asked.method == "POST" else HTTPStatus.NO_CONTENT)


def _refusal(asked: Asked, error: psycopg.Error) -> web.Response:
    state = error.sqlstate or "XX000"
    words = error.diag.message_primary or str(error)
    if isinstance(error, psycopg.errors.UndefinedTable):
        return problem(
            HTTPStatus.NOT_FOUND, "PGRST205", f"Could not find the table 'public.{asked.table}' in the schema cache"
        )
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        known = asked.role != "anon"
        return problem(HTTPStatus.FORBIDDEN if known else HTTPStatus.UNAUTHORIZED, state, words)
    if isinstance(error, psycopg.errors.UniqueViolation | psycopg.errors.ForeignKeyViolation):
        return problem(HTTPStatus.CONFLICT, state, words)
    return problem(HTTPStatus.BAD_REQUEST, state, words)
