"""Can people do what they come for, in every browser that counts?  Writes as the test account only, and clears it away."""

import secrets

import pytest

from pam_rollback.browser.journeys import not_as_entered
from pam_rollback.browser.traveller import Traveller, Visitor
from pam_rollback.core.figures import Measured, Scored
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.target.front_page import shortcoming_of_rendered
from pam_rollback.target.known_before import Judge
from pam_rollback.target.served_release import ExpectedReleases

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
    with traveller.journey("signing in and asking PAM", scored):
        talk = traveller.asks_pam()

        assert talk.answer, "PAM gave no answer"
        assert talk.shown_again is not False, "question and answer are gone after a reload of the page"
        assert talk.stored is not False, "the page shows the answer, the API's history does not have it"


@pytest.mark.decision
@pytest.mark.writes
@pytest.mark.criterion("DUR-4", "CR-2")
@pytest.mark.elements("message")
def test_pam_answers_on_a_phone(phone_traveller: Traveller, scored: Scored) -> None:
    """On the screen of a phone, too, PAM is asked and answers.  If red: docs/runbook.md#browser-broken."""
    with phone_traveller.journey("signing in and asking PAM", scored):
        talk = phone_traveller.asks_pam()

        assert talk.answer, "PAM gave no answer"
        assert talk.shown_again is not False, "question and answer are gone after a reload of the page"
        assert talk.stored is not False, "the page shows the answer, the API's history does not have it"


@pytest.mark.decision
@pytest.mark.writes
@pytest.mark.criterion("CR-3")
@pytest.mark.elements("speak", "stop_speaking", "message", "messages")
def test_pam_is_spoken_to(traveller: Traveller, scored: Scored, runbook: Runbook) -> None:
    """PAM answers what is spoken; where the flag is off there is no button for it.  If red: docs/runbook.md#voice-fails."""
    with traveller.journey("speaking to PAM", scored) as way:
        site = traveller.enters()
        site.open_chat()
        voice = traveller.voice(site, rolled_back_to=runbook.options.to.frontend)
        offered = site.offers_voice(soon=not voice.not_due)

        assert (wrong := voice.wrong(offered=offered)) == "", wrong
        way.found = voice.as_it_should_be
        assert voice.not_due or site.speak(), "what was spoken was not answered"


@pytest.mark.decision
@pytest.mark.writes
@pytest.mark.criterion("DUR-4", "CR-2")
@pytest.mark.elements("amount", "note", "add_expense", "expenses")
def test_expense_is_added(traveller: Traveller, scored: Scored) -> None:
    """An expense that is entered is listed, and stored.  If red: docs/runbook.md#browser-broken."""
    amount, note = "12.34", f"rollback check {secrets.token_hex(4)}"
    with traveller.journey("adding an expense", scored):
        site = traveller.enters()
        traveller.owes(lambda api: api.delete_expenses(note))
        listed = site.add_expense(amount, note)
        stored = [str(row.get("amount", amount)) for row in traveller.api().expenses_noted(note) or []]
        undeleted = traveller.clears(lambda api: api.delete_expenses(note)) if stored else ""

        assert (wrong := not_as_entered(amount, listed, stored, note=note)) == "", wrong
        assert undeleted == "", undeleted


@pytest.mark.decision
@pytest.mark.writes
@pytest.mark.criterion("DUR-4", "CR-2")
@pytest.mark.elements("distance_unit", "save", "saved")
def test_setting_is_kept(traveller: Traveller, scored: Scored) -> None:
    """A setting that is changed is found changed after a reload.  If red: docs/runbook.md#browser-broken."""
    with traveller.journey("changing a setting", scored):
        site = traveller.enters()
        traveller.owes_settings({"distance_unit": site.open_settings()})
        wanted = site.other_unit()
        found = site.open_settings()

        told = f"the unit of distances was set to {wanted!r} and saved; after a reload it is {found!r}"
        assert found == wanted != "", told


@pytest.mark.decision
@pytest.mark.writes
@pytest.mark.criterion("DUR-4", "CR-2")
@pytest.mark.elements("plan_trip", "message")
def test_trip_is_planned(returning_traveller: Traveller, scored: Scored) -> None:
    """A trip is chosen, and PAM answers about it.  If red: docs/runbook.md#browser-broken."""
    with returning_traveller.journey("planning a trip", scored):
        site = returning_traveller.enters()
        assert site.open_trips() > 0, "the page of trips has none"
        site.choose_trip()
        answer = site.ask(f"{site.written()} ({secrets.token_hex(4)})")

        assert answer, "PAM gave no answer about the trip"


@pytest.mark.criterion("RPO-3", "DUR-4")
@pytest.mark.elements("message")
def test_lost_session_is_renewed(
    lost_sessions: Measured | None, returning_traveller: Traveller, scored: Scored, known: Judge
) -> None:
    """A user who was signed out, or whose session may be lost, can sign in again.  If red: docs/runbook.md#sessions-lost."""
    renewed = known(scored(returning_traveller.loses_session()))

    assert lost_sessions is None or lost_sessions.number == 0, lost_sessions
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
    pages = onlooker.environment.pages
    with onlooker.journey("what is shown without an account", scored):
        site = onlooker.opens_site()
        shown = {path: shortcoming_of_rendered(site.rendered(path)) for path in (pages.home, pages.login)}

        assert set(shown.values()) == {""}, "; ".join(f"{path}: {wrong}" for path, wrong in shown.items() if wrong)


@pytest.mark.criterion("SC-5")
def test_new_visitor_gets_the_release(visitor: Visitor, expected_releases: ExpectedReleases, scored: Scored) -> None:
    """Page, scripts and styles are those of the expected release.  If red: docs/runbook.md#frontend-rollback."""
    with visitor.journey("what a new visitor gets", scored) as way:
        served = visitor.is_served(returning=False)
        wanted = expected_releases.frontend or served.manifest_release

        told = f"{served.releases}, expected {expected_releases.frontend or 'both to be the same'}"
        assert served.page_release == served.manifest_release == wanted != "", told
        assert served.files, "the browser got no script and no style, so nothing is known"
        assert not served.differing, served.differing
        way.found = f"{len(served.files)} files of release {wanted}"


@pytest.mark.criterion("SC-5")
def test_returning_visitor_gets_the_release(
    visitor: Visitor, expected_releases: ExpectedReleases, scored: Scored
) -> None:
    """No cache and no service worker brings another release back.  If red: docs/runbook.md#frontend-rollback."""
    with visitor.journey("what a returning visitor gets", scored) as way:
        served = visitor.is_served(returning=True)
        wanted = expected_releases.frontend or served.manifest_release

        told = f"{served.releases}, expected {expected_releases.frontend or 'both to be the same'}"
        assert served.page_release == served.manifest_release == wanted != "", told
        assert served.files, "the browser got no script and no style, so nothing is known"
        assert not served.differing, served.differing
        way.found = f"{len(served.files)} files of release {wanted}"
