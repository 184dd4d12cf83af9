"""``make incident``, the command: which run it takes, what it says when there is none, and what the journals of stories tell."""

import json
from pathlib import Path

import pytest

from pam_rollback.postmortem import __main__
from pam_rollback.report.redaction import Redactor, scan

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


def test_a_secret_that_cannot_be_taken_out_takes_its_file_along(tmp_path: Path) -> None:
    """What the last look still finds is not handed on."""
    (tmp_path / "x.bin").write_bytes(b"\x00\xff" + b"s3cret-value-0815")

    assert scan(tmp_path, {"a": "s3cret-value-0815"}) == [tmp_path / "x.bin"]
    assert Redactor({"a": "s3cret-value-0815"}).file(tmp_path / "x.bin") is False


def test_a_drill_with_several_stories_has_several_incidents(tmp_path: Path) -> None:
    """Each with its own part of the journal, also beside one whose incident was never seen."""
    at = {"at": "2026-11-25T22:00:00+00:00", "at_s": 1.0}
    decided = {"run": "r", "environment": "sandbox", "api": "a", "mode": "drill", "reason": "x", "initiated_by": "d"}
    entries = [
        {**at, "event": "planting", "environment": "sandbox", "api": "a"},
        {**at, "event": "planting", "environment": "sandbox", "api": "a"},
        {**at, "event": "action", "strategy": "gradual", "decided_s": 1.0, **decided},
        {**at, "event": "step-done", "step": "one", "result": "", "problem": ""},
        {**at, "event": "planting", "environment": "sandbox", "api": "a"},
        {**at, "event": "action", "strategy": "emergency", "decided_s": 1.0, **decided},
        {**at, "event": "step-done", "step": "two", "result": "", "problem": ""},
    ]
    (tmp_path / "journal.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries), "utf-8")

    assert __main__.main([str(tmp_path), "--out", str(tmp_path / "out")], root=ROOT) == 0

    for story, step in (("gradual", "one"), ("emergency", "two")):
        page = (tmp_path / "out" / f"after-{story}" / "post-mortem.md").read_text("utf-8")
        assert f"| strategy | {story} (drill) | journal.jsonl |" in page
        assert f"done: {step}" in page
        assert page.count("done: ") == 1


def owed(kind: str, **facts: object) -> dict[str, object]:
    """What a change noted before it was made."""
    return {"event": "undo-owed", "number": 1, "kind": kind, "place": "", "facts": facts}


def target(part: str = "", **facts: object) -> dict[str, object]:
    """What an action chose."""
    return {"event": "target", "part": part, "facts": facts}


BAD, GOOD = "b" * 40, "a" * 40


@pytest.mark.parametrize(
    ("entries", "releases", "rows"),
    [
        pytest.param(
            [target(deploy="d-1", commit=GOOD, why="the last one"), owed("publish-deploy", deploy="d-2", commit=BAD)],
            f"bad: commit {BAD[:12]}; gone back to: commit {GOOD[:12]}",
            [f"goes back to d-1 (commit {GOOD[:12]}): the last one"],
            id="front end",
        ),
        pytest.param(
            [
                target("front end", deploy="d-1", commit=GOOD, why="named"),
                target("back end", deploy="dep-1", commit=GOOD, why="named"),
                owed("run-deploy", deploy="dep-2", commit=BAD),
            ],
            f"bad: commit {BAD[:12]}; gone back to: commit {GOOD[:12]}",
            [f"front end goes back to d-1 (commit {GOOD[:12]}): named", "back end goes back to dep-1"],
            id="full system",
        ),
        pytest.param(
            [target(deploy="d-2", commit=BAD, taken_back=True, why="users have it now")],
            f"bad: commit {BAD[:12]}; taken back by a revert",
            [f"takes back d-2 (commit {BAD[:12]}): users have it now"],
            id="revert",
        ),
        pytest.param(
            [target(deploy="d-1", commit=GOOD, why="named"), owed("publish-deploy", deploy="d-2", locked=True)],
            f"bad: commit unknown; gone back to: commit {GOOD[:12]}",
            [],
            id="of a version that did not note the commit",
        ),
    ],
)
def test_the_releases_are_named(
    entries: list[dict[str, object]], releases: str, rows: list[str], tmp_path: Path
) -> None:
    """Which was bad and which one was gone back to, whatever the strategy: what a revert takes back is not what was gone back to."""
    at = {"at": "2026-11-25T22:00:00+00:00", "at_s": 1.0}
    decided = {"event": "action", "strategy": "s", "decided_s": 1.0, "mode": "real", "reason": "x", "initiated_by": "d"}
    whole = [{**at, **entry} for entry in (decided, *entries)]
    (tmp_path / "journal.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in whole), "utf-8")

    page = made(tmp_path, None, tmp_path / "out")

    assert f"| releases | {releases} | journal.jsonl |" in page
    for row in rows:
        assert f"| target | {row}" in page
