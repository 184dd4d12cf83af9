"""Forgeries differ from the good token in what they must be refused for, and name nobody but its owner."""

import base64
import json

import pytest

from pam_rollback.exposure.access import ALTERED, FALSE_SIGNATURE, MADE_UP, UNSIGNED, forged_from


def encoded(content: object) -> str:
    """One part of a JWT."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


GOOD = f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{encoded({'sub': 'maya'})}.c2lnbmF0dXJl"


def decoded(part: str) -> object:
    """What a part says."""
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_claims_stay_and_the_signature_goes() -> None:
    """The same account, wrongly signed and not signed at all; the head of the unsigned one says so."""
    forged = forged_from(GOOD)
    head, claims, signature = forged[FALSE_SIGNATURE].split(".")
    unsigned_head, unsigned_claims, nothing = forged[UNSIGNED].split(".")

    assert set(forged) == {MADE_UP, FALSE_SIGNATURE, UNSIGNED}
    assert [head, claims] == GOOD.split(".")[:2]
    assert signature not in {"", GOOD.split(".")[2]}
    assert (decoded(unsigned_head), decoded(unsigned_claims)) == ({"alg": "none", "typ": "JWT"}, {"sub": "maya"})
    assert nothing == ""


@pytest.mark.parametrize("token", ["", "opaque-0815", "a.b.c", "e30.e30.x", "aba"])
def test_what_is_no_jwt_is_altered(token: str) -> None:
    """And never given back as it was: that would be the right one."""
    forged = forged_from(token)

    assert set(forged) == {MADE_UP, ALTERED}
    assert forged[ALTERED] != token
