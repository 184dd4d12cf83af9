"""What one account owns is not shown to another: seen, kept apart, or not known."""

from datetime import date

import pytest

from pam_rollback.access.separation import Belonging, Belongings, Look, Separation
from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.target.known_before import KnownBefore
from tests.waivers import accepted

OWN = (Belonging("expense 7", "mark-0815"),)
LIST, BY_ID = "GET /expenses?limit=200", "GET /expenses/7"


def look(status: int | None, body: str = '{"expenses": []}', *, by_id: bool = False, problem: str = "") -> Look:
    """What the second account was shown."""
    kind = "text/html" if body.startswith("<") else "application/json"
    answer = Answer("GET", "http://x/", status, kind, body.encode(), 1.0, problem)
    return Look.of(BY_ID if by_id else LIST, answer, OWN, by_id=by_id)


def of(*looks: Look, owned: tuple[Belonging, ...] = OWN, problem: str = "") -> Separation:
    """One kind of thing alone."""
    return Separation((Belongings("expenses", owned, problem, looks),))


def why_unknown(found: Separation) -> str:
    """Why it is not known."""
    with pytest.raises(MeasurementFailed) as unknown:
        _ = found.exposures
    return str(unknown.value)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 405, 422])
def test_what_is_refused_or_not_shown_is_kept_apart(status: int) -> None:
    """Asked for by its id it may be refused in any of these ways, or the id may be ignored."""
    found = of(look(200), look(status, by_id=True))

    assert found.exposures == 0
    assert (found.measured.value, found.measured.n) == (0, 2)


@pytest.mark.parametrize(
    "shown",
    [
        look(200, '{"expenses": [{"id": 7, "description": "mark-0815"}, {"description": "a gift for Rosa"}]}'),
        look(200, '{"description": "mark-0815"}', by_id=True),
        look(404, '{"detail": "mark-0815 is not yours"}', by_id=True),
        look(500, '{"trace": "mark-0815"}'),
        look(200, "<p>mark-0815</p>"),
        look(200, '{"expenses": [{"description": "mark-0815"', problem="closed after 40 of 100 announced bytes"),
    ],
)
def test_whatever_shows_it_exposes_it(shown: Look) -> None:
    """In a list, by its id, in an error, in a page, in half an answer; named by id, without what else was shown."""
    found = of(look(200), shown)

    assert found.exposures
    assert (
        "one of two accounts was shown what belongs to the other in 1 of 2 looks, expected none: expense 7 by GET"
        in str(found)
    )
    assert "Rosa" not in f"{found}{found!r}{found.measured.row}"


@pytest.mark.parametrize(
    "odd",
    [
        look(403),
        look(401),
        look(404),
        look(500),
        look(None, problem="refused the connection"),
        look(200, "<html>"),
        look(200, "nonsense"),
        look(503, by_id=True),
        look(200, "<html>", by_id=True),
        look(429, by_id=True),
        look(None, by_id=True, problem="silent: connected, but no answer within 5 s"),
    ],
)
def test_an_answer_that_says_nothing_is_not_known(odd: Look) -> None:
    """An account that cannot read its own list does not see others' either, and that proves nothing."""
    assert "as the other account: " in why_unknown(of(look(200), odd))


def test_what_its_owner_does_not_see_proves_nothing() -> None:
    """Nor does a kind without anything to look for, nor no kind at all."""
    unseen = of(look(200), problem="the first account does not see expense 7 itself: HTTP 200 application/json")

    assert "does not see expense 7 itself" in why_unknown(unseen)
    assert "expenses: nothing was looked for" in why_unknown(of(look(200), owned=()))
    assert "expenses: nothing was looked for" in why_unknown(of())
    assert "nothing was tried" in why_unknown(Separation(()))


def test_what_was_seen_decides_over_what_is_not_known() -> None:
    """One exposure is enough."""
    assert of(look(500), look(200, '"mark-0815"'), problem="anything").exposures


def test_the_table_says_what_was_not_tried_and_what_is_left() -> None:
    """Green is as wide as its looks."""
    found = Separation(of(look(200)).kinds, ("support tickets: none",), "the expense is left, delete it by hand")

    assert found.measured.definition == (
        "two accounts of our own: expenses; not tried: support tickets: none; the expense is left, delete it by hand"
    )


def test_a_look_is_called_the_same_twice_and_known_as_such() -> None:
    """Without ids and numbers; what is known does not count, and of the rest what is new comes first."""
    mine = "35252101-617f-5529-9690-1c076954d0a3"

    def seen(path: str, kind: str) -> Belongings:
        return Belongings(kind, OWN, looks=(Look(path, "=" in path, 200, ("a thing",), ""),))

    tickets, rows = seen(f"GET /api/v1/tickets?user_id={mine}&limit=200", "tickets"), seen("GET /v2/rows/77", "rows")
    found = Separation((tickets, rows))
    first, second = found.findings
    before = {(first.item, first.text): 1}
    known = KnownBefore(before, (accepted("IR-1", first.pattern, until=date.max, at_most=1),))
    old = found.without(KnownBefore(before).told(found.findings))

    assert first.text == "GET /api/v1/tickets?user_id=N&limit=N: shows others' tickets by the first one's id"
    assert second.text == "GET /v2/rows/N: shows others' rows"
    assert Separation((tickets,)).without(known.told([first])).exposures == 0
    assert found.without(known.told(found.findings)).exposed == ("a thing by GET /v2/rows/77",)
    assert "expected none: a thing by GET /v2/rows/77 (1 known before, and nobody answers for it" in str(old)
