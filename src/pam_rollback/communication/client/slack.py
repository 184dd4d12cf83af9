"""Tells the team through a Slack incoming webhook.

Contract: POST of JSON with ``text``; accepted is HTTP 200 with the plain text ``ok``; errors are plain text (Slack's incoming webhooks).
One message a second, short bursts; beyond that 429 with ``Retry-After``.
"""

from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from pam_rollback.base.answer import Answer
from pam_rollback.base.errors import ActionFailed
from pam_rollback.base.outside_text import for_message, redacted
from pam_rollback.communication.client.delivery import deliver
from pam_rollback.outside.http import fetch


@dataclass(frozen=True)
class SlackWebhook:
    """One channel's webhook. Its URL is a secret, so it is not part of the repr."""

    url: str = field(repr=False)
    deadline_s: float = 5.0

    def post(self, text: str) -> str:
        """Send the text; gives an empty string when Slack accepted it, else why not. Never raises: a message never changes a verdict."""
        answer = deliver(
            lambda left_s: fetch(self.url, method="POST", json={"text": _escaped(text)}, deadline_s=left_s),
            deadline_s=self.deadline_s,
        )
        if answer.problem:
            return f"Slack: {answer.problem}"
        if answer.http_status == HTTPStatus.OK and answer.text == "ok":
            return ""
        return f"Slack did not accept the message: HTTP {answer.http_status} {answer.text!r}; check the webhook's channel and the variable"


def webhook_alive(url: str, *, deadline_s: float) -> str:
    """The webhook looks like one and refuses a message without a text, so nothing is posted. Raises ActionFailed when not."""
    parts = urlsplit(url)
    if not parts.path.startswith("/services/") or len([part for part in parts.path.split("/") if part]) != 4:  # noqa: PLR2004 - services, team, app, secret
        raise ActionFailed("the webhook is not of the form https://hooks.slack.com/services/T…/B…/… (value not shown)")
    answer = fetch(url, method="POST", json={}, deadline_s=deadline_s)
    if answer.http_status == HTTPStatus.BAD_REQUEST and answer.text in {"no_text", "invalid_payload"}:
        return "the incident channel's webhook is alive"
    raise ActionFailed(
        f"Slack: expected HTTP 400 no_text for an empty message, found {answer.problem or _briefly(answer)}"
    )


def _briefly(answer: Answer) -> str:
    """Without the address, which is a secret."""
    return f"HTTP {answer.http_status} {answer.text!r}"


def _escaped(text: str) -> str:
    """Text as Slack shows it: what would be a mention, a call to everybody or a link stays text (Slack's "Formatting text")."""
    return for_message(redacted(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
