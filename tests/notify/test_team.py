"""The team hears of the verdict, and of an undo: that it begins, and how it ended; no channel delays it."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.core.errors import UndoFailed
from pam_rollback.notify.briefing import Briefing
from pam_rollback.notify.escalating import Message, Send, Sender
from pam_rollback.notify.escalation import NOT_VERIFIED, Level, Means, sent_before
from pam_rollback.notify.team import TeamMessages
from pam_rollback.plan.flags import Flag
from pam_rollback.report.job_summary import in_short
from pam_rollback.report.run_record import read
from pam_rollback.rollback.journal import ACTION, Journal
from tests.plugin.beginning import Begin, begin
from tests.plugin.drilling import CONSENT, as_staging, journal
from tests.plugin.test_other_formats import kept_run
from tests.sessions import FLAGS, ON, ONLY_HEALTH, Project, RunningSandbox

__all__ = ["begin"]


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about an undo."""
    return ONLY_HEALTH


@pytest.fixture
def told_by(tmp_path: Path) -> Callable[..., TeamMessages]:
    """The undo of a real rollback of which two changes are owed, told by these channels."""
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append(ACTION, strategy="frontend", mode="real")
    for place in ("flags", "site"):
        journal.owe("set-flags", {}, place=place)

    def make(channels: Mapping[Means, Send]) -> TeamMessages:
        briefing = Briefing("staging", "frontend", "white page", "run-1", drill=False)
        return TeamMessages(briefing, Sender(channels, journal), dict.fromkeys(channels, ()))

    return make


def keeps(sent: list[Message]) -> Send:
    """A channel that takes everything."""

    def send(message: Message) -> str:
        sent.append(message)
        return ""

    return send


def test_beginning_and_end_are_told(told_by: Callable[..., TeamMessages]) -> None:
    """Who, why, of which run, how many changes; the journal keeps both."""
    sent: list[Message] = []
    told = told_by({"slack": keeps(sent)})

    with told.following(told.sender.journal.owed(), who="alex", reason="the fix is live"):
        for undo in told.sender.journal.owed():
            told.sender.journal.settled(undo)

    begun, undone = (message.text for message in sent)
    assert begun == (
        "PAM on staging, rollback frontend: UNDO begun by alex (the fix is live): 2 changes of the rollback will be put back "
        "(set-flags). Run run-1"
    )
    assert undone == (
        "PAM on staging, rollback frontend: UNDONE by alex: 2 changes put back and read back; what the rollback brought about is "
        "no longer in effect. Run run-1"
    )
    notices = [entry for entry in told.sender.journal.entries() if entry["event"] == "notice"]
    assert [notice["occasion"] for notice in notices] == ["undoing", "undone"]


def test_a_failed_undo_is_told_with_what_is_left(told_by: Callable[..., TeamMessages]) -> None:
    """And reaches whoever waits for it; secrets stay here."""
    sent: list[Message] = []
    told = told_by({"slack": keeps(sent)})

    hidden = told.following(
        told.sender.journal.owed(), who="", reason="", redact=lambda text: text.replace("s3cret", "***")
    )
    told.sender.journal.settled(told.sender.journal.owed()[0])
    with pytest.raises(UndoFailed), hidden:
        raise UndoFailed("HTTP 503 for s3cret:\n a person must set it")

    assert "UNDO FAILED: 1 of 2 changes NOT put back, a person is needed: HTTP 503 for ***: a person must set it" in (
        sent[-1].text
    )


def test_no_channel_delays_the_undo(told_by: Callable[..., TeamMessages]) -> None:
    """One hangs until the changes are back, one refuses: the other is told, and what went wrong is said."""
    put_back = threading.Event()
    sent: list[Message] = []

    def hangs(message: Message) -> str:
        assert put_back.wait(10)
        sent.append(message)
        return ""

    told = told_by({"slack": hangs, "pagerduty": lambda _: "HTTP 500"})
    with told.following(told.sender.journal.owed(), who="alex", reason="why"):
        put_back.set()  # the last thing that is done: had the first message been waited for, this would never come

    assert [message.occasion for message in sent] == ["undoing", "undone"]
    assert told.problems == ["PagerDuty was not told: HTTP 500"] * 2


def test_a_verdict_is_told_once(told_by: Callable[..., TeamMessages]) -> None:
    """To everybody who is in it; a channel that refuses is named, and the journal keeps both."""
    sent: list[Message] = []
    told = told_by({"slack": keeps(sent), "email": lambda _: "HTTP 500"})

    told.say(NOT_VERIFIED, "NO-GO  staging x  release 1, 3 of 3 in 5 s: 1 broken criterion")

    assert [(one.occasion, one.text) for one in sent] == [
        (
            "not-verified",
            "PAM on staging, rollback frontend: NO-GO  staging x  release 1, 3 of 3 in 5 s: 1 broken criterion. Run run-1",
        )
    ]
    assert told.problems == ["e-mail was not told: HTTP 500"]
    notices = [entry for entry in told.sender.journal.entries() if entry["event"] == "notice"]
    assert [(one["means"], one["problem"]) for one in notices] == [("slack", ""), ("email", "HTTP 500")]


def test_a_rollback_that_did_not_help_wakes_the_next_level(told_by: Callable[..., TeamMessages]) -> None:
    """Its own people, over its own means; customers are a person's matter, and after the last level nobody is woken."""
    sent: dict[Means, list[Message]] = {"slack": [], "email": [], "statuspage": []}
    told = told_by({means: keeps(messages) for means, messages in sent.items()})
    assert told.wake("NO-GO") == ""
    told.emails = {"EC-1": "lead@example.org"}
    told.next_level = Level("EM-4", 1800, ("everybody",), ("EC-1",), ("email", "slack", "pagerduty", "statuspage"))

    assert told.wake("NO-GO  production: 1 broken criterion") == "EM-4"

    [mail] = sent["email"]
    assert mail.contacts == ("lead@example.org",)
    assert (
        "everybody: please join now, the rollback is NOT verified. NO-GO  production: 1 broken criterion" in mail.text
    )
    assert [len(messages) for messages in sent.values()] == [1, 1, 0]
    assert [one.notice.key for one in sent_before(told.sender.journal.entries())] == ["EM-4/email", "EM-4/slack"]


@pytest.mark.long_matrix
@pytest.mark.parametrize("channel", ["down", "open"])
def test_the_verdict_of_a_real_rollback_is_told(
    running_sandbox: RunningSandbox, project: Project, channel: str
) -> None:
    """In the words of the record, with its reasons and where the report is; who could not be told is named, and the verdict stays."""
    as_staging(running_sandbox, project)
    try:
        if channel == "down":
            running_sandbox.remote.plant("channel-fails", what="slack", how="down")
        ended = project.run("drills/test_feature_flag.py", "--env=staging.toml", *CONSENT, "-k", "test_flags_are_off")
    finally:
        running_sandbox.as_it_was()

    record = read(ended.folder / "run.json")
    sent = [one for one in journal(ended.folder) if one["event"] == "notice" and one["occasion"] == "not-verified"]
    [notice] = [one for one in sent if one["means"] == "slack"]
    assert ended.rc == record.exit_code == 11, ended.out
    assert in_short(record) in notice["text"]
    assert all(reason in notice["text"] for reason in record.reasons)
    assert f"report: {record.reports.html}" in notice["text"]
    assert ("the team: Slack was not told: " in ended.out) is (channel == "down"), ended.out
    assert bool(notice["problem"]) is (channel == "down")


def test_an_undo_is_told_to_those_who_heard_of_the_rollback(
    running_sandbox: RunningSandbox, project: Project, begin: Begin
) -> None:
    """Start and end, a failed one, too; no start of the rollback is repeated."""

    def planted_nothing(record: dict[str, Any]) -> None:
        if record.get("kind") == "clear-faults":  # what refuses here would be gone by the second try
            record |= {"event": "warning", "about": "incident", "problem": "none was planted"}

    env = f"--env={running_sandbox.file}"
    folder = str(kept_run(project, running_sandbox, planted_nothing))
    undo = ("--undo", folder, env, "--initiated-by", "kim", "--reason", "the fix is live")
    running_sandbox.flags.set_flags(dict.fromkeys(FLAGS, Flag(enabled=False, rollout_pct=0)))
    running_sandbox.remote.plant("admin-refuses")

    failed = begin(project.folder, *undo)
    running_sandbox.remote.clear_all()
    undone = begin(project.folder, *undo)

    assert failed.rc == 14, failed.said
    assert undone.rc == 0, undone.said
    texts = [str(message["body"]["text"]) for message in running_sandbox.remote.received("slack")]
    assert [text.split(": ")[2].split(" by ")[0] for text in texts] == [
        "UNDO begun",
        "UNDO FAILED",
        "UNDO begun",
        "UNDONE",
    ], texts
    assert all(text.startswith("DRILL, nothing is wrong: PAM on sandbox, rollback feature-flag: ") for text in texts)
    assert {running_sandbox.flags.read_flags()[name] for name in FLAGS} == {ON}
