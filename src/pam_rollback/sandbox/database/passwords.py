"""Password hashes of the sandbox: scrypt from the standard library, cheap enough for a drill that signs in often."""

from __future__ import annotations

import hashlib
import hmac
import os

UNUSABLE = "!"
"""Stands where a hash would stand; no password matches it."""

# 4 MiB and some 10 ms: these accounts hold invented data, and a load test signs in thousands of times.
_COST = 2**12
_BLOCK_SIZE = 8
_SALT_BYTES = 16
_SCHEME = "scrypt"


def hash_password(password: str) -> str:
    """Give the salted hash to store for `password`."""
    salt = os.urandom(_SALT_BYTES)
    return f"{_SCHEME}${salt.hex()}${_digest(password, salt).hex()}"


def verify_password(password: str, stored: str) -> bool:
    """Tell whether `password` belongs to the `stored` hash; takes as long when the account cannot sign in at all."""
    scheme, _, rest = stored.partition("$")
    salt_hex, _, digest_hex = rest.partition("$")
    usable = scheme == _SCHEME
    digest = _digest(password, bytes.fromhex(salt_hex) if usable else bytes(_SALT_BYTES))
    return hmac.compare_digest(digest.hex(), digest_hex) and usable


def _digest(password: str, salt: bytes) -> bytes:
    secret = password.encode(errors="surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=_COST, r=_BLOCK_SIZE, p=1)
