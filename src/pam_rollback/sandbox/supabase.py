"""The host of accounts and rows beside the API: signs people in, and shows tables over HTTP as row level security lets them be seen.

Paths, headers and error shapes are those of Supabase (GoTrue and PostgREST, 2026), as far as a page and a check need them.
"""

import asyncio
import hmac
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import jwt
import psycopg
from aiohttp import web

from pam_rollback.sandbox.altered_answers import AlteredAnswers
from pam_rollback.sandbox.database import UNUSABLE, verify_password
from pam_rollback.sandbox.faults import PlantedFaults
from pam_rollback.sandbox.product.storage import PatientPool
from pam_rollback.sandbox.product.tokens import TOKEN_LIFETIME_S, issue, issue_key, read_claims
from pam_rollback.sandbox.spoilt_answers import Spoiler
from pam_rollback.sandbox.supabase_rows import Asked, Rows, problem

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
