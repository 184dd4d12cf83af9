"""Turns on a running sandbox: an outage is found, told with its command, closed by the next turn; a decision tells alike."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fault_rows.watch import ASKS, LEAK, OFFLINE, OUTAGE, SAW
from tests.plugin.drilling import runbook_with, told
from tests.sessions import RunningSandbox
from tests.summary import ROW
from tests.test_checks_catch_faults import judge

LISTENER = """

import json


def pytest_pam_incident(config, incident, what):
    with open("heard.jsonl", "a", encoding="utf-8") as file:
        said = {"what": what, "key": incident.key, "command": incident.command, "reference": incident.reference}
        file.write(json.dumps({**said, "found": [seen.criterion for seen in incident.found]}) + "\\n")
    return "https://tracker.example/7"
"""


def test_an_outage_is_found_told_and_closed_by_the_next_turn(
    tmp_path: Path, running_sandbox: RunningSandbox, record_property: Callable[[str, object], None]
) -> None:
    """Red while it lasts, with the command; green afterwards; each told once."""
    record_property(ROW, OUTAGE.id)
    project = runbook_with(tmp_path, "test_watch.py")
    with (tmp_path / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(LISTENER)
    watch = ("-m", "watch", f"--env={running_sandbox.file}", "--look-every=2s")

    running_sandbox.remote.plant(OUTAGE.fault, **OUTAGE.parameters)
    red = project.run(*watch, "--turn=18s")
    opened = heard_by(running_sandbox)
    running_sandbox.as_it_was()
    green = project.run(*watch, "--turn=24s")
    closed = heard_by(running_sandbox)

    heard = [json.loads(line) for line in (tmp_path / "heard.jsonl").read_text(encoding="utf-8").splitlines()]
    assert (red.rc, green.rc) == (10, 0), red.out + green.out
    judge([OUTAGE], red, {ASKS, SAW})
    assert green.outcomes() == {ASKS: "passed", SAW: "passed"}
    assert "pytest drills/test_" in red.out
    assert [one["what"] for one in heard if one["what"] != "updated"] == ["opened", "closed"]
    assert heard[0]["command"].startswith("pytest drills/test_")
    assert "IR-5" in heard[0]["found"]
    assert heard[-1]["reference"] == "https://tracker.example/7"
    assert len({one["key"] for one in heard}) == 1
    assert any("is over" in line for line in green.record["notes"]), green.record["notes"]
    key = heard[0]["key"]
    assert opened.rung[0] == ("trigger", f"pam-rollback/{key}", "error")
    assert {one[1] for one in opened.rung} == {f"pam-rollback/{key}"}
    assert opened.mailed[0][0] == ["dev-team@wheelsandwins.com", "ops@wheelsandwins.com"]
    assert key in opened.mailed[0][1]
    assert heard[0]["command"] in opened.said
    assert closed.rung[-1] == ("resolve", f"pam-rollback/{key}", "")
    assert closed.mailed[-1][1].startswith(f"Over: {key}")
    assert f"Over: {key}" in closed.said


@dataclass(frozen=True)
class Heard:
    """What the sandbox's PagerDuty, mailboxes and channel got."""

    rung: list[tuple[str, str, str]]
    """Action, key and severity."""
    mailed: list[tuple[list[str], str]]
    """Recipients and text."""
    said: str


def heard_by(running_sandbox: RunningSandbox) -> Heard:
    """Look into all three."""
    events = [one["body"] for one in running_sandbox.remote.received("pagerduty")]
    rung = [
        (one["event_action"], one["dedup_key"], one.get("payload", {}).get("severity", ""))
        for one in events
        if "event_action" in one
    ]
    mails = [(one["recipients"], one["text"]) for one in running_sandbox.remote.received("email")]
    return Heard(rung, mails, told(running_sandbox))


@pytest.mark.nightly
def test_a_leak_is_found(
    tmp_path: Path, running_sandbox: RunningSandbox, record_property: Callable[[str, object], None]
) -> None:
    """By the product's own metrics: users are answered as ever."""
    record_property(ROW, LEAK.id)
    project = runbook_with(tmp_path, "test_watch.py")
    running_sandbox.remote.plant(LEAK.fault, **LEAK.parameters)
    try:
        leaking = project.run("-m", "watch", f"--env={running_sandbox.file}", "--look-every=1s", "--turn=25s")
    finally:
        running_sandbox.as_it_was()

    assert leaking.rc == 10, leaking.out
    judge([LEAK], leaking, {ASKS, SAW})
    assert "pytest drills/test_backend" in leaking.out


def test_a_scheduled_decision_wakes_the_same_people(tmp_path: Path, running_sandbox: RunningSandbox) -> None:
    """What no watch judges, such as an open door; and a decision that was started by hand wakes nobody."""
    project = runbook_with(tmp_path, "test_exposure.py")
    decision = ("-m", "decision and security", f"--env={running_sandbox.file}")
    running_sandbox.remote.plant("auth-bypass")
    try:
        by_hand = project.run(*decision)
        unasked = heard_by(running_sandbox)
        scheduled = project.run(*decision, "-p", "pam_rollback.ops.watch.telling")
        heard = heard_by(running_sandbox)
    finally:
        running_sandbox.as_it_was()

    assert (by_hand.rc, scheduled.rc) == (10, 10), scheduled.out
    assert (unasked.rung, unasked.mailed) == ([], [])
    assert heard.rung == [("trigger", "pam-rollback/pam-sandbox-decision", "error")], scheduled.out
    [(_, text)] = heard.mailed
    for words in (text, heard.said):
        assert "ROLL BACK NOW" in words
        assert "IR-1" in words


def test_a_watch_that_sees_nothing_proves_nothing(
    tmp_path: Path, running_sandbox: RunningSandbox, record_property: Callable[[str, object], None]
) -> None:
    """Users are answered with errors, and this machine is offline: whose fault that is nobody can tell."""
    record_property(ROW, OFFLINE.id)
    project = runbook_with(tmp_path, "test_watch.py")
    running_sandbox.remote.plant(OFFLINE.fault, **OFFLINE.parameters)
    file = running_sandbox.described(tmp_path / "offline.toml", OFFLINE.environment)

    blind = project.run("-m", "watch", f"--env={file}", "--look-every=1s", "--turn=3s")

    judge([OFFLINE], blind, {ASKS, SAW})


def test_a_watch_that_cannot_see_for_three_looks_wakes_people(tmp_path: Path, running_sandbox: RunningSandbox) -> None:
    """By the same way as an outage: whether users are well is not known, and a person has to look."""
    project = runbook_with(tmp_path, "test_watch.py")
    running_sandbox.remote.plant(OFFLINE.fault, **OFFLINE.parameters)
    file = running_sandbox.described(tmp_path / "offline.toml", OFFLINE.environment)
    try:
        blind = project.run("-m", "watch", f"--env={file}", "--look-every=1s", "--turn=8s")
        heard = heard_by(running_sandbox)
    finally:
        running_sandbox.as_it_was()

    assert blind.rc == 11, blind.out
    assert [(action, severity) for action, _, severity in heard.rung] == [("trigger", "error")], blind.out
    assert len(heard.mailed) == 1
    for text in (heard.mailed[0][1], heard.said):
        assert "NOT KNOWN" in text
        assert "not known for 3 looks in a row" in text
