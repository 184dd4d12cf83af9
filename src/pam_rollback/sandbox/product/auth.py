"""Who is asking: sign-in, and tokens that cannot be forged."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from pam_rollback.sandbox.database.passwords import UNUSABLE, verify_password
from pam_rollback.sandbox.product.bodies import JsonOnly
from pam_rollback.sandbox.product.services import Parts

TOKEN_LIFETIME_S = 3600
_ALGORITHM = "HS256"
_ISSUER = "pam-api"
_AUDIENCE = "authenticated"

router = APIRouter(prefix="/api/v1/auth")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The account that a valid token names."""

    user_id: UUID
    email: str


class Credentials(BaseModel):
    """What a person signs in with."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(min_length=3, max_length=320)
    password: str = Field(min_length=1, max_length=256)


@router.post("/login", dependencies=[JsonOnly])
async def login(credentials: Credentials, parts: Parts) -> dict[str, Any]:
    """Trade e-mail and password for a token."""
    account = await parts.storage.row(
        "SELECT u.id, u.email, u.encrypted_password, p.full_name FROM auth.users u LEFT JOIN profiles p ON p.id = u.id"
        " WHERE u.email = %s",
        (credentials.email.strip().lower(),),
    )
    # An unknown account costs the same time, so that the answer does not tell which addresses are known.
    stored = UNUSABLE if account is None else account["encrypted_password"]
    fits = await asyncio.to_thread(verify_password, credentials.password, stored)
    if account is None or not fits:
        raise _refused("e-mail or password is wrong")
    await parts.storage.rows("UPDATE auth.users SET last_sign_in_at = now() WHERE id = %s", (account["id"],))
    return {
        "access_token": issue(account["id"], account["email"], secret=parts.config.jwt_secret),
        "token_type": "bearer",
        "expires_in": TOKEN_LIFETIME_S,
        "user": {"id": str(account["id"]), "email": account["email"], "full_name": account["full_name"]},
    }


def issue(user_id: UUID, email: str, *, secret: str) -> str:
    """Make a token for an account that has proven who it is."""
    now_s = int(time.time())
    claims = {
        "sub": str(user_id),
        "email": email,
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "iat": now_s,
        "exp": now_s + TOKEN_LIFETIME_S,
    }
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def bearer_token(request: Request) -> str | None:
    """Give the bearer token of the request, None when there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def read_token(token: str, *, secret: str) -> SignedIn | None:
    """Give the account of a valid token; None when it is unsigned, wrongly signed, expired, for others, or no token at all."""
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            issuer=_ISSUER,
            options={"require": ["sub", "exp", "iat", "aud", "iss"]},
        )
        return SignedIn(user_id=UUID(claims["sub"]), email=str(claims.get("email", "")))
    except (
        jwt.PyJWTError,
        ValueError,
        RecursionError,
    ):  # the header is parsed before its signature is known to be ours
        return None


async def _signed_in(request: Request, parts: Parts) -> SignedIn:
    token = bearer_token(request)
    if token is None:
        raise _refused("sign in first")
    account = read_token(token, secret=parts.config.jwt_secret)
    if account is None:
        raise _refused("the token is not valid or has expired")
    asked_for = request.query_params.getlist("user_id")
    if any(user_id != str(account.user_id) for user_id in asked_for):
        raise HTTPException(HTTPStatus.FORBIDDEN, "this belongs to another account")
    return account


Caller = Annotated[SignedIn, Depends(_signed_in)]
"""A route's caller; without a valid token the answer is 401, for another account's user_id 403."""


def _refused(why: str) -> HTTPException:
    return HTTPException(HTTPStatus.UNAUTHORIZED, why, headers={"WWW-Authenticate": "Bearer"})
