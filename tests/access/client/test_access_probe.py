"""Doors are tried against the real product, and trying changes nothing. What each hole lets in: tests/fault_rows/decision_security.py."""

from collections.abc import Callable

import pytest

from pam_rollback.access.access import FALSE_SIGNATURE, NO_TOKEN, UNSIGNED, Access, forged_from
from pam_rollback.access.access_probe import AccessProbe, Described, Protected
from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_sandbox.database import TEST_ACCOUNT_EMAIL, account_id
from pam_sandbox.product.tokens import issue
from tests.running_product import ADMIN_TOKEN, JWT_SECRET, Database, Product

EXPIRED, USER = "an expired token", "an ordinary user's token"
PATHS = ("profile", "settings", "expenses", "pam/history", "support/tickets")
CHAT = "POST chat"
ADMIN_PATH = "GET flags"
TABLES = ("profiles", "user_settings", "expenses", "pam_conversations", "pam_messages", "support_tickets")

Try = Callable[[], Access]


@pytest.fixture
def tried(candidate: Product) -> Try:
    """Tries every door, as the session does."""
    api = f"http://127.0.0.1:{candidate.port}"
    token = candidate.sign_in()
    expired = issue(account_id(TEST_ACCOUNT_EMAIL), TEST_ACCOUNT_EMAIL, secret=JWT_SECRET, age_s=7200)
    wrong: dict[str, str | None] = {NO_TOKEN: None, **forged_from(token), EXPIRED: expired}

    def run() -> Access:
        probe = AccessProbe(lambda: None)
        doors = [
            probe.door(Protected(f"GET {path}", f"{api}/api/v1/{path}"), wrong=wrong, right={"right": token})
            for path in PATHS
        ]
        chat = Protected(CHAT, f"{api}/api/v1/pam/chat", empty_post=True)
        doors.append(probe.door(chat, wrong=wrong, right={"right": token}))
        flags = Protected(ADMIN_PATH, f"{api}/admin/feature-flags")
        doors.append(probe.door(flags, wrong={**wrong, USER: token}, right={"admin": ADMIN_TOKEN}))
        return Access(tuple(doors))

    return run


def test_trying_changes_nothing(tried: Try, candidate: Product, product_database: Database) -> None:
    """Sound or wide open: the product's rows are the same afterwards."""
    digest = "SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {} t"
    queries = [digest.format(table) for table in (*TABLES, "feature_flags", "flag_history")]
    before = [product_database.rows(query) for query in queries]
    tried()
    for accepts in ("missing", "wrong", "unverified", "expired", "users-as-admins"):
        with candidate.fault("auth-bypass", accepts=accepts):
            tried()

    assert [product_database.rows(query) for query in queries] == before


def test_errors_hide_nothing_and_invent_nothing(tried: Try, candidate: Product) -> None:
    """One of four requests of users fails: still closed, and a hole is still seen."""
    with candidate.fault("errors", share=0.25):
        assert tried().let_in == 0
        with candidate.fault("auth-bypass", accepts="unverified"):
            assert tried().let_in


@pytest.mark.parametrize("accepts", ["", "unverified"])
def test_a_whole_request_tells_what_an_empty_one_does_not(candidate: Product, accepts: str) -> None:
    """Content is judged first: a forged token is let in with a whole question, as the test account, or refused without one."""
    token = candidate.sign_in()
    wrong: dict[str, str | None] = {NO_TOKEN: None, **forged_from(token)}
    url = f"http://127.0.0.1:{candidate.port}/api/v1/pam/chat"
    chat = Protected(CHAT, url, empty_post=True, whole={"message": "Please ignore this test."})
    probe = AccessProbe(lambda: None)
    if not accepts:
        door = probe.door(chat, wrong=wrong, right={"right": token}, ours={FALSE_SIGNATURE, UNSIGNED})
        assert (door.bypasses, [*door.unknown()]) == ((), [])
        return
    with candidate.fault("auth-bypass", accepts=accepts):
        empty = probe.door(chat, wrong=wrong, right={"right": token})
        whole = probe.door(chat, wrong=wrong, right={"right": token}, ours={FALSE_SIGNATURE, UNSIGNED})

    assert len([*empty.unknown()]) == 2
    assert {one.credential for one in whole.bypasses} == {FALSE_SIGNATURE, UNSIGNED}
    assert [*whole.unknown()] == []


@pytest.mark.parametrize("shut_out", [False, True])
def test_routes_are_asked_for_only_while_the_api_describes_itself(shut_out: bool) -> None:  # noqa: FBT001 - a case
    """A client that is refused everything since is no lock."""
    asked: list[str] = []

    class Stand(AccessProbe):
        """Answers from memory."""

        def _ask(self, path: Protected, *_: object) -> Answer:
            asked.append(path.url.removeprefix("http://x"))
            described = asked.count("/openapi.json") > 1 and shut_out
            status, body = (403, b"{}") if described else (200, b'{"paths": {"/a/{user_id}": {"get": {}}}}')
            return Answer("GET", path.url, status, "application/json", body, 1.0, "")

    described = Described(Stand(lambda: None), "http://x", "me")
    assert described.routes() == ("/a/{user_id}",)
    if shut_out:
        with pytest.raises(MeasurementFailed, match="was this client shut out"):
            described.asked(["/a/{user_id}"])
    else:
        assert list(described.asked(["/a/{user_id}"])) == ["/a/{user_id}"]
    assert asked[1] == "/a/me"
