"""A bot opens a thread and answers in it; whatever Slack says instead is one line that says what to do, without the token."""

import json

import pytest

from pam_rollback.core.errors import ActionFailed
from pam_rollback.notify.slack import SlackBot
from tests.scripted_provider import always, serving

TOKEN = "xoxb-invented-for-these-tests"
JSON = "application/json; charset=utf-8"
GOOD = json.dumps({"ok": True, "ts": "1732.0001", "channel": "C0123ABCD"})


def bot(url: str) -> SlackBot:
    """With little patience."""
    return SlackBot(url, TOKEN, "C0123ABCD", deadline_s=0.6)


def test_the_first_message_opens_the_thread_and_the_next_is_in_it() -> None:
    """With the token in a header, and text that calls nobody."""
    shown: list[str] = []

    def answer(_method: str, headers: dict[str, str]) -> tuple[int, str]:
        shown.append(headers["authorization"])
        return 200, GOOD

    with serving(answer, kind=JSON) as (url, posted):
        assert bot(url).say("Incident <!channel>") == ("1732.0001", "")
        assert bot(url).say("Over", "1700.0002") == ("1700.0002", "")

    assert shown == [f"Bearer {TOKEN}"] * 2
    assert [(one["channel"], one["text"], one.get("thread_ts")) for one in posted] == [
        ("C0123ABCD", "Incident &lt;!channel&gt;", None),
        ("C0123ABCD", "Over", "1700.0002"),
    ]


@pytest.mark.parametrize(
    ("status", "body", "line"),
    [
        (200, '{"ok": false, "error": "invalid_auth"}', "invalid_auth; renew the token of [secrets] slack_token_env"),
        (200, '{"ok": false, "error": "not_in_channel"}', "not_in_channel; invite the bot into the channel"),
        (200, '{"ok": false, "error": "odd_one"}', "odd_one; see its documentation"),
        (200, '{"ok": true}', "expected the message's ts"),
        (200, '{"ok": "yes", "ts": "1"}', "no error is named"),
        (200, "[]", "HTTP 200"),
        (200, "<html>welcome to the hotel</html>", "HTTP 200"),
        (401, GOOD, "HTTP 401"),
    ],
)
def test_what_slack_refuses_is_one_line(status: int, body: str, line: str) -> None:
    """And never a thread."""
    with serving(always(status, body), kind=JSON) as (url, _):
        thread, problem = bot(url).say("text", "1")

    assert thread == ""
    assert line in problem
    assert "\n" not in problem
    assert TOKEN not in problem


def test_a_token_is_tried_without_a_word_to_anybody() -> None:
    """Who it is, and where."""
    with serving(always(200, '{"ok": true, "user": "rollback", "team": "Wheels"}'), kind=JSON) as (url, posted):
        assert bot(url).alive() == "the bot rollback may speak in Wheels"
    assert posted == [{}]
    with (
        serving(always(200, '{"ok": false, "error": "token_revoked"}'), kind=JSON) as (url, _),
        pytest.raises(ActionFailed, match="renew the token"),
    ):
        bot(url).alive()
