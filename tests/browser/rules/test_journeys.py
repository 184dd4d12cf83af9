"""A journey's steps: what stops them is red, or not known; and what an expense, a voice or a kept session comes to."""

from dataclasses import replace
from typing import Any

import pytest

from pam_rollback.browser import traveller
from pam_rollback.browser.journeys import (
    NotAsDescribed,
    NotLoaded,
    Stopped,
    Unreachable,
    Voice,
    not_as_entered,
    sessions_lost,
)
from pam_rollback.browser.traveller import Visitor
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.samples import Sample

LISTED = "2026-11-29 other rollback check 12ab €12.34"
ANSWERED = Sample(due_s=1, latency_ms=20, journey="history", ok=True, status=200)
REFUSED = Sample(due_s=1, latency_ms=20, journey="history", ok=False, why="HTTP 401", status=401)


def walked(monkeypatch: pytest.MonkeyPatch, rows: list[str], end: Exception | None = None, *, why: str = "") -> None:
    """Walk a journey that ends so, and enter it in the table of criteria. ``why`` we are blocked, or offline."""

    def refuse(*_: object) -> None:
        if why:
            raise MeasurementFailed(why)

    def scored(fact: Any) -> Any:
        rows.append(str(fact))
        return fact

    monkeypatch.setattr(traveller, "refuse_when_blocked", refuse)
    monkeypatch.setattr(traveller, "refuse_when_offline", refuse)
    nothing: Any = None
    with Visitor(nothing, nothing, "chromium", nothing).journey("adding an expense", scored):
        if end is not None:
            raise end


def test_a_journey_that_comes_to_its_end_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """And says so."""
    rows: list[str] = []
    walked(monkeypatch, rows)
    assert rows == ["adding an expense in chromium: works"]


@pytest.mark.parametrize(
    "end", [Stopped("open /: an empty page", cause="x"), AssertionError("an empty page\nassert 1")]
)
def test_what_the_site_does_instead_is_red(monkeypatch: pytest.MonkeyPatch, end: Exception) -> None:
    """Its sentence begins with the journey and the browser."""
    rows: list[str] = []
    with pytest.raises(AssertionError) as red:
        walked(monkeypatch, rows, end)

    assert rows == [str(red.value).partition("\n")[0]]
    assert rows[0].startswith(f"adding an expense in chromium: {str(end).partition(' ')[0]} ")


@pytest.mark.parametrize(
    ("end", "why", "words"),
    [
        (NotLoaded("open /: late"), "", "adding an expense in chromium is not known: open /: late"),
        (NotAsDescribed("open /: no field"), "", "^open /: no field"),
        (MeasurementFailed("no session"), "", "^no session"),
        (Stopped("open /: HTTP 403"), "we are blocked", "we are blocked"),
        (Unreachable("open /: refused"), "we are offline", "we are offline"),
    ],
)
def test_what_says_nothing_of_the_site_is_not_known(
    monkeypatch: pytest.MonkeyPatch, end: Exception, why: str, words: str
) -> None:
    """Never red, and nothing is entered."""
    rows: list[str] = []
    with pytest.raises(MeasurementFailed, match=words):
        walked(monkeypatch, rows, end, why=why)
    assert rows == []


@pytest.mark.parametrize(
    ("listed", "stored", "words"),
    [
        (LISTED, ["12.34"], ""),
        ("12,34 €", ["12.34"], ""),
        (LISTED, ["12.340"], ""),
        ("USD 12.34.", ["12.34"], ""),
        (None, ["12.34"], "the page does not list it"),
        (LISTED, [], "the API does not have it"),
        (LISTED, ["12.34", "12.34"], "has it 2 times"),
        (LISTED, ["1234.0"], "an expense of 12.34 was entered, and the API has 1234.0"),
        (LISTED, ["12"], "the API has 12"),
        ("rollback check 12ab €1,234.00", ["12.34"], "an expense of 12.34 was entered, and the page lists"),
        (None, [], "list it; delete it by hand if it turns up, noted 'check 1'"),
    ],
)
def test_an_expense_is_kept_as_entered(listed: str | None, stored: list[str], words: str) -> None:
    """However a country writes a sum, and however many zeros a database has; else with what is missing, or what came of it."""
    found = not_as_entered("12.34", listed, stored, note="check 1")

    assert words in found
    assert bool(words) is bool(found)


def test_voice_is_offered_where_it_is_due() -> None:
    """And nowhere else; where nobody knows, that is not known."""
    off, on = Voice("PAM_VOICE_FEATURES is off for this user"), Voice("")

    assert (off.wrong(offered=False), on.wrong(offered=True)) == ("", "")
    assert off.as_it_should_be.endswith("offers no voice: as it should be")
    assert "is off for this user, yet the page offers to speak" in off.wrong(offered=True)
    assert "is on for this user, yet the page has no button" in on.wrong(offered=False)
    assert Voice("", "nobody says").wrong(offered=True) == ""
    with pytest.raises(MeasurementFailed, match="nobody says"):
        Voice("", "nobody says").wrong(offered=False)


def test_a_lost_session_is_counted() -> None:
    """The sentence names the count and what the plan says; no answer, or one that says nothing of the service, proves no session."""
    lost, nothing = sessions_lost([ANSWERED, REFUSED]), sessions_lost([replace(REFUSED, void="blocked")])

    assert (lost.number, sessions_lost([ANSWERED]).number) == (1, 0)
    assert str(lost).startswith("1 of 2 probes were told that their session is not known (HTTP 401)")
    for unknown in (nothing, sessions_lost([]), sessions_lost([replace(ANSWERED, status=None)])):
        with pytest.raises(MeasurementFailed, match="no probe with a session was answered"):
            _ = unknown.number
