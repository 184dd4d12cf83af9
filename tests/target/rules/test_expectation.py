"""Which release an answer of users is of, as far as it is meant to say so."""

from typing import Any

import pytest

from pam_rollback.target.expectation import Expect, healthy
from tests.contracts import captured, usual

BODY = {"status": "healthy", "version": "1.42.0", "build": {"of": "1.41.3"}}


@pytest.mark.parametrize(
    ("said", "release"),
    [
        ({}, "1.42.0"),
        ({"release": "/build/of"}, "1.41.3"),
        ({"release": "/nowhere"}, ""),
        ({"names_release": False}, ""),
    ],
)
def test_the_contract_says_where_health_names_it(said: dict[str, Any], release: str) -> None:
    """Or that it does not: what stands there is a constant then. As it travels to the prober's process."""
    expect = Expect.model_validate_json(healthy(usual(**said)).model_dump_json())

    assert expect.release_of(captured(BODY).answer) == release


def test_of_other_answers_only_a_page_names_it() -> None:
    """A version in somebody's expenses is no release."""
    page = captured(b'<meta name="pam-release" content="1.41.3">', content_type="text/html").answer

    assert [Expect(site=True).release_of(page), Expect().release_of(captured(BODY).answer)] == ["1.41.3", ""]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"expenses": [], "success": False}, "it says that it failed: success is False"),
        ({"full_name": "Ada", "error": "model unreachable"}, "it says that it failed: error is 'model unreachable'"),
        ({"expenses": [], "errors": ["no route"]}, "errors is ['no route']"),
        ({"expenses": [], "error": {"code": 7}}, "error is {'code': 7}"),
        ({"full_name": "Ada", "detail": "unavailable"}, "detail is 'unavailable'"),
        ({"full_name": "Ada", "success": True, "error": None, "errors": [], "detail": "a blue van"}, ""),
        ({"full_name": "Ada", "expenses": [{"success": False, "error": "of a booking"}], "error": ""}, ""),
        ([{"amount": 1, "error": "of a booking"}], ""),
    ],
)
def test_what_an_answer_says_beside_its_rows_is_read(body: Any, said: str) -> None:
    """At its top: with HTTP 200, and all that was asked for, it may say that it failed."""
    found = Expect(content_type="application/json").shortcomings(captured(body).answer)

    assert (said in found) if said else (found == ""), found


def test_of_an_answer_that_is_to_be_an_error_nothing_beside_is_asked() -> None:
    """A closed door says why."""
    body = {"error": "no token"}
    expect = Expect(content_type="application/json", status=401)

    assert expect.shortcomings(captured(body, status=401).answer) == ""
