"""Tokens that cannot be forged, and what a release with a hole believes instead. No web framework: the sandbox makes tokens, too."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt

TOKEN_LIFETIME_S = 3600
_KEY_LIFETIME_S = 10 * 365 * 86_400
_ALGORITHM = "HS256"
_ISSUER = "pam-api"
_AUDIENCE = "authenticated"
_REQUIRED = ["sub", "exp", "iat", "aud", "iss"]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The account that a token names."""

    user_id: UUID
    email: str


def issue(user_id: UUID, email: str, *, secret: str, age_s: int = 0) -> str:
    """Make a token for an account that has proven who it is, as it would have been made `age_s` seconds ago."""
    made_s = int(time.time()) - age_s
    claims = {
        "sub": str(user_id),
        "email": email,
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "role": "authenticated",
        "iat": made_s,
        "exp": made_s + TOKEN_LIFETIME_S,
    }
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def issue_key(role: str, *, secret: str) -> str:
    """Make a key of the application itself, which names a role of the database and no account."""
    made_s = int(time.time())
    claims = {"iss": _ISSUER, "role": role, "iat": made_s, "exp": made_s + _KEY_LIFETIME_S}
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def read_claims(token: str, *, secret: str) -> Mapping[str, Any]:
    """Give what a token or a key says. Raises jwt.PyJWTError: wrongly signed, expired, no token at all."""
    claims: Mapping[str, Any] = jwt.decode(token, secret, algorithms=[_ALGORITHM], options={"verify_aud": False})
    return claims


def read_token(
    token: str, *, secret: str, checks_signature: bool = True, checks_expiry: bool = True
) -> SignedIn | None:
    """Give the account of a valid token; None when it is unsigned, wrongly signed, expired, for others, or no token at all.

    Only a fault leaves a check out.
    """
    options: dict[str, Any] = {"require": _REQUIRED, "verify_exp": checks_expiry}
    if not checks_signature:
        options = {"verify_signature": False}
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            issuer=_ISSUER,
            options=options,  # type: ignore[arg-type]
        )
        return SignedIn(user_id=UUID(claims["sub"]), email=str(claims.get("email", "")))
    except (
        jwt.PyJWTError,
        KeyError,
        TypeError,
        AttributeError,
        ValueError,
        RecursionError,
    ):  # the header is parsed before its signature is known to be ours
        return None
