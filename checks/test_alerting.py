"""Would somebody be told?  Reads only: asks the environment's Prometheus what it has loaded, whom it tells, and what it sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pam_rollback.base.figures import Scored

if TYPE_CHECKING:  # sessions of other phases read this file, too, and need nothing of the slice
    from pam_rollback.alerts.loaded import AlertReceivers, AlertsLoaded, Fed

pytestmark = [pytest.mark.readiness]


@pytest.mark.criterion("PM-7")
def test_alerts_are_those_of_the_plan(alerts_loaded: AlertsLoaded, scored: Scored) -> None:
    """Each rule of the plan is loaded by its name, and is evaluated.  If red: docs/runbook.md#prevention-monitoring."""
    alerts = scored(alerts_loaded)

    assert alerts.there, alerts


@pytest.mark.criterion("PM-7")
def test_alerts_are_sent_on(alert_receivers: AlertReceivers, scored: Scored) -> None:
    """An alert that fires is handed to an Alertmanager.  If red: docs/runbook.md#prevention-monitoring."""
    receivers = scored(alert_receivers)

    assert receivers.some, receivers


@pytest.mark.criterion("PM-6")
def test_users_are_watched(users_watched: Fed, scored: Scored) -> None:
    """Errors, response times and memory are scraped right now.  If red: docs/runbook.md#prevention-monitoring."""
    watched = scored(users_watched)

    assert watched.everything, watched


@pytest.mark.criterion("PM-8")
def test_health_is_watched(health_watched: Fed, scored: Scored) -> None:
    """Whether the product answers is asked all the time.  If red: docs/runbook.md#prevention-monitoring."""
    watched = scored(health_watched)

    assert watched.everything, watched
