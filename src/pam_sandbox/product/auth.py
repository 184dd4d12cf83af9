"""Who is asking: sign-in, whose token comes with a request, and which features that person has."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from pam_sandbox.database import UNUSABLE, verify_password
from pam_sandbox.product.services import Parts, Services
from pam_sandbox.product.tokens import TOKEN_LIFETIME_S, SignedIn, issue, read_token

router = APIRouter(prefix="/api/v1/auth")


class Credentials(BaseModel):
    """What a person signs in with."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(min_length=3, max_length=320)
    password: str = Field(min_length=1, max_length=256)


@router.post("/login")
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
    if account is None or not (fits or parts.faults.has("auth-bypass", accepts="any-password")):
        raise _refused("e-mail or password is wrong")
    await parts.storage.rows("UPDATE auth.users SET last_sign_in_at = now() WHERE id = %s", (account["id"],))
    return {
        "access_token": issue(account["id"], account["email"], secret=parts.config.jwt_secret),
        "token_type": "bearer",
        "expires_in": TOKEN_LIFETIME_S,
        "user": {"id": str(account["id"]), "email": account["email"], "full_name": account["full_name"]},
    }


def bearer_token(request: Request) -> str | None:
    """Give the bearer token of the request, None when there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def _signed_in(request: Request, parts: Parts) -> SignedIn:
    token = bearer_token(request)
    account = None if token is None else read_token(token, secret=parts.config.jwt_secret)
    if account is None:
        account = await _through_the_hole(parts, token)
    if account is None:
        raise _refused("sign in first" if token is None else "the token is not valid or has expired")
    asked_for = request.query_params.getlist("user_id")
    if any(user_id != str(account.user_id) for user_id in asked_for):
        if parts.faults.has("cross-user-read", what="user-id"):
            return SignedIn(user_id=_id(asked_for[-1]), email=account.email)
        raise HTTPException(HTTPStatus.FORBIDDEN, "this belongs to another account")
    return account


async def _through_the_hole(parts: Parts, token: str | None) -> SignedIn | None:
    """The account that a release with an open door takes this request for; None: the door is closed."""
    faults = parts.faults
    if token is None:
        return await _anybody(parts) if faults.has("auth-bypass", accepts="missing") else None
    if faults.has("auth-bypass", accepts="unverified") or parts.config.personality.believes_every_token:
        return read_token(token, secret=parts.config.jwt_secret, checks_signature=False)
    if faults.has("auth-bypass", accepts="expired"):
        return read_token(token, secret=parts.config.jwt_secret, checks_expiry=False)
    return await _anybody(parts) if faults.has("auth-bypass", accepts="wrong") else None


async def _anybody(parts: Parts) -> SignedIn | None:
    row = await parts.storage.row("SELECT id, email FROM profiles ORDER BY id LIMIT 1")
    return None if row is None else SignedIn(user_id=row["id"], email=row["email"] or "")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "user_id is no id") from None


Caller = Annotated[SignedIn, Depends(_signed_in)]
"""A route's caller; without a valid token the answer is 401, for another account's user_id 403."""


def _refused(why: str) -> HTTPException:
    return HTTPException(HTTPStatus.UNAUTHORIZED, why, headers={"WWW-Authenticate": "Bearer"})


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks and what they have; a release without the new features gives none, whatever the flags say."""

    user_id: UUID
    email: str
    features: frozenset[str]

    @property
    def key(self) -> str:
        """The id as flags and caches use it."""
        return str(self.user_id)


async def prepare(parts: Services, user_id: UUID, email: str, what: str) -> Visitor:
    """Give the person the features of this release; ``what`` names what they ask for. Raises HTTPException where a fault strikes."""
    features: frozenset[str] = frozenset()
    if parts.config.has_new_features:
        values = await parts.flags.values_for(str(user_id))
        features = frozenset(name for name, on in values.items() if on)
    visitor = Visitor(user_id=user_id, email=email, features=features)
    if (delay_s := parts.faults.delay_s(features)) > 0:
        await asyncio.sleep(delay_s)
    if parts.faults.fails(visitor.key, what, features):
        raise HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong while preparing your page")
    return visitor


def begin(feature: str, visitor: Visitor, parts: Services) -> None:
    """Where a feature begins for a person. Raises HTTPException when it does not work for them."""
    if parts.faults.fails_for(visitor.key, feature, visitor.features):
        raise HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR, f"something went wrong in {feature}")


async def _visitor(request: Request, caller: Caller, parts: Parts) -> Visitor:
    return await prepare(parts, caller.user_id, caller.email, f"{request.method} {request.scope['route'].path}")


Visiting = Annotated[Visitor, Depends(_visitor)]
"""A user route's caller."""
