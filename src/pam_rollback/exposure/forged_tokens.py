"""Tokens that a product must not believe, made from one that it does: each differs from the good one in what it must be refused for.

They name the environment's own test account and nobody else. A token with another expiry cannot be made without the product's key;
an environment that keeps an old one can give it (``expired_user_token``).
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from pam_rollback.base.answer import read_json

MADE_UP, FALSE_SIGNATURE, UNSIGNED, ALTERED = (
    "a made-up token",
    "a token with a false signature",
    "an unsigned token",
    "an altered token",
)
_MADE_UP = "pam-rollback-probe-that-must-be-refused"
_NOT_THE_KEY = b"pam-rollback-probe-not-the-key-of-the-product"
_PARTS = 3


def forged_from(token: str) -> Mapping[str, str]:
    """Give the forgeries by what they are called. A token that is no JWT (RFC 7519) can only be altered."""
    parts = token.split(".")
    head = _head(parts[0]) if len(parts) == _PARTS else None
    if head is None:
        return {MADE_UP: _MADE_UP, ALTERED: token[::-1] if token[::-1] != token else token + "x"}
    claims = parts[1]
    false = _encoded(hmac.new(_NOT_THE_KEY, f"{parts[0]}.{claims}".encode(), hashlib.sha256).digest())
    unsigned = _encoded(json.dumps({**head, "alg": "none"}).encode())
    return {
        MADE_UP: _MADE_UP,
        FALSE_SIGNATURE: f"{parts[0]}.{claims}.{false}",
        UNSIGNED: f"{unsigned}.{claims}.",
    }


def _head(text: str) -> dict[str, object] | None:
    try:
        head = read_json(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return None
    return head if isinstance(head, dict) and "alg" in head else None


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
