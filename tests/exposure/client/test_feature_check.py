"""The product's trial of its features for many users, read strictly, and true to what users really get."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.exposure.affected_users import affected
from pam_rollback.exposure.feature_check import FeatureCheckApi, RealFeatures
from pam_rollback.product.pam_api import Account
from pam_rollback.sandbox.database import OTHER_ACCOUNT_EMAIL, TEST_ACCOUNT_EMAIL, account_id
from tests.running_product import ADMIN_TOKEN, Database, Product

FIRST, SECOND = str(account_id(TEST_ACCOUNT_EMAIL)), str(account_id(OTHER_ACCOUNT_EMAIL))
WORKS = {"chat": {"works": True}, "expenses": {"works": True}}

Serve = Callable[[Callable[[dict[str, Any]], Any]], FeatureCheckApi]


@pytest.fixture
def api(candidate: Product) -> FeatureCheckApi:
    """The sandbox's."""
    return FeatureCheckApi(f"http://127.0.0.1:{candidate.port}/admin/feature-check", ADMIN_TOKEN)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A product of one's own: what it answers to each question."""
    servers: list[HTTPServer] = []

    def start(answer: Callable[[dict[str, Any]], Any]) -> FeatureCheckApi:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body = json.dumps(answer(asked)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return FeatureCheckApi(f"http://127.0.0.1:{server.server_port}/check", "token")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def real(candidate: Product, user_id: str, token: str) -> dict[str, bool]:
    """What this account really gets."""
    url = f"http://127.0.0.1:{candidate.port}/api/v1"
    return RealFeatures(f"{url}/pam/chat", f"{url}/expenses", Account(user_id, token)).work()


def told(api: FeatureCheckApi, user_id: str) -> dict[str, bool]:
    """What the product says of this account."""
    return api.tried([user_id])[user_id]


def share_pct(api: FeatureCheckApi) -> float:
    """The share of all users for whom the worst feature fails."""
    users, drawn = api.drawn(1000)
    return affected(api.tries(drawn), limit_pct=25, users=users).worst.share_pct


def test_users_are_drawn_by_lot_and_each_once(api: FeatureCheckApi) -> None:
    """Another draw is another sample; nobody is given twice when more are asked for than there are."""
    users, drawn = api.drawn(200)
    _, again = api.drawn(200)

    assert (users, len(drawn), len(set(drawn))) == (402, 200, 200)
    assert set(again) != set(drawn)
    assert len(api.drawn(1000)[1]) == 402


def test_a_sound_product_works_for_all_and_stores_nothing(api: FeatureCheckApi, product_database: Database) -> None:
    """All of its users, and not a row more."""
    counts = "SELECT (SELECT count(*) FROM pam_messages), (SELECT count(*) FROM expenses), (SELECT count(*) FROM flag_history)"
    before = product_database.rows(counts)

    assert share_pct(api) == 0
    assert product_database.rows(counts) == before


@pytest.mark.long_matrix
@pytest.mark.parametrize("what", ["chat", "expenses"])
@pytest.mark.parametrize("percent", [30, 0, 100])
def test_the_share_is_the_faults(api: FeatureCheckApi, candidate: Product, what: str, percent: float) -> None:
    """Of all users, give or take what the hash does to so few."""
    with candidate.fault("feature-fails-for-some", percent=percent, what=what):
        assert share_pct(api) == pytest.approx(percent, abs=1.5)
    assert share_pct(api) == 0


@pytest.mark.long_matrix
@pytest.mark.parametrize("what", ["chat", "expenses"])
@pytest.mark.parametrize("percent", [40, 0, 30, 80, 100])
def test_what_it_says_is_what_users_get(api: FeatureCheckApi, candidate: Product, what: str, percent: float) -> None:
    """Both accounts, from where none is hit to where both are: the trial and the real feature agree."""
    with candidate.fault("feature-fails-for-some", percent=percent, what=what):
        for user_id, token in ((FIRST, candidate.sign_in()), (SECOND, candidate.sign_in_other())):
            assert told(api, user_id) == real(candidate, user_id, token)


def test_the_fault_hides_behind_its_flag(api: FeatureCheckApi, candidate: Product) -> None:
    """A flag rollback cures it."""
    with candidate.fault("feature-fails-for-some", percent=50):
        ill = share_pct(api)
        candidate.set_flags("PAM_ENHANCED_UI", on=False)
        cured = share_pct(api)
        candidate.set_flags("PAM_ENHANCED_UI", on=True)
    assert ill > 40
    assert cured == 0


@pytest.mark.long_matrix
@pytest.mark.parametrize("share", [0.6, 0.25])
def test_errors_of_all_are_not_failures_of_some(api: FeatureCheckApi, candidate: Product, share: float) -> None:
    """One request of four fails, or more than every second, for everybody: that is an error rate."""
    with candidate.fault("errors", share=share):
        assert share_pct(api) < 10


def test_an_account_that_is_not_there_does_not_work(api: FeatureCheckApi) -> None:
    """The pipeline needs what PAM knows of a person."""
    nobody = "00000000-0000-4000-8000-000000000000"

    assert told(api, nobody)["chat"] is False


@pytest.mark.parametrize("token", ["wrong", ""])
def test_without_its_token_nothing_is_known(api: FeatureCheckApi, token: str) -> None:
    """It is the administrator's, since it names users."""
    with pytest.raises(MeasurementFailed, match="found HTTP 401"):
        FeatureCheckApi(api.url, token).drawn(10)


def test_an_outage_is_not_known(api: FeatureCheckApi, product_database: Database) -> None:
    """503 is no word about anybody's features, before and in the middle."""
    _, drawn = api.drawn(10)
    with product_database.outage():
        asks: tuple[Callable[[], object], ...] = (lambda: api.drawn(10), lambda: api.tried(drawn))
        for ask in asks:
            with pytest.raises(MeasurementFailed, match="found HTTP 503"):
                ask()


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        "x",
        {"users": 3, "user_ids": ["a", "a"]},
        {"users": 3, "user_ids": ["a", 7]},
        {"users": 3, "user_ids": ["a", ""]},
        {"users": "3", "user_ids": ["a"]},
        {"users": True, "user_ids": ["a"]},
        {"user_ids": ["a"]},
    ],
)
def test_an_odd_draw_is_not_known(serve: Serve, answer: Any) -> None:
    """Nobody is counted who was not drawn, and nobody twice."""
    with pytest.raises(MeasurementFailed):
        serve(lambda _: answer).drawn(3)


@pytest.mark.parametrize(
    "results",
    [
        None,
        [],
        {"a": WORKS},
        [{"user_id": "b", "features": WORKS}],
        [{"user_id": 7, "features": WORKS}],
        ["a"],
    ],
)
def test_a_user_without_a_result_is_not_known(serve: Serve, results: Any) -> None:
    """Left out is not fine."""
    with pytest.raises(MeasurementFailed, match="no result for 1 of 1 users"):
        serve(lambda _: {"results": results}).tried(["a"])


@pytest.mark.parametrize("state", [None, "true", 1, {}, {"works": "true"}, {"works": 1}, {"works": None}])
def test_a_word_that_is_no_boolean_is_not_works(serve: Serve, state: Any) -> None:
    """The user is there, the feature is not known."""
    api = serve(lambda _: {"results": [{"user_id": "a", "features": {"chat": state, "expenses": {"works": True}}}]})

    with pytest.raises(MeasurementFailed, match="whether each of chat, expenses works"):
        affected(api.tries(["a"]), limit_pct=25, users=1)


def test_many_users_are_asked_for_in_parts(serve: Serve) -> None:
    """And only those for whom something failed again, five times in all."""
    asked: list[int] = []

    def answer(question: dict[str, Any]) -> Any:
        asked.append(len(question["user_ids"]))
        failing = {**WORKS, "chat": {"works": False}}
        return {
            "results": [
                {"user_id": user, "features": failing if user == "user-7" else WORKS} for user in question["user_ids"]
            ]
        }

    tries = serve(answer).tries([f"user-{number}" for number in range(120)])

    assert asked == [50, 50, 20, 1, 1, 1, 1]
    assert affected(tries, limit_pct=25, users=120).worst.failing == ("user-7",)
