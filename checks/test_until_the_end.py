"""Does everything still work when the window is over?  Writes as the test account only, and clears it away."""

import pytest

from pam_rollback.browser.traveller import Traveller
from pam_rollback.core.figures import Scored
from pam_rollback.probe.until_the_end import HeldHealth, WindowWrites
from pam_rollback.target.known_before import Judge

pytestmark = [pytest.mark.post_rollback, pytest.mark.window]


@pytest.mark.writes
@pytest.mark.criterion("SC-1")
def test_writes_and_chat_work_until_the_end(held_writes: WindowWrites, scored: Scored) -> None:
    """PAM answers and keeps what is written, in the whole window and after it.  If red: docs/runbook.md#error-rate."""
    writes = scored(held_writes)

    assert writes.work, writes


@pytest.mark.criterion("SC-1")
def test_every_part_is_healthy_when_the_window_is_over(held_health: HeldHealth, scored: Scored, known: Judge) -> None:
    """Each component and the front page are as well as at the beginning.  If red: docs/runbook.md#error-rate."""
    health = known(scored(held_health))

    assert health.ill == [], health


@pytest.mark.writes
@pytest.mark.criterion("SC-1", "SC-5")
@pytest.mark.elements("message")
def test_people_reach_pam_when_the_window_is_over(
    window_over: None, returning_traveller: Traveller, scored: Scored
) -> None:
    """Signing in, the pages and a question to PAM work in a browser, once more.  If red: docs/runbook.md#browser-broken."""
    with returning_traveller.journey("signing in and asking PAM", scored):
        talk = returning_traveller.asks_pam()

        assert talk.answer, "PAM gave no answer"
        assert talk.shown_again is not False, "question and answer are gone after a reload of the page"
        assert talk.stored is not False, "the page shows the answer, the API's history does not have it"
