"""The public status page of the sandbox: answers as Atlassian Statuspage's public API (v2) does, and shows a page to people.

Shapes and words are those of that API: ``status.indicator`` is none, minor, major, critical or maintenance; an incident is investigating,
identified, monitoring, resolved or postmortem, with an impact of none, minor, major or critical. Moments carry milliseconds and a zone.
The board is apart from what serves it, so that an API for posting can be put in front of the same board.
"""

import html
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web

from pam_rollback.sandbox.faults import PlantedFaults
from pam_rollback.sandbox.problems import SandboxError

DESCRIPTIONS: Mapping[str, str] = {
    "none": "All Systems Operational",
    "minor": "Partially Degraded Service",
    "major": "Partial System Outage",
    "critical": "Major Service Outage",
    "maintenance": "Service Under Maintenance",
}
STATUSES = ("investigating", "identified", "monitoring", "resolved", "postmortem")
IMPACTS = ("none", "minor", "major", "critical")
_RESOLVED = frozenset({"resolved", "postmortem"})
_LONGEST_NAME = 255
_COMPONENTS = ("Website", "PAM API", "Voice")
_COMPONENT_STATUS = {
    "none": "operational",
    "minor": "degraded_performance",
    "major": "partial_outage",
    "critical": "major_outage",
    "maintenance": "under_maintenance",
}
_BODIES = {
    "investigating": "We are looking into reports of trouble with PAM.",
    "identified": "The cause is known and is being taken back.",
    "monitoring": "The cause was taken back. We keep watching.",
    "resolved": "This is over.",
    "postmortem": "What happened, and what we do about it.",
}
_LIE = {
    "major-outage": ("critical", "PAM does not answer", "investigating", "critical"),
    "all-operational": ("none", "", "", ""),
}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _new_id() -> str:
    return secrets.token_hex(6)


@dataclass
class Incident:
    """One incident with its updates, the newest first."""

    name: str
    impact: str
    id: str = field(default_factory=_new_id)
    started_at: str = field(default_factory=_now)
    updates: list[dict[str, Any]] = field(default_factory=list)
    moments: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """The status of the newest update."""
        return str(self.updates[0]["status"])

    @property
    def is_resolved(self) -> bool:
        """It is told as history."""
        return self.status in _RESOLVED

    def update(self, status: str, body: str = "") -> None:
        """Say how it goes on."""
        now = _now()
        self.moments.setdefault(status, now)
        self.updates.insert(
            0,
            {
                "id": _new_id(),
                "status": status,
                "body": body or _BODIES[status],
                "incident_id": self.id,
                "created_at": now,
                "updated_at": now,
                "display_at": now,
                "affected_components": None,
                "deliver_notifications": False,
                "custom_tweet": None,
                "tweet_id": None,
            },
        )

    def as_json(self, page_id: str, url: str) -> dict[str, Any]:
        """As the public API shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "created_at": self.started_at,
            "updated_at": self.updates[0]["updated_at"],
            "monitoring_at": self.moments.get("monitoring"),
            "resolved_at": self.moments.get("resolved"),
            "impact": self.impact,
            "shortlink": f"{url}/incidents/{self.id}",
            "started_at": self.started_at,
            "page_id": page_id,
            "incident_updates": list(self.updates),
            "components": [],
            "reminder_intervals": None,
        }


class StatusBoard:
    """What the page says: one headline and the incidents. Healthy from the start."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.page_id = _new_id()
        self.indicator = "none"
        self.incidents: list[Incident] = []
        self.updated_at = _now()

    def set(self, indicator: str, incident: Mapping[str, object] | None) -> None:
        """Replace everything that the page says. Raises SandboxError, and nothing is changed, for a word that no status page has."""
        new = None if incident is None else _read_incident(incident)
        if indicator not in DESCRIPTIONS:
            raise SandboxError("status page: indicator", expected=" or ".join(DESCRIPTIONS), found=repr(indicator))
        self.indicator = indicator
        self.incidents = [] if new is None else [new]
        self.updated_at = _now()

    @property
    def unresolved(self) -> list[Incident]:
        """The incidents that go on."""
        return [incident for incident in self.incidents if not incident.is_resolved]


class StatusPage:
    """Serves a board. A planted fault makes it lie, or silent."""

    def __init__(self, faults: PlantedFaults, *, url: str) -> None:
        self._faults = faults
        self.board = StatusBoard(url)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request to the page's address."""
        if self._faults.named("status-page-down"):
            return web.Response(
                text="<html><body><h1>503 Service Unavailable</h1></body></html>",
                status=HTTPStatus.SERVICE_UNAVAILABLE,
                content_type="text/html",
            )
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD"})
        board = self._board
        documents: Mapping[str, Callable[[StatusBoard], dict[str, Any]]] = {
            "/api/v2/summary.json": _summary,
            "/api/v2/status.json": _status,
            "/api/v2/components.json": _components,
            "/api/v2/incidents.json": _all_incidents,
            "/api/v2/incidents/unresolved.json": _unresolved,
            "/api/v2/scheduled-maintenances.json": _maintenances,
            "/api/v2/scheduled-maintenances/active.json": _maintenances,
            "/api/v2/scheduled-maintenances/upcoming.json": _maintenances,
        }
        document = documents.get(request.path)
        if document is not None:
            # Anybody's page may ask, and a status that is a minute old is no status.
            headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "max-age=0, private, must-revalidate"}
            return web.json_response(document(board), headers=headers)
        if request.path == "/":
            return web.Response(text=_page(board), content_type="text/html")
        return web.Response(text="<h1>Not found</h1>", content_type="text/html", status=HTTPStatus.NOT_FOUND)

    @property
    def _board(self) -> StatusBoard:
        lies = self._faults.named("status-page-lies")
        if not lies:
            return self.board
        indicator, name, status, impact = _LIE[str(lies[0].settings["claims"])]
        told = StatusBoard(self.board.url)
        told.set(indicator, {"name": name, "status": status, "impact": impact} if name else None)
        return told


def _read_incident(given: Mapping[str, object]) -> Incident:
    name, status, impact = given.get("name"), given.get("status", "investigating"), given.get("impact", "minor")
    problems = [f"{key!r} is not known" for key in given if key not in {"name", "status", "impact"}]
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        problems.append(f"name is {name!r}")
    if status not in STATUSES:
        problems.append(f"status is {status!r}")
    if impact not in IMPACTS:
        problems.append(f"impact is {impact!r}")
    if problems:
        expected = (
            f"name (1 to {_LONGEST_NAME} characters), status ({'|'.join(STATUSES)}), impact ({'|'.join(IMPACTS)})"
        )
        raise SandboxError("status page: incident", expected=expected, found="; ".join(problems))
    incident = Incident(name=str(name), impact=str(impact))
    incident.update(str(status))
    return incident


def _head(board: StatusBoard) -> dict[str, Any]:
    return {
        "page": {
            "id": board.page_id,
            "name": "Wheels & Wins",
            "url": board.url,
            "time_zone": "Etc/UTC",
            "updated_at": board.updated_at,
        }
    }


def _headline(board: StatusBoard) -> dict[str, Any]:
    return {"status": {"indicator": board.indicator, "description": DESCRIPTIONS[board.indicator]}}


def _parts(board: StatusBoard) -> dict[str, Any]:
    return {
        "components": [
            {
                "id": f"{board.page_id}{position}",
                "name": name,
                "status": _COMPONENT_STATUS[board.indicator],
                "created_at": board.updated_at,
                "updated_at": board.updated_at,
                "position": position,
                "description": None,
                "showcase": True,
                "start_date": None,
                "group_id": None,
                "page_id": board.page_id,
                "group": False,
                "only_show_if_degraded": False,
            }
            for position, name in enumerate(_COMPONENTS, start=1)
        ]
    }


def _incidents_of(board: StatusBoard, incidents: list[Incident]) -> dict[str, Any]:
    return {"incidents": [incident.as_json(board.page_id, board.url) for incident in incidents]}


def _summary(board: StatusBoard) -> dict[str, Any]:
    going_on = _incidents_of(board, board.unresolved)
    return {**_head(board), **_parts(board), **going_on, "scheduled_maintenances": [], **_headline(board)}


def _status(board: StatusBoard) -> dict[str, Any]:
    return {**_head(board), **_headline(board)}


def _components(board: StatusBoard) -> dict[str, Any]:
    return {**_head(board), **_parts(board)}


def _all_incidents(board: StatusBoard) -> dict[str, Any]:
    return {**_head(board), **_incidents_of(board, board.incidents)}


def _unresolved(board: StatusBoard) -> dict[str, Any]:
    return {**_head(board), **_incidents_of(board, board.unresolved)}


def _maintenances(board: StatusBoard) -> dict[str, Any]:
    return {**_head(board), "scheduled_maintenances": []}


def _page(board: StatusBoard) -> str:
    shown = "".join(
        f"<article><h2>{html.escape(incident.name)}</h2><p><strong>{incident.status.title()}</strong> "
        f"{html.escape(str(incident.updates[0]['body']))}</p></article>"
        for incident in board.unresolved
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Wheels &amp; Wins Status</title></head>'
        f"<body><main><h1>Wheels &amp; Wins Status</h1><p>{DESCRIPTIONS[board.indicator]}</p>"
        f"{shown or '<p>No incidents reported.</p>'}</main></body></html>"
    )
