"""Who is refused, by which server, and who is not: as a product that bans scanners does it."""

import urllib.error
import urllib.request
from email.message import Message

import pytest

from pam_rollback.outside.http import fetch
from tests.sandbox.found_range import HEALTH, RunningSandbox


def elsewhere(found: RunningSandbox, url: str) -> tuple[int, Message]:
    """What somebody at another address is answered."""
    proxy = found.state["sandbox"]["second_address_proxy"]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy}))
    try:
        with opener.open(url, timeout=5) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers


def address(found: RunningSandbox, path: str) -> str:
    """Of the API."""
    return str(found.state["urls"]["api"]) + path


def test_only_we_are_banned(found: RunningSandbox) -> None:
    """On every path of the API, and not at the second address; the site goes on."""
    found.remote.plant("we-are-banned")

    assert {found.get("api", path).status for path in (HEALTH, "/version", "/no/such/path")} == {403}
    assert found.get("frontend", "/").status == 200
    assert elsewhere(found, address(found, HEALTH))[0] == 200


@pytest.mark.parametrize(("status", "retry_after"), [("403", None), ("429", "3600")])
def test_everybody_is_banned(found: RunningSandbox, status: str, retry_after: str | None) -> None:
    """Also who asks from elsewhere."""
    found.remote.plant("everybody-is-banned", status=status)
    there, headers = elsewhere(found, address(found, HEALTH))

    assert {found.get("api", HEALTH).status, there} == {int(status)}
    assert headers["Retry-After"] == retry_after


def test_the_client_goes_through_the_proxy(found: RunningSandbox) -> None:
    """Our own client asks as the proxy's address."""
    found.remote.plant("we-are-banned")
    proxy = found.state["sandbox"]["second_address_proxy"]

    assert fetch(address(found, HEALTH)).http_status == 403
    assert fetch(address(found, HEALTH), proxy=proxy).http_status == 200


def test_the_proxy_reaches_nothing_but_the_range(found: RunningSandbox) -> None:
    """It is no way out of this machine."""
    assert elsewhere(found, "http://192.0.2.1/")[0] == 403


def test_the_sign_in_is_limited_and_nothing_else(found: RunningSandbox) -> None:
    """429 with Retry-After."""
    found.remote.plant("rate-limited-login")
    answer = fetch(address(found, "/api/v1/auth/login"), method="POST", json={"email": "a@b.c", "password": "x"})

    assert (answer.http_status, answer.headers["retry-after"]) == (429, "3600")
    assert found.get("api", HEALTH).status == 200


def test_a_path_is_missing(found: RunningSandbox) -> None:
    """As the framework answers for a path that it does not know."""
    found.remote.plant("path-missing", path="/health/pam")

    assert found.get("api", "/health/pam").json == {"detail": "Not Found"}
    assert found.get("api", HEALTH).status == 200
