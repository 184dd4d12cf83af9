"""A condition is met by what it asks for, and by nothing else: not by what is missing, and not by another type."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pam_rollback.core.answer import DEPTH_MAX
from pam_rollback.target.conditions import held_against, leaves, value_at, written
from tests.contracts import HEALTH, captured, condition

_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6), st.text(max_size=8))
DOCUMENTS = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=8,
)
OPERATORS: list[dict[str, Any]] = [
    {"equals": "healthy"},
    {"equals": 0},
    {"any_of": ["healthy", False, 0]},
    {"matches": ".*"},
    {"exists": True},
]


@pytest.mark.parametrize(
    ("asked", "body", "met"),
    [
        ({"json": "/status", "equals": "healthy"}, HEALTH, True),
        ({"json": "/status", "equals": "healthy"}, {"status": "unhealthy"}, False),
        ({"json": "/status", "any_of": ["ok", "ready", "healthy"]}, HEALTH, True),
        ({"json": "/status", "any_of": ["ok", "ready"]}, HEALTH, False),
        ({"json": "/status", "matches": "healthy"}, {"status": "unhealthy"}, False),
        ({"json": "/version", "matches": r"\d+\.\d+\.\d+"}, HEALTH, True),
        ({"json": "/version", "exists": True}, HEALTH, True),
        ({"json": "/version", "exists": True}, {"version": None}, False),
        ({"json": "/one", "equals": 1}, {"one": True}, False),
        ({"json": "/one", "equals": 1}, {"one": "1"}, False),
        ({"json": "/one", "equals": 1}, {"one": 1.0}, True),
        ({"json": "/one", "equals": True}, {"one": 1}, False),
        ({"json": "/a.b~1c", "equals": "x"}, {"a.b/c": "x"}, True),
        ({"answer": "status", "equals": 200}, HEALTH, True),
        ({"answer": "status", "equals": "200"}, HEALTH, False),
        ({"answer": "text", "matches": ".*healthy.*"}, HEALTH, True),
    ],
)
def test_a_condition_is_met_by_what_it_asks_for(asked: dict[str, Any], body: Any, *, met: bool) -> None:
    """Each operator, seen both ways on the real product's answers."""
    result = held_against(condition(**asked), captured(body))

    assert result.met is met, str(result)


@pytest.mark.parametrize("asked", OPERATORS, ids=repr)
@pytest.mark.parametrize(
    "answer",
    [
        captured(b""),
        captured(b'{"status": "unhealthy", "status": "healthy"}'),
        captured(b'{"status": "healthy"} {"status": "healthy"}'),
        captured(b'{"status": NaN}'),
        captured(b"<!doctype html>", content_type="text/html"),
        captured(HEALTH, problem="refused the connection", status=None),
    ],
    ids=["empty", "key twice", "second document", "NaN", "html", "no answer"],
)
def test_what_is_not_one_json_document_meets_no_condition(asked: dict[str, Any], answer: Any) -> None:
    """However it is asked."""
    assert not held_against(condition(json="/status", **asked), answer).met


@given(DOCUMENTS, st.text(max_size=6), st.sampled_from(OPERATORS))
def test_what_is_not_there_never_passes(document: Any, key: str, asked: dict[str, Any]) -> None:
    """Whatever the operator is, and whatever the document."""
    pointer = written((key, "\x00nowhere"))

    assert not held_against(condition(json=pointer, **asked), captured(document)).met


@given(DOCUMENTS)
def test_each_value_is_found_where_its_pointer_leads(document: Any) -> None:
    """Keys may hold slashes, tildes and dots."""
    for path, value in leaves(document):
        assert value_at(document, written(path)) == value


@settings(max_examples=300)
@given(
    st.one_of(st.binary(max_size=200), st.just(b"[" * (DEPTH_MAX + 5))),
    st.sampled_from(OPERATORS),
)
def test_no_body_raises(body: bytes, asked: dict[str, Any]) -> None:
    """What a service says is a value."""
    assert str(held_against(condition(json="/status", **asked), captured(body)))
