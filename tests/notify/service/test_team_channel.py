"""All that the team hears of one rollback is in one thread, from whichever machine; without a bot the webhook tells it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.notify import channels
from pam_rollback.notify.channels import Channels
from pam_rollback.notify.escalating import Message
from pam_rollback.notify.slack import SlackBot, SlackWebhook, TeamChannel
from pam_rollback.rollback.journal import Journal
from tests.scripted_provider import serving


class Slack:
    """What the bot posts, and what comes through the webhook."""

    def __init__(self) -> None:
        self.broken = ""
        self.posted: list[Any] = []

    def answer(self, _method: str, headers: dict[str, str]) -> tuple[int, str]:
        """The webhook has no token."""
        if "authorization" not in headers:
            return 200, "ok"
        return 200, json.dumps({"ok": False, "error": self.broken} if self.broken else {"ok": True, "ts": "17.1"})

    @property
    def heard(self) -> list[tuple[str, str]]:
        """Text and thread; the webhook's are in none."""
        return [(one["text"], one.get("thread_ts", "" if "channel" in one else "webhook")) for one in self.posted]


@pytest.fixture
def slack() -> Iterator[tuple[Slack, TeamChannel]]:
    """A workspace, and the team's channel in it."""
    made = Slack()
    with serving(made.answer, kind="application/json; charset=utf-8") as (url, posted):
        made.posted = posted
        yield made, TeamChannel(SlackWebhook(f"{url}/services/T/B/x"), SlackBot(url, "xoxb", "C0123ABCD"))


def message(text: str) -> Message:
    """Of one rollback."""
    return Message("EM-1", "title", text, "run-1", drill=False)


def test_a_rollback_and_its_undo_elsewhere_are_one_thread(
    tmp_path: Path, slack: tuple[Slack, TeamChannel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the journal, which the other machine has."""
    made, channel = slack
    monkeypatch.setattr(channels, "team_channel", lambda _environment: channel)
    environment: Any = type("E", (), {"abilities": frozenset({"slack"})})()
    path = tmp_path / "journal.jsonl"
    send = Channels(environment, Journal(path)).by_means()["slack"]
    assert [send(message(text)) for text in ("begun", "GO")] == ["", ""]
    assert Channels(environment, Journal(path)).by_means()["slack"](message("UNDONE")) == ""

    assert made.heard == [("begun", ""), ("GO", "17.1"), ("UNDONE", "17.1")]


def test_what_the_bot_cannot_say_the_webhook_says(slack: tuple[Slack, TeamChannel]) -> None:
    """Outside of the thread, and told as done; where neither can, both reasons are told."""
    made, channel = slack
    made.broken = "token_revoked"

    assert channel.tell("text", "17.1") == ("", "")
    assert made.heard == [("text", "17.1"), ("text", "webhook")]
    dead = TeamChannel(SlackWebhook("http://127.0.0.1:9/services/T/B/x"), channel.bot)
    thread, problem = dead.tell("text")
    assert thread == ""
    assert "renew the token" in problem
    assert "Slack: " in problem.partition("; ")[2]
