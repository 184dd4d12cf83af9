"""A rollback never waits for what it can do without: channels that hang, and a resolver that does not know their names.

Told by the order of events, not by clocks: what hangs is let go only after users are helped. Had the action waited for it, it would have
been given up, or answered, before.
"""

import json
import socket
import threading
from typing import Any

import pytest

from pam_rollback.actions.feature_flag import SWITCH
from pam_rollback.actions.steps import Step, in_order
from pam_rollback.adapters.slack import SlackWebhook
from tests.sessions import ONLY_HEALTH, Project, Range


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about the action."""
    return ONLY_HEALTH


def place(lines: list[dict[str, Any]], **wanted: object) -> int:
    """Where the line with these facts stands in the journal."""
    return next(at for at, line in enumerate(lines) if all(line.get(name) == value for name, value in wanted.items()))


def journal(project: Project) -> list[dict[str, Any]]:
    """Its lines."""
    return [json.loads(line) for line in (project.run_folder / "journal.jsonl").read_text("utf-8").splitlines()]


def test_channels_that_hang_are_given_up_after_users_are_helped(practice_range: Range, project: Project) -> None:
    """The first message is being sent when the first step begins, and its channel is given up when the features are off."""
    for what in ("slack", "pagerduty", "statuspage"):
        practice_range.remote.plant("channel-fails", what=what, how="hangs")

    ended = project.run("drills/test_feature_flag.py", "-m", "rollback", f"--env={practice_range.file}", "--pace=600")

    lines = journal(project)
    begun = place(lines, event="notice-begun", occasion="EM-1", means="slack")
    given_up = place(lines, event="notice", occasion="EM-1", means="slack")
    helped = place(lines, event="step-done", step=SWITCH)
    assert lines[given_up]["problem"], lines[given_up]
    assert begun < helped < given_up, ended.out


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


def test_nothing_that_helps_users_comes_after_telling() -> None:
    """In a chain of steps, too, what is not essential is needed by nobody."""
    chain = in_order([Step("tell", str, essential=False), Step("help", str)])

    assert chain[1].needs == ()
