"""Beside an action the right people are told, once, in order; a channel that fails or hangs costs the action nothing."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.core.clock import Clock, SystemClock
from pam_rollback.core.errors import ActionFailed
from pam_rollback.notify.briefing import Briefing
from pam_rollback.notify.escalating import Escalation, Message, Send, Sender
from pam_rollback.notify.escalation import Ladder, Means
from pam_rollback.notify.escalation_told import LATE_S
from pam_rollback.plan.plan import load_plan
from pam_rollback.rollback.journal import Journal
from tests.virtual_clock import VirtualClock

ROOT = Path(__file__).parents[3]
ALL = ("slack", "pagerduty", "email", "statuspage")
FAST = 3000.0
"""The plan's 5, 15 and 30 minutes are 0.1, 0.3 and 0.6 s: for what is over when everything has been told."""


class Received:
    """Channels that keep what they get; one may fail, or hold a message back."""

    def __init__(self) -> None:
        self.messages: list[tuple[Means, Message]] = []
        self.fails: dict[Means, str | Exception] = {}
        self.held: dict[str, threading.Event] = {}
        """The message that hangs until then, as ``occasion/means``."""

    def channel(self, means: Means) -> Send:
        """One of them."""

        def send(message: Message) -> str:
            if held := self.held.get(f"{message.occasion}/{means}"):
                assert held.wait(10)
            failure = self.fails.get(means, "")
            if isinstance(failure, Exception):
                raise failure
            if not failure:
                self.messages.append((means, message))
            return failure

        return send

    @property
    def keys(self) -> list[str]:
        """What came in, in order."""
        return [f"{message.occasion}/{means}" for means, message in self.messages]


@pytest.fixture
def received() -> Received:
    """The channels."""
    return Received()


@pytest.fixture
def start(received: Received, tmp_path: Path) -> Callable[..., Escalation]:
    """Make an escalation for an action that is decided now."""
    plan = load_plan(ROOT / "plan.toml")

    def make(
        pace: float = FAST, *, folder: Path = tmp_path, decided_s: float | None = None, clock: Clock | None = None
    ) -> Escalation:
        clock = clock or SystemClock()
        journal = Journal(folder / "journal.jsonl")
        journal.append("action", strategy="frontend", decided_s=clock.monotonic_s() if decided_s is None else decided_s)
        means: tuple[Means, ...] = ("slack", "pagerduty", "email", "statuspage")
        return Escalation(
            ladder=Ladder.of(plan, abilities=ALL, drill=True, on_sandbox=True, pace=pace),
            sender=Sender({one: received.channel(one) for one in means}, journal),
            emails={contact.id: contact.email for contact in plan.contacts.values()},
            clock=clock,
            describe=_briefing,
        )

    return make


def _briefing(action: Mapping[str, Any]) -> Briefing:
    return Briefing("sandbox", str(action["strategy"]), "white page", "run-1", drill=True)


def test_levels_are_told_while_an_action_lasts(received: Received, start: Callable[..., Escalation]) -> None:
    """Each at its time, in the plan's order, with the journal's last step; customers last."""
    escalation = start(pace=600)
    with escalation.following():
        escalation.sender.journal.append("step-started", step="restore the deploy")
        _until(lambda: "EM-4/statuspage" in received.keys)
    escalation.end(over=True)

    assert received.keys == [
        *("EM-1/slack", "EM-1/pagerduty"),
        *("EM-2/pagerduty", "EM-2/email", "EM-2/slack"),
        *("EM-3/pagerduty", "EM-3/email", "EM-3/slack"),
        *("EM-4/pagerduty", "EM-4/email", "EM-4/slack", "EM-4/statuspage"),
        *("done/slack", "done/pagerduty", "done/email", "done/statuspage"),
        *("over/slack", "over/pagerduty", "over/email", "over/statuspage"),
    ]
    [mail] = [message for means, message in received.messages if (means, message.occasion) == ("email", "EM-3")]
    assert mail.contacts == ("product@wheelsandwins.com", "leadership@wheelsandwins.com")
    assert "Last step: restore the deploy (under way)" in mail.text
    told = {one.notice.occasion: one.at_s for one in reversed(escalation.followed.sent)}
    assert 0.5 <= told["EM-2"] < 1.5 <= told["EM-3"] < 3.0 <= told["EM-4"]
    assert all(escalation.followed.level(level).late_s <= LATE_S for level in ("EM-1", "EM-2", "EM-3", "EM-4"))


def test_the_clock_of_a_real_rollback_goes_on_until_its_verdict(
    received: Received, start: Callable[..., Escalation]
) -> None:
    """Through the windows: a level is told when it is due, reads that the steps are done, and is not late for whoever asks meanwhile."""
    clock = VirtualClock()
    escalation = start(pace=60, clock=clock, decided_s=-4.8)  # 5 s, 15 s and half a minute
    escalation.until_verdict = True
    with escalation.following():
        pass
    assert escalation.followed.until_s < 5
    clock.now_s += 0.3
    _until(lambda: "EM-2/slack" in received.keys)
    _until(lambda: not escalation.pending)
    escalation.end(over=False)

    assert received.keys[:4] == ["EM-1/slack", "EM-1/pagerduty", "done/slack", "done/pagerduty"]
    assert received.keys[4:] == ["EM-2/pagerduty", "EM-2/email", "EM-2/slack"]
    assert escalation.pending == (), "after the verdict nobody is woken"
    assert "every step is done, and it is NOT verified yet; technical lead, DevOps engineer: please join" in (
        received.messages[-1][1].text
    )
    followed = escalation.followed
    assert followed.level("EM-2").late_s <= LATE_S
    assert 5 <= followed.until_s < 15


def test_after_a_failure_it_goes_on(received: Received, start: Callable[..., Escalation]) -> None:
    """The failure is told at once, the next levels when they are due, until the session ends; the error reaches whoever waits for it."""
    escalation = start(pace=150)
    with pytest.raises(ActionFailed, match="no deploy"), escalation.following():
        raise ActionFailed("no deploy")
    _until(lambda: "EM-2/slack" in received.keys)
    _until(lambda: not escalation.pending)
    escalation.end(over=False)

    assert received.keys[:4] == ["EM-1/slack", "EM-1/pagerduty", "failed/slack", "failed/pagerduty"]
    assert received.keys[4:] == ["EM-2/pagerduty", "EM-2/email", "EM-2/slack"]
    assert "FAILED" in received.messages[2][1].text


def test_a_channel_that_fails_is_on_record_and_the_next_one_is_tried(
    received: Received, start: Callable[..., Escalation]
) -> None:
    """A reason or a defect of ours: the level is told by the other, and the ending goes only to who heard the beginning."""
    received.fails = {"slack": RuntimeError("a defect")}
    escalation = start(pace=60)
    with escalation.following():
        pass
    escalation.end(over=False)

    assert received.keys == ["EM-1/pagerduty", "done/pagerduty"]
    assert escalation.followed.level("EM-1").late_s <= LATE_S
    assert "Slack failed (RuntimeError('a defect'))" in str(escalation.followed.channels)
    notices = [entry for entry in escalation.sender.journal.entries() if entry["event"] == "notice"]
    assert [(one["means"], bool(one["problem"])) for one in notices[:2]] == [("slack", True), ("pagerduty", False)]


def test_a_channel_that_hangs_never_delays_the_action(received: Received, start: Callable[..., Escalation]) -> None:
    """The block is over when its steps are; the end waits for what is just being sent."""
    received.held = {"EM-1/slack": threading.Event()}
    escalation = start(pace=60)
    with escalation.following():
        pass
    told_meanwhile = received.keys
    received.held["EM-1/slack"].set()
    escalation.end(over=False)

    assert told_meanwhile == []
    assert escalation.pending == ()
    assert received.keys == ["EM-1/slack", "EM-1/pagerduty", "done/slack", "done/pagerduty"]


def test_a_message_under_way_when_a_run_was_killed_is_not_told_again(
    received: Received, start: Callable[..., Escalation], tmp_path: Path
) -> None:
    """It may have arrived. The resumed run says that it goes on, once on each channel, and repeats no beginning."""
    first = start(pace=60)
    first.begin()
    _until(lambda: len(first.followed.sent) >= 2)
    first.end(over=False)
    earlier = first.sender.journal.entries()
    last = max(place for place, entry in enumerate(earlier) if entry["event"] == "notice")
    killed = earlier[:last]  # the pager took it, and the journal does not know
    assert killed[-1]["event"] == "notice-begun"

    for resumption in ("once", "twice"):
        received.messages.clear()
        folder = tmp_path / resumption
        folder.mkdir()
        second = start(pace=60, folder=folder)
        with second.following(killed):
            pass
        second.end(over=False)
        killed += second.sender.journal.entries()

        assert received.keys == ["resumed/slack", "resumed/pagerduty", "done/slack", "done/pagerduty"]
        assert "the rollback was interrupted and goes on now" in received.messages[0][1].text


def test_a_drill_that_could_not_put_back_is_not_over(received: Received, start: Callable[..., Escalation]) -> None:
    """The team is told what is left; customers are not bothered with it, and no alert is resolved."""
    escalation = start()
    with escalation.following():
        _until(lambda: "EM-4/statuspage" in received.keys)
    escalation.end(over=True, left="1 change could not be put back (set-flags); try again with --undo run-1")

    ending = [(means, message) for means, message in received.messages if message.occasion in {"over", "owing"}]
    assert [(means, message.occasion) for means, message in ending] == [
        ("slack", "owing"),
        ("pagerduty", "owing"),
        ("email", "owing"),
    ]
    assert "NOT everything is as it was before: 1 change could not be put back" in ending[0][1].text


def test_an_escalation_that_cannot_begin_keeps_no_action_from_being_done(tmp_path: Path) -> None:
    """Not even a defect before the first message; it is named for whoever asks."""

    def broken(_action: Mapping[str, Any]) -> Briefing:
        raise RuntimeError("a defect")

    escalation = Escalation(
        Ladder((), {}, frozenset()), Sender({}, Journal(tmp_path / "journal.jsonl")), {}, SystemClock(), describe=broken
    )
    done = []
    with escalation.following():
        done.append("the action")
    escalation.end(over=True)

    assert done == ["the action"]
    assert escalation.problems == ("the escalation could not begin: RuntimeError('a defect'); tell people yourself",)


def _until(holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.01)
