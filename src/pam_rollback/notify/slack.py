"""Tells the team through a Slack incoming webhook, or as a bot that may answer in a thread.

A webhook's contract: POST of JSON with ``text``; accepted is HTTP 200 with the plain text ``ok``; errors are plain text (Slack's incoming
webhooks). One message a second, short bursts; beyond that 429 with ``Retry-After``.

A bot's: ``chat.postMessage`` with ``channel``, ``text`` and ``thread_ts`` answers HTTP 200 with JSON, ``ok`` and ``ts`` or ``error``. A
webhook tells nobody the ``ts`` of its message, so it can open no thread.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import ActionFailed
from pam_rollback.core.outside_text import for_message, redacted
from pam_rollback.http.client import deliver, fetch
from pam_rollback.target.environment import Environment


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


@dataclass(frozen=True)
class SlackBot:
    """A bot in one channel. Its token is a secret, so it is not part of the repr."""

    api_url: str
    token: str = field(repr=False)
    channel: str
    deadline_s: float = 5.0

    def say(self, text: str, thread: str = "") -> tuple[str, str]:
        """Send the text, into a thread where one is given; gives the thread that it is in, and why it was not taken. Never raises."""
        body = {"channel": self.channel, "text": _escaped(text), "unfurl_links": False}
        body |= {"thread_ts": thread} if thread else {}
        answer = deliver(lambda left_s: self._ask("chat.postMessage", body, left_s), deadline_s=self.deadline_s)
        said, problem = _told(answer)
        ts = said.get("ts")
        if not problem and not (isinstance(ts, str) and ts):
            problem = f"Slack: expected the message's ts, found {for_message(redacted(answer.text))}"
        return ("", problem) if problem else (thread or str(ts), "")

    def alive(self) -> str:
        """Whether the token is taken; nothing is posted. Raises ActionFailed when not."""
        said, problem = _told(self._ask("auth.test", {}, self.deadline_s))
        if problem:
            raise ActionFailed(problem)
        return f"the bot {said.get('user', '?')} may speak in {said.get('team', '?')}"

    def _ask(self, method: str, body: Mapping[str, object], deadline_s: float) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}"}
        return fetch(f"{self.api_url}/{method}", method="POST", json=body, headers=headers, deadline_s=deadline_s)


_ADVICE = {
    "invalid_auth": "renew the token of [secrets] slack_token_env",
    "token_revoked": "renew the token of [secrets] slack_token_env",
    "token_expired": "renew the token of [secrets] slack_token_env",
    "missing_scope": "give the bot chat:write",
    "not_in_channel": "invite the bot into the channel",
    "channel_not_found": "is [slack] channel the channel's id, and the bot in it?",
    "is_archived": "the channel is archived: set another [slack] channel",
}


def _told(answer: Answer) -> tuple[Mapping[str, object], str]:
    """The document of a good answer, and why it is none."""
    if answer.problem:
        return {}, f"Slack: {answer.problem}"
    said = answer.json
    if answer.http_status != HTTPStatus.OK or not isinstance(said, dict):
        return {}, f"Slack did not accept the message: {_briefly(answer)}"
    if said.get("ok") is True:
        return said, ""
    error = for_message(redacted(str(said.get("error", "no error is named"))))
    return {}, f"Slack did not accept the message: {error}; {_ADVICE.get(error, 'see its documentation of that error')}"


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


@dataclass(frozen=True)
class TeamChannel:
    """One environment's. What the bot cannot say the webhook says: a message outside of its thread is better than none."""

    webhook: SlackWebhook
    bot: SlackBot | None = None

    def post(self, text: str) -> str:
        """Send the text, in no thread; gives why not."""
        return self.tell(text)[1]

    def tell(self, text: str, thread: str = "") -> tuple[str, str]:
        """Send the text; gives the thread that it is in, empty where there is none, and why it was not taken. Never raises."""
        if self.bot is None:
            return "", self.webhook.post(text)
        there, problem = self.bot.say(text, thread)
        if not problem:
            return there, ""
        fallen_back = self.webhook.post(text)
        return "", f"{problem}; {fallen_back}" if fallen_back else ""


def team_channel(environment: Environment) -> TeamChannel | None:
    """None where the environment declares no channel. A bot without its token is none: nothing waits for it."""
    if "slack" not in environment.abilities:
        return None
    return TeamChannel(SlackWebhook(environment.secret("slack_webhook")), bot_of(environment))


def bot_of(environment: Environment) -> SlackBot | None:
    """None where nobody may open threads."""
    if environment.slack is None or not environment.has_secret("slack_token"):
        return None
    return SlackBot(environment.slack.api_url, environment.secret("slack_token"), environment.slack.channel)
