"""Nobody reaches an account without a token that this product has signed for it, and nobody the admin API without its own."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jwt
import pytest

from pam_rollback.sandbox.database import TEST_ACCOUNT_EMAIL

if TYPE_CHECKING:
    from tests.running_product import Database, Product

SECRET = "a-signing-secret-of-these-tests-that-is-long-enough-for-every-hmac-of-jwt"
GUARDED = (
    *(("GET", "/api/v1/profile"), ("PUT", "/api/v1/profile"), ("GET", "/api/v1/settings"), ("PUT", "/api/v1/settings")),
    *(("POST", "/api/v1/pam/chat"), ("GET", "/api/v1/pam/history"), ("DELETE", "/api/v1/pam/history")),
    *(("POST", "/api/v1/pam/voice"), ("GET", "/api/v1/expenses"), ("POST", "/api/v1/expenses")),
    *(("DELETE", "/api/v1/expenses/1"), ("GET", "/api/v1/support/tickets"), ("POST", "/api/v1/support/tickets")),
)


def claims(token: str, **changes: object) -> dict[str, Any]:
    """The claims of a good token, changed; a change to None leaves the claim out."""
    good = jwt.decode(token, options={"verify_signature": False})
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def unsigned(payload: dict[str, Any], algorithm: str) -> str:
    """A token without a signature, made by hand as an attacker would."""
    parts = ({"alg": algorithm, "typ": "JWT"}, payload)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def forged(kind: str, token: str) -> str:
    """A token that must not be believed."""
    head, body, signature = token.split(".")
    swapped = (
        base64.urlsafe_b64encode(json.dumps(claims(token, email="ceo@example.org")).encode()).rstrip(b"=").decode()
    )
    deep = base64.urlsafe_b64encode(b"[" * 4000).rstrip(b"=").decode()
    forgeries = {
        "alg none": unsigned(claims(token), "none"),
        "alg None": unsigned(claims(token), "None"),
        "no signature": f"{head}.{body}.",
        "another signature": f"{head}.{body}.{signature[::-1]}",
        "another body": f"{head}.{swapped}.{signature}",
        "another secret": jwt.encode(claims(token), SECRET[::-1], algorithm="HS256"),
        "another algorithm": jwt.encode(claims(token), SECRET * 2, algorithm="HS512"),
        "the right secret, another algorithm": jwt.encode(claims(token), SECRET, algorithm="HS384"),
        "expired": jwt.encode(claims(token, exp=int(time.time()) - 1), SECRET, algorithm="HS256"),
        "without expiry": jwt.encode(claims(token, exp=None), SECRET, algorithm="HS256"),
        "without a user": jwt.encode(claims(token, sub=None), SECRET, algorithm="HS256"),
        "a user that is no id": jwt.encode(claims(token, sub="admin"), SECRET, algorithm="HS256"),
        "for others": jwt.encode(claims(token, aud="billing"), SECRET, algorithm="HS256"),
        "from others": jwt.encode(claims(token, iss="elsewhere"), SECRET, algorithm="HS256"),
        "garbage": "garbage",
        "nested deeply": f"{deep}.{body}.{signature}",
        "not ASCII": "h\u00e9.h\u00e9.h\u00e9",
    }
    return forgeries[kind]


@pytest.mark.parametrize(("method", "path"), GUARDED, ids=str)
def test_without_a_token_there_is_nothing(candidate: Product, method: str, path: str) -> None:
    """Every user route asks who is there before it looks at anything else."""
    body: object = {} if method in {"POST", "PUT"} else None
    answer = candidate.call(method, path, body)

    assert answer.status == 401, answer
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "kind",
    [
        *(
            "alg none",
            "alg None",
            "no signature",
            "another signature",
            "another body",
            "another secret",
            "another algorithm",
        ),
        *("the right secret, another algorithm", "expired", "without expiry", "without a user", "a user that is no id"),
        *("for others", "from others", "garbage", "nested deeply", "not ASCII"),
    ],
)
def test_a_forged_token_is_refused(candidate: Product, kind: str) -> None:
    """Unsigned, wrongly signed, expired, for somebody else, or no token at all: 401 in both APIs."""
    token = forged(kind, candidate.sign_in())
    headers = {"Authorization": f"Bearer {token}".encode().decode("latin-1")}

    assert candidate.call("GET", "/api/v1/profile", headers=headers).status == 401
    assert candidate.call("GET", "/api/v1/flags", headers=headers).status == 401
    assert candidate.call("GET", "/admin/feature-flags", headers=headers).status == 401


def test_a_good_token_is_believed(candidate: Product) -> None:
    """The forgeries differ from this one by one thing each."""
    token = candidate.sign_in()
    again = jwt.encode(claims(token), SECRET, algorithm="HS256")

    assert candidate.call("GET", "/api/v1/profile", token=again).json["email"] == TEST_ACCOUNT_EMAIL
    assert claims(token)["exp"] - claims(token)["iat"] == 3600


def test_both_releases_believe_the_same_token(candidate: Product, stable: Product) -> None:
    """A rollback signs nobody out."""
    assert stable.call("GET", "/api/v1/profile", token=candidate.sign_in()).status == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (TEST_ACCOUNT_EMAIL, "wrong"),
        ("nobody@example.org", "wheels-and-wins-2026"),
        (TEST_ACCOUNT_EMAIL, "!"),
        ("' OR 1=1 --", "x"),
    ],
)
def test_the_wrong_password_is_refused(candidate: Product, email: str, password: str) -> None:
    """The same words whether the account exists or not."""
    answer = candidate.call("POST", "/api/v1/auth/login", {"email": email, "password": password})

    assert answer.status == 401
    assert answer.json == {"detail": "e-mail or password is wrong"}


def test_sign_in_gives_what_the_page_needs(candidate: Product) -> None:
    """Token, type, lifetime, and who it is; the e-mail is matched whatever its case."""
    body = {"email": TEST_ACCOUNT_EMAIL.upper(), "password": "wheels-and-wins-2026"}
    answer = candidate.call("POST", "/api/v1/auth/login", body)

    assert answer.status == 200
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "user"}
    assert answer.json["user"]["full_name"] == "Test Traveller"
    assert str(UUID(answer.json["user"]["id"])) == answer.json["user"]["id"]


@pytest.mark.parametrize("path", ["/api/v1/profile", "/api/v1/expenses", "/api/v1/pam/history", "/api/v1/flags"])
def test_another_users_id_is_refused_with_ones_own_token(
    candidate: Product, product_database: Database, path: str
) -> None:
    """The token says who asks, not the address; one's own id is fine."""
    [(own,)] = product_database.rows("SELECT id FROM auth.users WHERE email = %s", TEST_ACCOUNT_EMAIL)
    [(other,)] = product_database.rows("SELECT id FROM auth.users WHERE email <> %s LIMIT 1", TEST_ACCOUNT_EMAIL)
    token = candidate.sign_in()

    assert candidate.call("GET", f"{path}?user_id={other}", token=token).status == 403
    assert candidate.call("GET", f"{path}?user_id={own}", token=token).status == 200


def test_the_admin_api_knows_its_tokens(candidate: Product) -> None:
    """401 for nobody and garbage, 403 for a signed-in user and for the other token, and the emergency token opens one door only."""
    paths = {
        "/admin/feature-flags": "GET",
        "/admin/feature-flags/disable-all-pam": "POST",
        "/admin/cache/clear": "POST",
    }
    user, admin, emergency = candidate.sign_in(), "admin-token-of-the-tests", "emergency-token-of-the-tests"
    before = candidate.flags()
    for path, method in paths.items():
        statuses = [candidate.call(method, path, token=token).status for token in (None, "garbage", user, emergency)]
        assert statuses == [401, 401, 403, 403], path
    body = {"reason": "a test", "initiated_by": "tests"}
    refused = [
        candidate.call("POST", "/admin/emergency-rollback", body, token=t).status for t in (None, "x", user, admin)
    ]

    assert refused == [401, 401, 403, 403]
    assert candidate.flags() == before
