"""What an answer says of the server, apart from what was asked: only that is a cause which many tests can share."""

import pytest

from pam_rollback.core.answer import Answer

API = "https://api.shop.example"
HTML, JSON = "text/html; charset=utf-8", "application/json"
GATEWAY = b'{"detail": "bad gateway"}'


def answer(status: int | None, kind: str = JSON, body: bytes = b"", *, path: str = "/x", **more: object) -> Answer:
    """What somebody got there."""
    return Answer("GET", f"https://me:secret@api.shop.example{path}", status, kind, body, 1.0, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        (answer(None, problem="refused the connection", sent=False), "cannot be reached"),
        (answer(None, problem="the name could not be resolved", sent=False), "cannot be reached"),
        (answer(503, HTML, b"<h1>request 4711</h1>"), "answers HTTP 503 with text/html"),
        (answer(502, "", b""), "answers HTTP 502 with nothing"),
        (answer(502, JSON, GATEWAY), 'answers HTTP 502 with \'{"detail": "bad gateway"}\''),
    ],
)
def test_what_concerns_the_server_is_a_cause(found: Answer, cause: str) -> None:
    """Nobody could be asked there, or it says that it cannot serve; whatever was asked, and without what is secret."""
    assert found.cause == f"{API} {cause}"


@pytest.mark.parametrize(
    "found",
    [
        answer(200, JSON, b"{}"),
        answer(404, HTML, b"<h1>no such page</h1>"),
        answer(500, JSON, b'{"detail": "Internal Server Error"}'),
        answer(504, HTML, b"<h1>too late</h1>"),
        answer(None, problem="silent: connected, but no answer within 5 s"),
        answer(503, JSON, problem="the body did not end within 5 s"),
        answer(503, JSON, b'{"status": "unhealthy", "checks": {"model": "%s"}}' % (b"x" * 120)),
    ],
    ids=["good", "404", "500", "504", "silent", "cut", "has much to say"],
)
def test_what_may_concern_the_question_is_none(found: Answer) -> None:
    """Two endpoints may each have a defect, or a wait, of their own; and whoever says much speaks of itself."""
    assert found.cause == ""
