"""A door is open, closed, or not known to be closed: what each kind of answer means."""

import base64
import json
from collections.abc import Mapping

import pytest

from pam_rollback.access.access import (
    ALTERED,
    FALSE_SIGNATURE,
    MADE_UP,
    NO_TOKEN,
    UNSIGNED,
    Access,
    Attempt,
    Door,
    Routes,
    Standing,
    drawn,
    forged_from,
    routes_in,
)
from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed

SECRET_DATA = b'{"expenses": [{"description": "a gift for Rosa"}]}'
PATH = "GET /api/v1/expenses"
EMPTY = (400, 422)


def attempt(
    status: int | None, kind: str = "application/json", body: bytes = b"{}", *, problem: str = "", by: str = NO_TOKEN
) -> Attempt:
    """What came of one request."""
    return Attempt.of(by, Answer("GET", "http://x/", status, kind, body, 1.0, problem))


RIGHT = attempt(200, by="its own token")
LET_IN = attempt(422, by="its own token")


def door(*wrong: Attempt, right: tuple[Attempt, ...] = (RIGHT, RIGHT), opens_with: tuple[int, ...] = ()) -> Access:
    """One door alone."""
    return Access((Door(PATH, wrong, right, frozenset(opens_with)),))


def why_unknown(access: Access) -> str:
    """Why it is not known."""
    with pytest.raises(MeasurementFailed) as unknown:
        _ = access.let_in
    return str(unknown.value)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_right(status: int) -> None:
    """And the table says how many there were."""
    access = door(attempt(status), attempt(status, by="a made-up token"))

    assert access.let_in == 0
    assert (access.measured.value, access.measured.n) == (0, 2)
    assert str(access) == "2 requests without a right token, none let in"


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "application/json", SECRET_DATA),
        (201, "application/json", b"{}"),
        (200, "application/json", b"null"),
        (204, "", b""),
        (200, "text/plain", b"hello"),
        (206, "application/octet-stream", b"\0"),
    ],
)
def test_whatever_is_let_in_is_a_bypass(status: int, kind: str, body: bytes) -> None:
    """Also beside refusals and unknowns, and it never shows what was answered."""
    access = door(attempt(401), attempt(status, kind, body, by="an expired token"), attempt(500))

    assert access.let_in
    assert (
        f"1 of 3 requests without a right token were let in, expected 401 or 403 for all: {PATH} with an expired token"
        in str(access)
    )
    assert "Rosa" not in f"{access}{access!r}{access.as_csv()}{access.measured.row}"


@pytest.mark.parametrize(
    ("status", "kind", "body", "problem"),
    [
        (500, "application/json", b"{}", ""),
        (503, "application/json", b"{}", ""),
        (502, "text/html", b"<html>", ""),
        (200, "text/html; charset=utf-8", b"<html>", ""),
        (200, "application/json", b"{nonsense", ""),
        (200, "application/json", b"", "the body did not end within 5 s (3 bytes came)"),
        (401, "application/json", b"", "closed after 3 of 100 announced bytes"),
        (302, "text/html", b"", ""),
        (404, "application/json", b"{}", ""),
        (429, "application/json", b"{}", ""),
        (422, "application/json", b"{}", ""),
        (None, "", b"", "refused the connection"),
        (None, "", b"", "silent: connected, but no answer within 5 s"),
    ],
)
def test_anything_else_is_not_known(status: int | None, kind: str, body: bytes, problem: str) -> None:
    """An error, a page, a limit or silence says nothing of the lock; one such answer is enough."""
    odd = attempt(status, kind, body, problem=problem)

    assert odd.standing is Standing.UNKNOWN
    assert f"{PATH} with {NO_TOKEN}: " in why_unknown(door(attempt(401), odd))


@pytest.mark.parametrize("shut", [attempt(403), attempt(401), attempt(500), attempt(200, "text/html"), attempt(404)])
@pytest.mark.parametrize("place", [0, 1])
def test_a_door_that_does_not_open_for_its_own_key_is_no_lock(shut: Attempt, place: int) -> None:
    """Before or after: a client that was shut out meanwhile is refused everything."""
    right = (shut, RIGHT) if place == 0 else (RIGHT, shut)

    assert f"{PATH} does not open for" in why_unknown(door(attempt(403), attempt(401), right=right))


def test_without_a_right_token_only_401_is_a_lock() -> None:
    """403 is what a client gets that was taken for a scanner."""
    assert door(attempt(401), right=()).let_in == 0
    assert "nobody can tell a lock from a client that was shut out" in why_unknown(door(attempt(403), right=()))


def test_an_empty_request_is_refused_for_its_content_when_it_is_let_in() -> None:
    """So 422 is what the right token brings; for a wrong one it says that nobody asked for it, or that it was believed."""
    opened = (LET_IN, LET_IN)

    assert door(attempt(401), right=opened, opens_with=EMPTY).let_in == 0
    assert "HTTP 422" in why_unknown(door(attempt(422), right=opened, opens_with=EMPTY))
    assert door(attempt(200), right=opened, opens_with=EMPTY).let_in
    assert "does not open" in why_unknown(door(attempt(401), opens_with=EMPTY))


def test_nothing_tried_is_not_closed() -> None:
    """No doors, or a door at which nobody knocked."""
    assert "no path was tried" in why_unknown(Access(()))
    assert "nothing was tried" in why_unknown(door())


def test_the_table_says_what_was_and_what_was_not_tried() -> None:
    """Green is as wide as its attempts; a wrong token that is let in is never listed as a right one."""
    same = attempt(200, by="its own token")
    found = Access((Door(PATH, (attempt(401), same), (RIGHT,)),), ("an expired token: there is none",))

    assert found.measured.definition == (
        "on 1 paths, each with no token, its own token; not tried: an expired token: there is none"
    )
    assert found.as_csv().splitlines()[1:] == [
        f'"{PATH}","its own token","right token","200","application/json","2",""',
        f'"{PATH}","no token","refused","401","application/json","2",""',
        f'"{PATH}","its own token","let in","200","application/json","2",""',
    ]


def rows(body: bytes, *, by: str = NO_TOKEN) -> Attempt:
    """What Supabase's REST answered of a table."""
    return Attempt.of(by, Answer("GET", "http://x/", 200, "application/json", body, 1.0), rows=True)


def test_no_row_shown_is_a_refusal_where_the_owner_is_shown_some() -> None:
    """Row level security hides; it does not refuse. A single row is a bypass."""
    own = (rows(b'[{"id": 1}]', by="its own token"),) * 2
    hidden = door(rows(b"[]"), rows(b"[]", by="an unsigned token"), right=own)
    shown = door(rows(b"[]"), rows(b'[{"id": 1}]', by="an unsigned token"), right=own)

    assert hidden.let_in == 0
    assert shown.let_in
    assert [finding.text for finding in shown.findings] == [f"{PATH}: lets in an unsigned token"]


@pytest.mark.parametrize("by", [NO_TOKEN, "an unsigned token"])
@pytest.mark.parametrize("right", [(rows(b"[]", by="its own token"),) * 2, ()], ids=["none of its own", "no account"])
def test_no_row_shown_says_nothing_where_nobody_has_one(by: str, right: tuple[Attempt, ...]) -> None:
    """Asked for by their owner, the rows of an account that has none are none behind an open door, too."""
    access = door(rows(b"[]", by=by), right=right)

    assert not access.bypasses
    assert "nobody had a row there that could have been shown" in why_unknown(access)


def test_a_list_without_members_is_an_answer_where_no_rows_are_asked_for() -> None:
    """An API that lists nothing has let somebody in."""
    assert door(attempt(200, body=b"[]")).let_in


def test_what_is_refused_for_its_content_as_with_the_right_token_is_named() -> None:
    """Nobody knows whether content or token is looked at first: the sentence says what to do."""
    access = door(attempt(422, by="an unsigned token"), right=(LET_IN, LET_IN), opens_with=EMPTY)

    assert "HTTP 422 application/json, as with the right one: a whole request, by hand, tells" in why_unknown(access)
    assert "by hand" not in why_unknown(door(attempt(500), right=(LET_IN, LET_IN), opens_with=EMPTY))


def encoded(content: object) -> str:
    """One part of a JWT."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


GOOD = f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{encoded({'sub': 'maya'})}.c2lnbmF0dXJl"


def decoded(part: str) -> object:
    """What a part says."""
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_claims_stay_and_the_signature_goes() -> None:
    """The same account, wrongly signed and not signed at all; the head of the unsigned one says so."""
    forged = forged_from(GOOD)
    head, claims, signature = forged[FALSE_SIGNATURE].split(".")
    unsigned_head, unsigned_claims, nothing = forged[UNSIGNED].split(".")

    assert set(forged) == {MADE_UP, FALSE_SIGNATURE, UNSIGNED}
    assert [head, claims] == GOOD.split(".")[:2]
    assert signature not in {"", GOOD.split(".")[2]}
    assert (decoded(unsigned_head), decoded(unsigned_claims)) == ({"alg": "none", "typ": "JWT"}, {"sub": "maya"})
    assert nothing == ""


@pytest.mark.parametrize("token", ["", "opaque-0815", "a.b.c", "e30.e30.x", "aba"])
def test_what_is_no_jwt_is_altered(token: str) -> None:
    """And never given back as it was: that would be the right one."""
    forged = forged_from(token)

    assert set(forged) == {MADE_UP, ALTERED}
    assert forged[ALTERED] != token


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
    chosen = [drawn((*before, "/new"), before, 4) for _ in range(100)]

    assert {one[0] for one in chosen} == {"/new"}
    assert {len(one) for one in chosen} == {4}
    assert {route for one in chosen for route in one} == {"/new", *(f"/shut/{i}" for i in range(9))}


def test_a_route_that_answers_now_was_opened() -> None:
    """Refused, gone or asked for wrongly it was not."""
    shut = {"/shut": False}

    assert of({"/shut": 401, "/new": 403, "/gone": 404}, shut).let_in == 0
    found = of({"/shut": 200, "/new": 500}, shut)
    assert found.let_in
    assert "2 of 2 routes were asked for without a token, 1 answer, and did not when" in str(found)
    assert "GET /shut with no token: HTTP 200 application/json, 9 bytes" in str(found)
    assert (found.measured.value, found.measured.n) == (1, 2)
    assert found.answered == {"/shut": True, "/new": None}


@pytest.mark.parametrize("status", [None, 429, 500, 503])
def test_a_route_that_does_not_answer_is_not_known(status: int | None) -> None:
    """Silence is no lock."""
    with pytest.raises(MeasurementFailed, match="opened to strangers is not known: GET /shut with no token"):
        _ = of({"/shut": status}, {"/shut": False}).let_in


def test_where_nothing_is_described_nothing_is_claimed() -> None:
    """And the verdict names it."""
    found = Routes((), {}, {})

    assert found.let_in == 0
    assert found.unproven == found.measured.definition
    assert "the API describes no others" in found.unproven
    assert of({"/shut": 401}, {"/shut": False}).unproven == ""


def test_a_baseline_of_which_nothing_is_asked_is_not_known() -> None:
    """Its routes were all open or odd, or no request was left for them."""
    with pytest.raises(MeasurementFailed, match="none could be asked"):
        _ = of({}, {"/open": True, "/odd": None}).let_in
