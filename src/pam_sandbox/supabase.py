"""The host of accounts and rows beside the API: signs people in, and shows tables over HTTP as row level security lets them be seen.

Paths, headers and error shapes are those of Supabase (GoTrue and PostgREST, 2026), as far as a page and a check need them. Rows are read
and written in the role and with the claims of who asks.
"""

import asyncio
import hmac
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import jwt
import psycopg
from aiohttp import web
from psycopg import sql
from psycopg_pool import AsyncConnectionPool

from pam_sandbox.database import UNUSABLE, verify_password
from pam_sandbox.faults import PlantedFaults
from pam_sandbox.product.storage import PatientPool
from pam_sandbox.product.tokens import TOKEN_LIFETIME_S, issue, issue_key, read_claims
from pam_sandbox.spoilt_answers import AlteredAnswers, Spoiler

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


_AUTH, _REST = "/auth/v1", "/rest/v1"
_CONNECTED_WITHIN_S = 2
_CONNECTIONS_MAX = 6
_ACCOUNT = "SELECT id, email, encrypted_password FROM auth.users WHERE email = %s"
_SIGNED_IN = "UPDATE auth.users SET last_sign_in_at = now() WHERE id = %s"
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PATCH, DELETE, OPTIONS",
    "Access-Control-Expose-Headers": "Content-Range",
}


async def _no_document(_request: web.BaseRequest) -> None:
    """Rows are no document that a changed answer could start from."""


class Supabase:
    """One project. `anon_key` is in every page; `service_key` bypasses row level security and is for the product alone."""

    def __init__(self, faults: PlantedFaults, *, dsn: str, jwt_secret: str) -> None:
        self._faults = faults
        self._altered = AlteredAnswers(faults)
        self._spoiler = Spoiler(faults, server="supabase", page=bytes, version=str)
        self._secret = jwt_secret
        self.anon_key = issue_key("anon", secret=jwt_secret)
        self.service_key = issue_key("service_role", secret=jwt_secret)
        self._pool = PatientPool(
            dsn,
            # Plans are not kept: tables change their shape under a practised migration.
            kwargs={"connect_timeout": _CONNECTED_WITHIN_S, "prepare_threshold": None},
            min_size=1,
            max_size=_CONNECTIONS_MAX,
            timeout=_CONNECTED_WITHIN_S,
            reconnect_timeout=0.5,
        )
        self._rows = Rows(self._pool)
        self._routes: Mapping[tuple[str, str], Callable[[web.BaseRequest], Awaitable[web.Response]]] = {
            ("POST", f"{_AUTH}/token"): self._token,
            ("GET", f"{_AUTH}/user"): self._user,
            ("POST", f"{_AUTH}/logout"): self._logout,
            ("GET", f"{_AUTH}/health"): self._health,
        }

    async def open(self) -> None:
        """Begin to connect, without waiting."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request."""
        spoilt = await self._spoiler.spoil(request, _no_document)
        answer = spoilt or await self._altered.give(request, self._answer)
        answer.headers.update(_CORS)
        return answer

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "OPTIONS":
            # Whatever a page wants to send: each version of the client adds a header of its own.
            wanted = request.headers.get("Access-Control-Request-Headers", "")
            return web.Response(status=HTTPStatus.NO_CONTENT, headers={"Access-Control-Allow-Headers": wanted})
        refusal = self._key_refusal(request)
        if refusal is not None:
            return refusal
        try:
            return await self._routes.get((request.method, _path(request)), self._table)(request)
        except psycopg.OperationalError:
            if _path(request).startswith(_REST):
                words = "Database client error. Retrying the connection."
                return problem(HTTPStatus.SERVICE_UNAVAILABLE, "PGRST001", words)
            return _auth_problem(
                HTTPStatus.INTERNAL_SERVER_ERROR, "unexpected_failure", "Database error querying schema"
            )

    def _key_refusal(self, request: web.BaseRequest) -> web.Response | None:
        given = request.headers.get("apikey") or request.query.get("apikey")
        if not given:
            hint = "No `apikey` request header or url param was found."
            return web.json_response({"message": "No API key found in request", "hint": hint}, status=401)
        if not any(hmac.compare_digest(given.encode(), key.encode()) for key in (self.anon_key, self.service_key)):
            hint = "Double check your Supabase `anon` or `service_role` API key."
            return web.json_response({"message": "Invalid API key", "hint": hint}, status=401)
        return None

    async def _token(self, request: web.BaseRequest) -> web.Response:
        if self._faults.named("rate-limited-login"):
            return _auth_problem(HTTPStatus.TOO_MANY_REQUESTS, "over_request_rate_limit", "Request rate limit reached")
        body = await _object(request)
        email, password = str(body.get("email", "")).strip().lower(), str(body.get("password", ""))
        if request.query.get("grant_type") != "password":
            return _auth_problem(HTTPStatus.BAD_REQUEST, "unsupported_grant_type", "unsupported_grant_type")
        async with self._pool.connection() as connection:
            found = await (await connection.execute(_ACCOUNT, (email,))).fetchone()
            fits = await asyncio.to_thread(verify_password, password, UNUSABLE if found is None else found[2])
            if found is None or not fits:
                return _auth_problem(HTTPStatus.BAD_REQUEST, "invalid_credentials", "Invalid login credentials")
            await connection.execute(_SIGNED_IN, (found[0],))
        return web.json_response(
            {
                "access_token": issue(found[0], found[1], secret=self._secret),
                "token_type": "bearer",
                "expires_in": TOKEN_LIFETIME_S,
                "expires_at": int(time.time()) + TOKEN_LIFETIME_S,
                "refresh_token": secrets.token_urlsafe(9),
                "user": _person(str(found[0]), found[1]),
            }
        )

    async def _user(self, request: web.BaseRequest) -> web.Response:
        try:
            claims = read_claims(_bearer(request), secret=self._secret)
        except jwt.PyJWTError as error:
            return _auth_problem(HTTPStatus.FORBIDDEN, "bad_jwt", f"invalid JWT: {error}")
        if "sub" not in claims:
            return _auth_problem(HTTPStatus.FORBIDDEN, "bad_jwt", "invalid claim: missing sub claim")
        return web.json_response(_person(str(claims["sub"]), str(claims.get("email", ""))))

    async def _logout(self, _: web.BaseRequest) -> web.Response:
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _health(self, _: web.BaseRequest) -> web.Response:
        """Of the process that signs people in, and of nothing behind it."""
        return web.json_response({"version": "v2.180.0", "name": "GoTrue", "description": "a stand-in for GoTrue"})

    async def _table(self, request: web.BaseRequest) -> web.Response:
        table = _path(request).removeprefix(f"{_REST}/")
        if table == _path(request) or "/" in table or not table:
            return web.json_response({"message": "no Route matched with those values"}, status=404)
        token = _bearer(request) or request.headers.get("apikey") or request.query["apikey"]
        try:
            claims = read_claims(token, secret=self._secret)
        except jwt.ExpiredSignatureError:
            return problem(HTTPStatus.UNAUTHORIZED, "PGRST303", "JWT expired")
        except jwt.PyJWTError:
            return problem(HTTPStatus.UNAUTHORIZED, "PGRST301", "No suitable key or wrong key type")
        return await self._rows.answer(Asked.of(request, table, claims), await _body(request))


def _path(request: web.BaseRequest) -> str:
    """Without empty parts, which the host in front of the real ones drops: clients put the address together carelessly."""
    return re.sub(r"/{2,}", "/", request.path)


def _bearer(request: web.BaseRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _person(user_id: str, email: str) -> dict[str, Any]:
    return {"id": user_id, "aud": "authenticated", "role": "authenticated", "email": email}


def _auth_problem(status: HTTPStatus, code: str, words: str) -> web.Response:
    return web.json_response({"code": int(status), "error_code": code, "msg": words}, status=status)


async def _body(request: web.BaseRequest) -> object:
    raw = await request.read()
    try:
        return json.loads(raw) if raw.strip() else None
    except ValueError:
        return None


async def _object(request: web.BaseRequest) -> Mapping[str, Any]:
    found = await _body(request)
    return found if isinstance(found, dict) else {}
