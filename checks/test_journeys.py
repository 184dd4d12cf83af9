"""Can people do what they come for, in every browser that counts?  Writes as the test account only, and clears it away."""

import pytest

from pam_rollback.base.figures import Scored
from pam_rollback.browser.fixtures.traveller import Traveller
from pam_rollback.browser.fixtures.visitor import Visitor
from pam_rollback.browser.kept_sessions import KeptSessions
from pam_rollback.environment.known_before import Judge

pytestmark = [
    pytest.mark.post_rollback,
    pytest.mark.redeploy_gate,
    pytest.mark.journey,
    pytest.mark.usefixtures("audits_beside"),  # in a drill the pages are judged meanwhile
]


@pytest.mark.decision
@pytest.mark.writes
@pytest.mark.criterion("DUR-4", "SC-5", "CR-2")
@pytest.mark.elements("message")
def test_pam_answers(traveller: Traveller, scored: Scored) -> None:
    """A user who signs in and asks PAM is answered, and finds the answer again.  If red: docs/runbook.md#browser-broken."""
    talk = scored(traveller.asks_pam())

    assert talk.answered, talk
    assert not talk.forgotten, talk
    assert talk.stored is not False, talk


@pytest.mark.decision
@pytest.mark.writes
@pytest.mark.criterion("DUR-4", "CR-2")
@pytest.mark.elements("message")
def test_pam_answers_on_a_phone(phone_traveller: Traveller, scored: Scored) -> None:
    """On the screen of a phone, too, PAM is asked and answers.  If red: docs/runbook.md#browser-broken."""
    talk = scored(phone_traveller.asks_pam())

    assert talk.answered, talk
    assert not talk.forgotten, talk
    assert talk.stored is not False, talk


@pytest.mark.decision
@pytest.mark.writes
@pytest.mark.criterion("CR-3")
@pytest.mark.elements("speak", "stop_speaking", "message", "messages")
def test_pam_is_spoken_to(traveller: Traveller, scored: Scored) -> None:
    """PAM answers what is spoken; where the flag is off there is no button for it.  If red: docs/runbook.md#voice-fails."""
    spoken = scored(traveller.speaks())

    assert spoken.as_the_flag_says, spoken
    assert spoken.answered, spoken


@pytest.mark.decision
@pytest.mark.writes
@pytest.mark.criterion("DUR-4", "CR-2")
@pytest.mark.elements("amount", "note", "add_expense", "expenses")
def test_expense_is_added(traveller: Traveller, scored: Scored) -> None:
    """An expense that is entered is listed, and stored.  If red: docs/runbook.md#browser-broken."""
    expense = scored(traveller.adds_expense())

    assert expense.outcome == "works", expense


@pytest.mark.decision
@pytest.mark.writes
@pytest.mark.criterion("DUR-4", "CR-2")
@pytest.mark.elements("distance_unit", "save", "saved")
def test_setting_is_kept(traveller: Traveller, scored: Scored) -> None:
    """A setting that is changed is found changed after a reload.  If red: docs/runbook.md#browser-broken."""
    setting = scored(traveller.changes_setting())

    assert setting.problem == "", setting
    assert setting.found == setting.wanted != "", setting


@pytest.mark.decision
@pytest.mark.writes
@pytest.mark.criterion("DUR-4", "CR-2")
@pytest.mark.elements("plan_trip", "message")
def test_trip_is_planned(returning_traveller: Traveller, scored: Scored) -> None:
    """A trip is chosen, and PAM answers about it.  If red: docs/runbook.md#browser-broken."""
    trip = scored(returning_traveller.plans_trip())

    assert trip.problem == "", trip
    assert trip.trips > 0, trip
    assert trip.answer, trip


@pytest.mark.criterion("RPO-3", "DUR-4")
@pytest.mark.elements("message")
def test_lost_session_is_renewed(
    kept_sessions: KeptSessions, returning_traveller: Traveller, scored: Scored, known: Judge
) -> None:
    """A user who was signed out, or whose session may be lost, can sign in again.  If red: docs/runbook.md#sessions-lost."""
    renewed = known(scored(returning_traveller.loses_session()))

    assert kept_sessions.as_allowed, kept_sessions
    assert renewed.signed_out, renewed
    assert renewed.asked_to_sign_in, renewed
    assert renewed.signed_in_again, renewed


@pytest.mark.criterion("SC-5", "CR-2")
def test_nothing_fails_behind_the_pages(traveller: Traveller, scored: Scored, known: Judge) -> None:
    """No page writes an error or has a request that fails, now and in the journeys before.  If red: docs/runbook.md#browser-broken."""
    behind = known(scored(traveller.opens_every_page()))

    assert len(behind.errors) == 0, behind
    assert behind.problem == "", behind
    assert len(behind.pages) > 0, behind


@pytest.mark.decision
@pytest.mark.criterion("SC-5", "CR-2")
def test_pages_are_no_error_screens(onlooker: Visitor, scored: Scored) -> None:
    """What is shown without an account is the site, not an error in its place.  If red: docs/runbook.md#frontend-error-page."""
    seen = scored(onlooker.looks())

    assert seen.problem == "", seen
    assert set(seen.shown.values()) == {""}, seen


@pytest.mark.criterion("SC-5")
def test_new_visitor_gets_the_release(visitor: Visitor, scored: Scored) -> None:
    """Page, scripts and styles are those of the expected release.  If red: docs/runbook.md#frontend-rollback."""
    served = scored(visitor.comes())

    assert served.right_release, served
    assert served.right_files, served


@pytest.mark.criterion("SC-5")
def test_returning_visitor_gets_the_release(visitor: Visitor, scored: Scored) -> None:
    """No cache and no service worker brings another release back.  If red: docs/runbook.md#frontend-rollback."""
    served = scored(visitor.returns())

    assert served.right_release, served
    assert served.right_files, served
