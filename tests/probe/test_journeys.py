"""The configuration of a prober, and how it judges answers."""

import pytest
from pydantic import ValidationError

from pam_rollback.core.answer import Answer
from pam_rollback.core.open_loop import rotation
from pam_rollback.probe.journeys import Journey, SignIn
from pam_rollback.target.expectation import Expect


def answer(body: bytes = b'{"status":"healthy"}', status: int = 200, kind: str = "application/json") -> Answer:
    """Make an answer that is good unless told otherwise."""
    return Answer(method="GET", url="http://x/health", http_status=status, content_type=kind, body=body, elapsed_ms=1)


EVERYTHING = Expect(
    content_type="application/json", json_values={"status": "healthy"}, json_keys=("release",), text="1.4"
)


def test_every_shortcoming_is_named_and_the_body_comes_first() -> None:
    """One look says what ails: the dependency before the status code."""
    assert EVERYTHING.shortcomings(answer(b'{"status":"degraded"}', 503, "application/problem+json")) == (
        "status is 'degraded' instead of 'healthy'; without 'release'; without the text '1.4'; "
        "HTTP 503 instead of 200; content type 'application/problem+json' instead of 'application/json'"
    )


def test_a_value_must_be_there_even_if_it_is_null() -> None:
    """A missing key is not the same as null."""
    assert Expect(json_values={"error": None}).shortcomings(answer()) == "error is 'None' instead of None"


def test_no_answer_is_its_own_reason() -> None:
    """Nothing is judged that did not come."""
    silent = Answer("GET", "http://x", None, "", b"", 5000, problem="no answer within 5 s")

    assert EVERYTHING.shortcomings(silent) == "no answer within 5 s"


@pytest.mark.parametrize(
    ("weights", "expected"),
    [({"a": 1}, "a"), ({"a": 1, "b": 1}, "ab"), ({"a": 5, "b": 1, "c": 1}, "aabacaa"), ({"a": 2, "b": 0}, "aa")],
)
def test_turns_are_even_and_always_the_same(weights: dict[str, int], expected: str) -> None:
    """Each as often as its weight, spread out, without chance."""
    assert "".join(rotation(weights)) == expected


def test_errors_and_reprs_keep_secrets() -> None:
    """Neither an error message nor a repr says a password or a token."""
    sign_in = SignIn(url="http://x/login", email="t@example.org", password="s3cr3t")
    journey = Journey(name="chat", url="http://x", headers={"Authorization": "s3cr3t"}, body={"key": "s3cr3t"})
    with pytest.raises(ValidationError) as caught:
        SignIn.model_validate({"url": "u", "email": "e", "passwort": "s3cr3t", "password": ["s3cr3t"]})

    assert "s3cr3t" not in repr(sign_in) + repr(journey) + str(caught.value)
