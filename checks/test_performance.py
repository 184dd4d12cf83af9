"""Does PAM perform as it should?  Reads only: safe on production; signed in where there is a test account, and sends nothing there."""

import pytest

from pam_rollback.base.figures import Scored
from pam_rollback.environment.known_before import Judge
from pam_rollback.observation.fixtures.experience import Experience
from pam_rollback.records.fixtures.page_loading import FrontPageWeight, MeasuredPage
from pam_rollback.records.fixtures.performance import Memory, Monitored
from pam_rollback.session.time_frames import FirstVerdict

pytestmark = [pytest.mark.post_rollback, pytest.mark.performance]

VISITS = ("first", "return")


@pytest.mark.criterion("MT-2")
def test_few_answers_are_errors(monitored: Monitored, scored: Scored) -> None:
    """The share of wrong or missing answers is below the plan's limit, over enough of them.  If red: docs/runbook.md#error-rate."""
    error_rate = scored(monitored.error_rate)

    assert error_rate.good, error_rate


@pytest.mark.criterion("MT-1")
def test_answers_are_fast(monitored: Monitored, scored: Scored) -> None:
    """95 of 100 answers that users get come within the plan's limit.  If red: docs/runbook.md#response-time."""
    response_time = scored(monitored.response_time)

    assert response_time.good, response_time


@pytest.mark.criterion("MT-3")
def test_memory_is_low(memory: Memory, scored: Scored) -> None:
    """The product's process holds less than the plan's limit in every reading.  If red: docs/runbook.md#memory-high."""
    level = scored(memory.level)

    assert level.low, level


@pytest.mark.criterion("MT-3")
def test_memory_does_not_run_away(memory: Memory, scored: Scored) -> None:
    """At the pace of some seconds memory is not on its way to a rollback; SC-3 judges longer.  If red: docs/runbook.md#memory-high."""
    growth = scored(memory.growth)

    assert growth.settled, growth


@pytest.mark.criterion("SC-5", "MT-1")
def test_answers_are_as_fast_as_before(experience: Experience, scored: Scored) -> None:
    """No journey is noticeably slower than in the baseline.  If red: docs/runbook.md#user-experience."""
    speed = scored(experience.speed)

    assert speed.as_before, speed


@pytest.mark.criterion("SC-5", "MT-2")
def test_no_more_errors_than_before(experience: Experience, scored: Scored) -> None:
    """Users get no more wrong or missing answers than in the baseline.  If red: docs/runbook.md#user-experience."""
    errors = scored(experience.errors)

    assert errors.as_before, errors


@pytest.mark.criterion("WV-1")
@pytest.mark.parametrize("visit", VISITS)
def test_front_page_is_painted_soon(front_page: MeasuredPage, visit: str, scored: Scored, known: Judge) -> None:
    """A new and a returning visitor see the main content in time.  If red: docs/runbook.md#pages-slow."""
    painted = known(scored(front_page.painted(visit)))

    assert painted.good, painted


@pytest.mark.criterion("WV-2")
@pytest.mark.parametrize("visit", VISITS)
def test_front_page_does_not_jump(front_page: MeasuredPage, visit: str, scored: Scored, known: Judge) -> None:
    """What a visitor is about to click stays where it is.  If red: docs/runbook.md#pages-slow."""
    shifted = known(scored(front_page.shifted(visit)))

    assert shifted.good, shifted


@pytest.mark.criterion("WV-3")
def test_front_page_answers_to_keys(front_page: MeasuredPage, scored: Scored, known: Judge) -> None:
    """A key that is pressed shows its effect at once.  If red: docs/runbook.md#pages-slow."""
    answered = known(scored(front_page.answered))

    assert answered.good, answered


@pytest.mark.criterion("WV-1")
@pytest.mark.parametrize("visit", VISITS)
def test_chat_is_painted_soon(chat_page: MeasuredPage, visit: str, scored: Scored, known: Judge) -> None:
    """A signed-in traveller sees the chat in time, with files from the network and from the cache.  If red: docs/runbook.md#pages-slow."""
    painted = known(scored(chat_page.painted(visit)))

    assert painted.good, painted


@pytest.mark.criterion("WV-2")
@pytest.mark.parametrize("visit", VISITS)
def test_chat_does_not_jump(chat_page: MeasuredPage, visit: str, scored: Scored, known: Judge) -> None:
    """The messages and the field below them stay where they are.  If red: docs/runbook.md#pages-slow."""
    shifted = known(scored(chat_page.shifted(visit)))

    assert shifted.good, shifted


@pytest.mark.criterion("WV-3")
def test_chat_answers_to_keys(chat_page: MeasuredPage, scored: Scored, known: Judge) -> None:
    """What is typed to PAM appears as it is typed.  If red: docs/runbook.md#pages-slow."""
    answered = known(scored(chat_page.answered))

    assert answered.good, answered


@pytest.mark.criterion("PW-1")
def test_front_page_is_light(front_page_weight: FrontPageWeight, scored: Scored, known: Judge) -> None:
    """A first visit fetches no more bytes than the budget and the baseline allow.  If red: docs/runbook.md#pages-heavy."""
    megabytes = known(scored(front_page_weight.megabytes))

    assert megabytes.good, megabytes


@pytest.mark.criterion("PW-1")
def test_front_page_asks_for_little(front_page_weight: FrontPageWeight, scored: Scored, known: Judge) -> None:
    """A first visit needs no more requests than the budget and the baseline allow.  If red: docs/runbook.md#pages-heavy."""
    requests = known(scored(front_page_weight.requests))

    assert requests.good, requests


@pytest.mark.advisory
@pytest.mark.criterion("TF-2")
def test_performance_verdict_came_in_time(first_verdict: FirstVerdict, scored: Scored) -> None:
    """The first of these verdicts came in the time that the plan gives it.  If red: docs/runbook.md#checks-late."""
    verdict = scored(first_verdict)

    assert verdict.in_time, verdict
