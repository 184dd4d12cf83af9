"""``make incident``, the command: which run it takes, what it says when there is none, and what the journals of stories tell."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.ops.postmortem import __main__
from pam_rollback.ops.postmortem.service import Incident, Run
from pam_rollback.report.verdict import Outcome

ROOT = Path(__file__).parents[2]


def made(run: Path, env: Path | None, out: Path) -> str:
    """The folder, written into ``out``; gives the draft."""
    known = ["--env", str(env)] if env is not None else []
    assert __main__.main([str(run), *known, "--out", str(out)], root=ROOT) == 0
    return (out / "post-mortem.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("nowhere", "nowhere: expected a run's id or folder"),
        ("", "expected the folder of a run (run.json, journal.jsonl"),
    ],
)
def test_no_run_is_said_in_one_line(run: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was expected, what was found, what to do."""
    empty = tmp_path / "empty"
    empty.mkdir()

    assert __main__.main([run or str(empty)], root=tmp_path) == 1
    told = capsys.readouterr()
    assert words in told.err
    assert told.out == ""


def test_a_drill_with_several_stories_has_several_incidents(tmp_path: Path) -> None:
    """Each with its own part of the journal."""
    at = {"at": "2026-11-25T22:00:00+00:00", "at_s": 1.0}
    decided = {"run": "r", "environment": "sandbox", "api": "a", "mode": "drill", "reason": "x", "initiated_by": "d"}
    entries = [
        {**at, "situation": f"after-{story}", **entry}
        for story, step in (("gradual", "one"), ("emergency", "two"))
        for entry in (
            {"event": "planting", "environment": "sandbox", "api": "a"},
            {"event": "action", "strategy": story, "decided_s": 1.0, **decided},
            {"event": "step-done", "step": step, "result": "", "problem": ""},
        )
    ]
    (tmp_path / "journal.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries), "utf-8")

    assert __main__.main([str(tmp_path), "--out", str(tmp_path / "out")], root=ROOT) == 0

    for story, step in (("gradual", "one"), ("emergency", "two")):
        page = (tmp_path / "out" / f"after-{story}" / "post-mortem.md").read_text("utf-8")
        assert f"| strategy | {story} (drill) | journal.jsonl |" in page
        assert f"done: {step}" in page
        assert page.count("done: ") == 1


def test_of_a_killed_run_all_that_is_known_is_told(tmp_path: Path) -> None:
    """No record, no deploys, a step without an end: each says so, and judgement waits for people."""
    at = {"at": "2026-11-25T22:00:00+00:00", "at_s": 1.0}
    entries = [
        {**at, "event": "action", "strategy": "backend-provider", "mode": "real", "decided_s": 0.5, "run": "run-1",
         "environment": "nowhere", "reason": "errors | many", "initiated_by": "ann"},
        {**at, "event": "target", "part": "", "facts": {"deploy": "dep-1", "why": "named"}},
        {**at, "event": "step-started", "step": "run the target"},
    ]  # fmt: skip
    (tmp_path / "journal.jsonl").write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), "utf-8")

    page = made(tmp_path, None, tmp_path / "out")

    for words in (
        "# Post-mortem (draft): nowhere, run run-1",
        "| reason given | errors \\| many | journal.jsonl |",
        "| target | goes back to dep-1: named | journal.jsonl |",
        "| verdict | none: the session ended before it wrote run.json | - |",
        "| decision | 2026-11-25 21:59:59.500 |",
        "| onset | not known |",
        "**begun, and its end is not known** (the session was killed): run the target",
        "Not known from this run: users' answers were not recorded.",
        "- hosts: their deploys were not kept at the end of this run",
    ):
        assert words in page
    assert page.count("_For people to fill in._") == 7


def test_what_another_situation_saw_is_not_said_of_this_one() -> None:
    """Of two situations one was killed before its checks: how the other one's went says nothing of it, and that is said."""
    decided = {"event": "action", "at": "2026-11-25T22:00:00+00:00", "at_s": 1.0, "decided_s": 1.0}
    entries = tuple({**decided, "strategy": name, "situation": f"after-{name}"} for name in ("gradual", "emergency"))
    results: Any = (SimpleNamespace(situation="after-gradual", criteria=(), outcome=Outcome.PASSED),)
    record: Any = SimpleNamespace(run_id="r", results=results)
    run = Run(Path("r"), record, "", entries)

    assert Incident(run, "after-gradual").results == results
    assert Incident(run, "after-emergency").results == ()
    assert "no answers to users were recorded for after-emergency" in Incident(run, "after-emergency").missing({})
    assert "gone" in Incident(replace(run, record=None, no_record="gone"), "after-gradual").missing({})
