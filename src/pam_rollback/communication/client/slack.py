"""Tells the team through a Slack incoming webhook.

Contract: POST of JSON with ``text``; accepted is HTTP 200 with the plain text ``ok``; errors are plain text (Slack's incoming webhooks).
One message a second, short bursts; beyond that 429 with ``Retry-After``.
"""

from dataclasses import dataclass, field
from http import HTTPStatus

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


def _escaped(text: str) -> str:
    """Text as Slack shows it: what would be a mention, a call to everybody or a link stays text (Slack's "Formatting text")."""
    return for_message(redacted(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
