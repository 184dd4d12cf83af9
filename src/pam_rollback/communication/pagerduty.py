"""Rings whoever is on call through PagerDuty's Events API v2, and puts a rollback on record as a change.

Contract: POST of JSON to ``/v2/enqueue`` and ``/v2/change/enqueue``; accepted is 202. Events with the same ``dedup_key`` are one alert,
which is why an event may be sent again after 429 and 5xx. About 120 events a minute for each key.
"""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pam_rollback.base.answer import Answer
from pam_rollback.base.outside_text import cut, for_message
from pam_rollback.communication.delivery import TURNED_AWAY, UNWELL, deliver
from pam_rollback.communication.escalation import Severity
from pam_rollback.outside.http import fetch

_SUMMARY_CHARACTERS = 1024
_KEY_CHARACTERS = 255
_HINTS: dict[int | None, str] = {
    HTTPStatus.BAD_REQUEST: "the event is malformed or the routing key is none: check its variable",
    HTTPStatus.FORBIDDEN: "the routing key may not send events: check its variable",
    HTTPStatus.TOO_MANY_REQUESTS: "too many events for this key",
}


@dataclass(frozen=True)
class PagerDutyEvents:
    """One integration. Its routing key is a secret. Nothing here raises: each call gives "" or why the event was not accepted."""

    api_url: str
    routing_key: str = field(repr=False)
    source: str = "pam-rollback-suite"
    deadline_s: float = 5.0

    def trigger(self, dedup_key: str, summary: str, *, severity: Severity, link: str = "") -> str:
        """Open the alert of this key, or add to it when it is open."""
        payload = {
            "summary": cut(for_message(summary), _SUMMARY_CHARACTERS, sign=""),
            "source": self.source,
            "severity": severity,
        }
        links = [{"href": link, "text": "the run"}] if link else []
        return self._event("trigger", dedup_key, payload=payload, **({"links": links} if links else {}))

    def acknowledge(self, dedup_key: str) -> str:
        """Say that somebody works on it."""
        return self._event("acknowledge", dedup_key)

    def resolve(self, dedup_key: str) -> str:
        """Close the alert."""
        return self._event("resolve", dedup_key)

    def record_change(self, summary: str, *, at: str, link: str = "") -> str:
        """Put a change on record beside the alerts. ``at`` is a moment in ISO 8601. Sent once: changes are not told apart."""
        body: dict[str, Any] = {
            "routing_key": self.routing_key,
            "payload": {
                "summary": cut(for_message(summary), _SUMMARY_CHARACTERS, sign=""),
                "source": self.source,
                "timestamp": at,
            },
        }
        if link:
            body["links"] = [{"href": link, "text": "the run"}]
        return self._send("/v2/change/enqueue", body, repeat=TURNED_AWAY)

    def _event(self, action: str, dedup_key: str, **more: Any) -> str:
        body = {
            "routing_key": self.routing_key,
            "event_action": action,
            "dedup_key": cut(dedup_key, _KEY_CHARACTERS, sign=""),
            **more,
        }
        return self._send("/v2/enqueue", body, repeat=TURNED_AWAY | UNWELL)

    def _send(self, path: str, body: dict[str, Any], *, repeat: frozenset[int]) -> str:
        answer = deliver(
            lambda left_s: fetch(self.api_url + path, method="POST", json=body, deadline_s=left_s),
            deadline_s=self.deadline_s,
            repeat=repeat,
        )
        return _problem(answer)


def _problem(answer: Answer) -> str:
    if answer.problem:
        return f"PagerDuty: {answer.problem}"
    if answer.http_status == HTTPStatus.ACCEPTED:
        return ""
    hint = _HINTS.get(answer.http_status, "")
    return f"PagerDuty did not accept the event: HTTP {answer.http_status} {answer.text!r}{hint and '; '}{hint}"
