"""Would somebody be told?  Reads only: asks the environment's Prometheus what it has loaded, whom it tells, and what it sees."""

import pytest

from pam_rollback.core.figures import Measured, Scored

pytestmark = [pytest.mark.readiness]


@pytest.mark.criterion("PM-7")
def test_alerts_are_those_of_the_plan(alerts_loaded: Measured, scored: Scored) -> None:
    """No rule of the plan is missing, cannot be evaluated, or is another one.  If red: docs/runbook.md#prevention-monitoring."""
    wrong = scored(alerts_loaded)

    assert wrong.number == 0, wrong


@pytest.mark.criterion("PM-7")
def test_alerts_are_sent_on(alert_receivers: Measured, scored: Scored) -> None:
    """An alert that fires is handed to one Alertmanager at least.  If red: docs/runbook.md#prevention-monitoring."""
    receivers = scored(alert_receivers)

    assert receivers.number >= 1, receivers


@pytest.mark.criterion("PM-6")
def test_users_are_watched(users_watched: Measured, scored: Scored) -> None:
    """All three are scraped right now: errors, response times and memory.  If red: docs/runbook.md#prevention-monitoring."""
    scraped = scored(users_watched)

    assert scraped.number == 3, scraped


@pytest.mark.criterion("PM-8")
def test_health_is_watched(health_watched: Measured, scored: Scored) -> None:
    """One series says all the time whether the product answers.  If red: docs/runbook.md#prevention-monitoring."""
    scraped = scored(health_watched)

    assert scraped.number == 1, scraped
