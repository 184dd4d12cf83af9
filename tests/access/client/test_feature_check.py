"""The product's trial of its features for many users, read strictly, and true to what users really get."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from pam_rollback.access.affected_users import affected
from pam_rollback.access.feature_check import FeatureCheckApi
from pam_rollback.core.errors import MeasurementFailed
from tests.running_product import ADMIN_TOKEN, Database, Product

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


def share_pct(api: FeatureCheckApi) -> float:
    """The share of all users for whom the worst feature fails."""
    users, drawn = api.drawn(1000)
    return affected(api.tries(drawn), limit_pct=25, users=users).worst.share_pct


@pytest.mark.long_matrix
@pytest.mark.parametrize("share", [0.6, 0.25])
def test_errors_of_all_are_not_failures_of_some(api: FeatureCheckApi, candidate: Product, share: float) -> None:
    """One request of four fails, or more than every second, for everybody: that is an error rate."""
    with candidate.fault("errors", share=share):
        assert share_pct(api) < 10


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
