"""Writes on the public status page through Statuspage's API.

Contract: POST ``/pages/{page}/incidents`` (201), PATCH ``…/incidents/{id}`` (200), ``Authorization: OAuth KEY``, bodies below
``incident``; one request a second for each key, beyond that 420 or 429. An incident is not known again, so only what was turned away for
its rate is repeated.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

from pam_rollback.base.answer import Answer
from pam_rollback.base.outside_text import cut, for_message
from pam_rollback.communication.delivery import deliver
from pam_rollback.outside.http import fetch

Status = Literal["investigating", "identified", "monitoring", "resolved"]
_NAME_CHARACTERS = 255
_BODY_CHARACTERS = 25_000
_HINTS: dict[int | None, str] = {
    HTTPStatus.UNAUTHORIZED: "the API key is not valid: check its variable",
    HTTPStatus.FORBIDDEN: "the API key may not write on this page",
    HTTPStatus.NOT_FOUND: "there is no such page or incident: check [statuspage] page_id",
    420: "too many requests for this key",
    HTTPStatus.TOO_MANY_REQUESTS: "too many requests for this key",
}


@dataclass(frozen=True)
class StatusPageApi:
    """One page. ``deliver_notifications`` is whether its subscribers get mail. Nothing here raises: "" or why it was not accepted."""

    api_url: str
    page_id: str
    api_key: str = field(repr=False)
    deliver_notifications: bool = False
    deadline_s: float = 5.0

    def tell(self, name: str, body: str, *, status: Status) -> str:
        """Have the page show this: the open incident of that name goes on, or a new one begins. What is over is not begun anew."""
        found, problem = self._open(name)
        if problem:
            return problem
        if found is not None:
            return self._update(found, body, status=status)
        return "" if status == "resolved" else self._create(name, body, status=status)

    def _create(self, name: str, body: str, *, status: Status) -> str:
        incident = {"name": _title(name), "impact_override": "major", **self._news(body, status)}
        return _problem(self._ask("POST", "/incidents", {"incident": incident}), HTTPStatus.CREATED)

    def _update(self, incident_id: str, body: str, *, status: Status) -> str:
        answer = self._ask("PATCH", f"/incidents/{incident_id}", {"incident": self._news(body, status)})
        return _problem(answer, HTTPStatus.OK)

    def _news(self, body: str, status: Status) -> dict[str, Any]:
        return {
            "status": status,
            "body": cut(for_message(body), _BODY_CHARACTERS, sign=""),
            "deliver_notifications": self.deliver_notifications,
        }

    def _open(self, name: str) -> tuple[str | None, str]:
        """The id of the unresolved incident of that name, and why it is not known."""
        answer = self._ask("GET", "/incidents/unresolved")
        problem = _problem(answer, HTTPStatus.OK)
        if problem:
            return None, problem
        try:
            named = [str(one["id"]) for one in answer.json if one["name"] == _title(name)]
        except (TypeError, KeyError):
            return None, f"Statuspage: expected a list of incidents, found {answer.text!r}"
        return next(iter(named), None), ""

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        return deliver(
            lambda left_s: fetch(
                f"{self.api_url}/pages/{self.page_id}{path}",
                method=method,
                headers={"Authorization": f"OAuth {self.api_key}"},
                json=body,
                deadline_s=left_s,
            ),
            deadline_s=self.deadline_s,
        )


def _problem(answer: Answer, expected: HTTPStatus) -> str:
    if answer.problem:
        return f"Statuspage: {answer.problem}"
    if answer.http_status == expected:
        return ""
    hint = _HINTS.get(answer.http_status, "")
    return f"Statuspage did not accept it: HTTP {answer.http_status} {answer.text!r}{hint and '; '}{hint}"


def _title(name: str) -> str:
    return cut(for_message(name), _NAME_CHARACTERS, sign="")
