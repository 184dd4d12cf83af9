"""A rollback never waits for what it can do without. In a whole session: test_lost_terminal.py."""

import socket
import threading

import pytest

from pam_rollback.notify.slack import SlackWebhook


def test_a_resolver_that_hangs_is_given_up_with_its_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of the channel is looked up for as long as the resolver likes; the message is given up at its deadline."""
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait(60))

    problem = SlackWebhook("https://hooks.slack.invalid/services/T1/B1/secret", deadline_s=0.3).post(
        "PAM is rolled back"
    )

    assert not answered.is_set()
    assert problem.startswith("Slack: no connection within 0.")
    answered.set()
