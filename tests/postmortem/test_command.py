"""``make incident``, the command: which run it takes, what it says when there is none, and what the journals of stories tell."""

import json
from pathlib import Path

import pytest

from pam_rollback.ops.postmortem import __main__

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


def test_a_post_mortem_is_about_one_rollback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a session of several stories none is picked."""
    at = {"at": "2026-11-25T22:00:00+00:00", "at_s": 1.0, "event": "action", "decided_s": 1.0}
    entries = [{**at, "strategy": story, "situation": f"after-{story}"} for story in ("gradual", "emergency")]
    (tmp_path / "journal.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries), "utf-8")

    assert __main__.main([str(tmp_path), "--out", str(tmp_path / "out")], root=ROOT) == 1
    assert "expected the folder of one rollback, found after-gradual, after-emergency" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


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
