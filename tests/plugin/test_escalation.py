"""Whole drills in which people are told: what arrives where, what is taken down again, and what a killed run leaves to be put back."""

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.adapters.http import fetch
from tests.sessions import Project, Range

ALL_AT_ONCE = "".join(f"\n[thresholds.EM-{level}]\nfrom_s = 0\n" for level in (2, 3, 4))
DRILL = ("-m", "communication", "--situation", "after-feature-flag")


@pytest.fixture
def hurried(practice_range: Range, tmp_path: Path) -> Iterator[Path]:
    """The sandbox, with every level due when the rollback begins."""
    file = tmp_path / "hurried.toml"
    file.write_text(practice_range.file.read_text(encoding="utf-8") + ALL_AT_ONCE, encoding="utf-8")
    file.chmod(0o600)
    yield file
    practice_range.remote.set_status_page()


def summary(practice_range: Range) -> Any:
    """What everybody reads on the status page."""
    return fetch(practice_range.state["urls"]["status_page"] + "/api/v2/summary.json").json


def notice(practice_range: Range) -> Any:
    """What everybody reads in the app."""
    return fetch(practice_range.state["urls"]["api"] + "/api/v1/notice").json


def test_everybody_hears_the_beginning_and_the_end(practice_range: Range, project: Project, hurried: Path) -> None:
    """All four levels over all channels, marked as a drill; afterwards nothing is open, shown or owed."""
    ended = project.run(*DRILL, f"--env={hurried}")

    assert ended.rc == 0, ended.out
    assert set(ended.outcomes().values()) == {"passed"}
    remote = practice_range.remote
    mails = remote.received("email")
    assert [sorted(mail["recipients"]) for mail in mails[:2]] == [
        ["dev-team@wheelsandwins.com", "ops@wheelsandwins.com"],
        ["leadership@wheelsandwins.com", "product@wheelsandwins.com"],
    ]
    texts = [message["body"]["text"] for message in remote.received("slack")]
    assert all(text.startswith("DRILL, nothing is wrong: ") for text in texts)
    assert len(texts) == len(set(texts))
    assert all(mail["subject"].startswith("DRILL") for mail in mails)
    actions = [message["body"].get("event_action", "change") for message in remote.received("pagerduty")]
    assert actions == [*["trigger"] * 4, "change", "acknowledge", "resolve"]
    statuses = [message["body"]["status"] for message in remote.received("statuspage")]
    assert statuses == ["identified", "monitoring", "resolved"]
    assert summary(practice_range)["incidents"] == []
    assert notice(practice_range)["active"] is False
    assert owed(ended.folder / "journal.jsonl") == set()


def owed(journal: Path) -> set[str]:
    """The kinds of changes that were not put back."""
    entries = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    done = {entry["number"] for entry in entries if entry["event"] == "undo-done"}
    return {entry["kind"] for entry in entries if entry["event"] == "undo-owed" and entry["number"] not in done}


def test_a_killed_drill_leaves_what_customers_see_to_the_undo(
    practice_range: Range, project: Project, hurried: Path
) -> None:
    """The incident and the notice are owed before they go up; ``--undo`` takes both down."""
    # Many users are evaluated, each answer takes its time: the rollback waits, and customers are told in the meantime.
    practice_range.remote.plant("answers-slowly", path="/ofrep/*", server="api", ms=2000)
    with project.start(*DRILL, f"--env={hurried}") as session:
        folder = project.run_folder
        end_s = time.monotonic() + 90
        while not (summary(practice_range)["incidents"] and notice(practice_range)["active"]):
            assert time.monotonic() < end_s, "customers were not told"
            time.sleep(0.1)
        session.send_signal(signal.SIGKILL)
        session.communicate()

    assert {"resolve-status-page-incident", "put-notice-back"} <= owed(folder / "journal.jsonl")
    practice_range.remote.clear_all()
    undone = project.run("--undo", str(folder), f"--env={practice_range.file}")
    assert undone.rc == 0, undone.out
    assert summary(practice_range)["incidents"] == []
    assert notice(practice_range)["active"] is False


def test_a_failed_rollback_is_told_as_failed(practice_range: Range, project: Project) -> None:
    """At once, to those who heard that it began, with the step; and the verdict is the action's."""
    practice_range.remote.plant("admin-refuses")

    ended = project.run(*DRILL, f"--env={practice_range.file}")

    assert ended.rc == 12, ended.out
    texts = [message["body"]["text"] for message in practice_range.remote.received("slack")]
    [failed] = [text for text in texts if "FAILED after" in text]
    assert "Last step: read the flags (FAILED)" in failed
    assert not any("every step is done" in text for text in texts)


def test_a_stop_ends_it_in_order(practice_range: Range, project: Project) -> None:
    """SIGTERM: what was begun is told to its end, also to the pager, and the session ends with what the action says."""
    with project.start(*DRILL, f"--env={practice_range.file}") as session:
        end_s = time.monotonic() + 90
        while not practice_range.remote.received("pagerduty"):
            assert time.monotonic() < end_s, "nobody was told"
            time.sleep(0.02)
        session.send_signal(signal.SIGTERM)
        ended = project.finish(session)

    assert ended.rc in {12, 14}, ended.out
    actions = [message["body"].get("event_action") for message in practice_range.remote.received("pagerduty")]
    assert actions[-1] == "resolve"
    assert re.search(r"stopped by SIGTERM", ended.out)
