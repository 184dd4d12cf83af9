"""Which routes of a description are asked for, and what their answers say: opened, as before, or not known."""

from collections.abc import Mapping

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.exposure.access import NO_TOKEN, Attempt, Routes, drawn, routes_in

DESCRIPTION = {
    "paths": {
        "/b": {"get": {}, "post": {}},
        "/a/{user_id}": {"get": {"parameters": [{"name": "user_id", "in": "path", "required": True}]}},
        "/of/{trip_id}": {"get": {}},
        "/asks": {"get": {"parameters": [{"name": "q", "in": "query", "required": True}]}},
        "/may": {"get": {"parameters": [{"name": "q", "in": "query", "required": False}]}},
        "/written": {"post": {}},
    }
}


def of(statuses: Mapping[str, int | None], before: Mapping[str, bool | None]) -> Routes:
    """Answers of JSON with these statuses."""
    attempts = {one: Attempt(NO_TOKEN, status, "application/json", 9) for one, status in statuses.items()}
    return Routes(tuple(statuses), before, attempts)


def test_what_get_reads_by_its_path_alone_is_asked_for() -> None:
    """Nothing that changes anything, and nothing that needs to be known; what is no description has no routes."""
    assert routes_in(DESCRIPTION) == ("/a/{user_id}", "/b", "/may")
    assert {routes_in(None), routes_in([]), routes_in({"paths": 1}), routes_in("<html>")} == {None}
    assert routes_in({"paths": {"/x": None, "/y": {"get": 1}}}) == ()


def test_new_routes_first_and_no_more_than_the_product_bears() -> None:
    """Then those that refused, by lot; what answered before is meant for everybody."""
    before = {"/open": True, "/odd": None, **{f"/shut/{i}": False for i in range(9)}}
    chosen = [drawn((*before, "/new"), before, 4) for _ in range(20)]

    assert {one[0] for one in chosen} == {"/new"}
    assert {len(one) for one in chosen} == {4}
    assert {route for one in chosen for route in one} == {"/new", *(f"/shut/{i}" for i in range(9))}


def test_a_route_that_answers_now_was_opened() -> None:
    """Refused, gone or asked for wrongly it was not."""
    shut = {"/shut": False}

    assert of({"/shut": 401, "/new": 403, "/gone": 404}, shut).closed
    found = of({"/shut": 200, "/new": 500}, shut)
    assert not found.closed
    assert "2 of 2 routes were asked for without a token, 1 answer, and did not when" in str(found)
    assert "GET /shut with no token: HTTP 200 application/json, 9 bytes" in str(found)
    assert (found.figures.measured, found.figures.n) == (1, 2)
    assert found.answered == {"/shut": True, "/new": None}


@pytest.mark.parametrize("status", [None, 429, 500, 503])
def test_a_route_that_does_not_answer_is_not_known(status: int | None) -> None:
    """Silence is no lock."""
    with pytest.raises(MeasurementFailed, match="opened to strangers is not known: GET /shut with no token"):
        of({"/shut": status}, {"/shut": False}).closed  # noqa: B018 - asking raises


def test_where_nothing_is_described_nothing_is_claimed() -> None:
    """And the verdict names it."""
    found = Routes((), {}, {})

    assert found.closed
    assert found.unproven == found.figures.definition
    assert "the API describes no others" in found.unproven
    assert of({"/shut": 401}, {"/shut": False}).unproven == ""


def test_a_baseline_of_which_nothing_is_asked_is_not_known() -> None:
    """Its routes were all open or odd, or no request was left for them."""
    with pytest.raises(MeasurementFailed, match="none could be asked"):
        _ = of({}, {"/open": True, "/odd": None}).closed
