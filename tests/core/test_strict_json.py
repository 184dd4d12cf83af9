"""JSON from outside is read in one way only, or not at all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.core.answer import BYTES_MAX, DEPTH_MAX, Answer, NotJson, read_json

_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False, max_value=1e300, min_value=-1e300)
    | st.text()
)
_DOCUMENTS = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"status":"unhealthy","status":"healthy"}', "the key 'status' stands twice in one object"),
        (b'{"a":{"version":"1","version":"2"}}', "the key 'version' stands twice"),
        (b'{"st\\u0061tus":"unhealthy","status":"healthy"}', "the key 'status' stands twice"),
        (b'{"load":NaN}', "NaN is no JSON number"),
        (b'{"load":-Infinity}', "-Infinity is no JSON number"),
        (b'{"load":1e999}', "a number that is too large"),
        (b'{"load":' + b"9" * 400 + b"}", "a number that is too large"),
        (b'{"load":' + b"9" * 5000 + b"}", "a number with thousands of digits"),
        (b'{"a":1}{"a":2}', "more than one document, the second from character 8 on"),
        (b"", "empty"),
        (b" \n", "empty"),
        (b'{"status": "healthy", ', "it breaks off after 22 characters"),
        (b"<!doctype html>", "expecting value at character 1"),
        (b'{"status":"\xff"}', "not UTF-8"),
        ('{"status":"healthy"}'.encode("utf-16"), "not UTF-8"),
        (b"[" * 100_000, f"nested more than {DEPTH_MAX} deep"),
        (b"[" * 100_000 + b"]" * 100_000, f"nested more than {DEPTH_MAX} deep"),
        (b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1), f"nested more than {DEPTH_MAX} deep"),
        (b'{"a":' * 3000 + b"1" + b"}" * 3000, f"nested more than {DEPTH_MAX} deep"),
        (b" " * (BYTES_MAX + 1), f"larger than {BYTES_MAX} bytes"),
    ],
)
def test_what_can_be_understood_in_two_ways_is_refused(text: bytes, why: str) -> None:
    """The reason is said in words."""
    with pytest.raises(NotJson) as caught:
        read_json(text)

    assert why in str(caught.value)


def test_what_is_common_is_read() -> None:
    """A byte order mark, and depth and size as honest answers have them."""
    assert read_json(b'\xef\xbb\xbf{"a": [1, 2.5, null]}') == {"a": [1, 2.5, None]}
    assert read_json("[" * DEPTH_MAX + "]" * DEPTH_MAX)
    assert read_json('{"a":{"status":1},"b":{"status":2}}') == {"a": {"status": 1}, "b": {"status": 2}}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (r'"cut \ud83d"', "cut \ufffd"),
        (r'"whole \ud83d\ude00"', "whole 😀"),
        (r'"no escape \\ud83d"', r"no escape \ud83d"),
        (r'"\udE00\ud83d\ude00"', "\ufffd😀"),
    ],
)
def test_half_an_emoji_can_be_written_down(text: str, read: str) -> None:
    """Programs that cut texts leave halves of surrogate pairs, which no file takes."""
    found = read_json(text)

    assert found == read
    assert found.encode()


@given(_DOCUMENTS)
def test_every_proper_document_is_read_as_it_was_written(document: Any) -> None:
    """Strict is not picky."""
    assert read_json(json.dumps(document)) == document
    assert read_json(json.dumps(document, ensure_ascii=False).encode()) == document


@given(
    st.binary() | st.text().map(str.encode) | st.text(alphabet='{}[]":,0123456789eE+-.\\u truefalsn').map(str.encode)
)
def test_nothing_but_not_json_is_raised(text: bytes) -> None:
    """Whatever came: a value that can be written again, or NotJson."""
    try:
        found = read_json(text)
    except NotJson as problem:
        assert str(problem)  # noqa: PT017 - either way is right
    else:
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()


def test_an_answer_says_why_it_has_no_json() -> None:
    """Also where its type says that it has."""
    twice = Answer("GET", "http://pam.test", 200, "application/json", b'{"a":1,"a":2}', 1.0)

    assert (twice.json, twice.json_problem) == (None, "the key 'a' stands twice in one object")
    assert Answer("GET", "http://pam.test", 200, "application/json", b"{}", 1.0).json_problem == ""


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (
            302,
            {"location": "https://me:secret@login.test/in?next=/health&token=abc"},
            "HTTP 302 (a redirect to https://login.test/in?…)",
        ),
        (301, {"location": "/health/"}, "HTTP 301 (a redirect to /health/)"),
        (302, {"location": "http://[broken"}, "(a redirect to http://[broken)"),
        (429, {"retry-after": "120"}, "HTTP 429 (Retry-After: 120)"),
        (403, {"retry-after": "3600"}, "HTTP 403 (Retry-After: 3600)"),
        (200, {"location": "/elsewhere"}, "HTTP 200 text/plain"),
    ],
)
def test_a_message_names_the_way_on(status: int, headers: dict[str, str], said: str) -> None:
    """A redirect its target, without what may be secret; a refusal the time after which to ask again."""
    answer = Answer("GET", "http://pam.test/health", status, "text/plain", b"", 1.0, headers=headers)

    assert said in str(answer)
    assert "secret" not in str(answer)
    assert "abc" not in str(answer)
