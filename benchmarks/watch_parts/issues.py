"""What listens to the watches that are measured: each incident becomes an issue, by the suite's own client of a tracker.

A plugin, since the sandbox's environment takes no tracker elsewhere. ``ISSUES_AT``: the stand-in's address.
"""

import os
from typing import TYPE_CHECKING

from pam_rollback.environment.channel_settings import Tracker
from pam_rollback.tracker.client import github_issues
from pam_rollback.tracker.service import Incidents

if TYPE_CHECKING:
    from pam_rollback.report.watched_incident import WatchedIncident


def _incidents() -> Incidents:
    settings = Tracker.model_validate({"repository": os.environ["ISSUES_OF"], "api_url": os.environ["ISSUES_AT"]})
    return Incidents(github_issues(settings, os.environ["ISSUES_TOKEN"]), "sandbox")


def pytest_pam_incident_opened(incident: "WatchedIncident") -> str:
    """Open it."""
    return _incidents().opened(incident)


def pytest_pam_incident_closed(incident: "WatchedIncident") -> str | None:
    """Close it."""
    return _incidents().closed(incident)
