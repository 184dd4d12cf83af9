"""What a service wrote to its log, as Render keeps it (``GET /logs``), page by page and no further than a limit.

Contract: https://api-docs.render.com (List logs): pages of 100 lines at most; while ``hasMore``, ``nextStartTime`` and ``nextEndTime`` lead
on.
"""

from datetime import UTC, datetime

from pam_rollback.environment.hosts import Render
from pam_rollback.outside.provider import ProviderApi
from pam_rollback.rollback.rules.deploys import Logs

_PAGE = 100
_PAGES_MAX = 50


def read_logs(api: ProviderApi, settings: Render, *, since: datetime, until: datetime) -> Logs:
    """Everything between the two moments. Raises ProviderError."""
    operation = f"the logs of {settings.service_id}"
    owner = settings.owner_id
    if not owner:
        told = api.ask_told(operation, f"/services/{settings.service_id}", "a service")
        owner = told.text("ownerId")
    start, end, lines = _moment(since), _moment(until), dict[str, str]()
    for _ in range(_PAGES_MAX):
        query = (
            ("ownerId", owner),
            ("resource", settings.service_id),
            ("startTime", start),
            ("endTime", end),
            ("direction", "forward"),
            ("limit", str(_PAGE)),
        )
        page = api.ask_told(operation, "/logs", "a page of logs", query=query)
        logs = page.document.get("logs")
        if not isinstance(logs, list):
            raise page.complaint("expected a list of logs", logs)
        for line in logs:
            if not isinstance(line, dict):
                raise page.complaint("expected a line with its time and message", line)
            # The next page may begin with the last line of this one.
            lines[str(line.get("id"))] = f"{line.get('timestamp')} {line.get('message')}"
        if not page.truth("hasMore"):
            return Logs(tuple(lines.values()), more=False)
        following = (page.text("nextStartTime"), page.text("nextEndTime"))
        if following == (start, end):
            raise page.complaint("expected another time on each page", following)
        start, end = following
    return Logs(tuple(lines.values()), more=True)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
