"""The command that removes runs: what it lists, what it removes, and what it never touches."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pam_rollback.ops.state import __main__ as forget
from pam_rollback.plugin import second_places
from pam_rollback.redeploy.ramp.invocation import RampJournal
from pam_rollback.redeploy.ramp.state import RampEvent
from pam_rollback.rollback.journal import ACTION, Journal

NOW_S = datetime(2026, 11, 27, tzinfo=UTC).timestamp()


def run_of(root: Path, name: str, *, days: float, owes: bool = False) -> Path:
    """A run's folder, all of it so old."""
    folder = root / "reports" / "out" / name
    (folder / "allure-results").mkdir(parents=True)
    (folder / "allure-results" / "a-result.json").write_text("{}")
    (folder / "run.json").write_text(json.dumps({"environment": {"name": "staging"}}))
    journal = Journal(folder / "journal.jsonl")
    journal.append(ACTION, environment="staging", strategy="frontend")
    undo = journal.owe("set-flags", {})
    if not owes:
        journal.settled(undo)
    return aged(folder, days)


def aged(folder: Path, days: float) -> Path:
    """Everything in it was written so long ago."""
    moment_s = NOW_S - timedelta(days=days).total_seconds()
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (moment_s, moment_s))
    return folder


@pytest.fixture(autouse=True)
def a_home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where second places are; no state."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("PAM_STATE", "PAM_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)


def told(root: Path, capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    """What the command says."""
    assert forget.main(["--older-than", "30d", *args], root=root, now_s=NOW_S) == code
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_old_runs_are_listed_first_and_removed_when_it_is_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is young, owes something, is no run or a link stays, byte for byte."""
    gone = run_of(tmp_path, "1-old", days=40)
    stays = [
        run_of(tmp_path, "2-owes", days=40, owes=True),
        run_of(tmp_path, "3-young", days=29),
        run_of(tmp_path, "4-in-progress", days=40),
    ]
    (stays[2] / "timeline.jsonl").write_text("still being written")
    os.utime(stays[2] / "timeline.jsonl", (NOW_S, NOW_S))
    history = tmp_path / "reports" / "out" / "history"
    history.mkdir()
    (history / "staging.jsonl").write_text("{}")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "run.json").write_text("{}")
    aged(elsewhere, 40)
    (tmp_path / "reports" / "out" / "5-link").symlink_to(elsewhere)

    listed = told(tmp_path, capsys)
    assert gone.is_dir()
    assert "  remove   1-old, staging, 40 d old" in listed
    assert "1 runs would be removed (0 MB), nothing was: repeat with --yes" in listed

    second = second_places.folders(gone)[0]
    second.mkdir(parents=True)
    (second / "run.json").write_text("{}")
    removed = told(tmp_path, capsys, "--yes")
    assert not second.exists()
    assert not gone.exists()
    assert "4 runs, 2 of them younger than 30 d" in removed
    assert "kept     2-owes, staging, 40 d old, 0.0 MB: it owes 1 undo (set-flags): --undo 2-owes" in removed
    assert all(folder.is_dir() for folder in [*stays, history, elsewhere])
    assert (elsewhere / "run.json").is_file()
    assert len(list(stays[0].rglob("*"))) == 4


def test_a_journal_that_cannot_be_read_may_owe_something(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also one of a later version."""
    for name, line in (
        ("1-damaged", '{"event": "undo-owed", "ki\n'),
        ("2-later", '{"event": "action", "schema_version": 99}\n'),
    ):
        folder = run_of(tmp_path, name, days=40)
        (folder / "journal.jsonl").write_text(line)
        aged(folder, 40)

    words = told(tmp_path, capsys, "--yes")

    assert words.count("its journal cannot be read, so it may owe an undo") == 2
    assert "0 runs were removed" in words


def test_what_a_ramp_goes_by_stays_until_the_ramp_is_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A ramp's journal that cannot be read keeps everything."""
    gate = run_of(tmp_path, "1-gate", days=40)
    state = tmp_path / "reports" / "state" / "staging"
    ramp = RampJournal(state / "ramp.jsonl", lambda: NOW_S)
    ramp.begin()
    ramp.append(RampEvent.GATE, run="1-gate")

    assert "a ramp that is under way goes by it" in told(tmp_path, capsys, "--yes")
    (state / "ramp.jsonl").write_text("no JSON\n")
    assert "nothing was removed: " in told(tmp_path, capsys, "--yes", code=1)
    (state / "ramp.jsonl").unlink()
    ramp.append(RampEvent.GATE, run="1-gate")
    ramp.append(RampEvent.ROLLED_BACK)
    assert "1 runs were removed" in told(tmp_path, capsys, "--yes")
    assert not gate.exists()


def test_an_age_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody forgets by accident."""
    for arguments in ([], ["--older-than", "5"], ["--older-than", "0h"]):
        with pytest.raises(SystemExit) as ended:
            forget.main(arguments, root=tmp_path, now_s=NOW_S)
        assert ended.value.code == 2
    assert "expected an age such as 30d, 12h or 8w, found '5'" in capsys.readouterr().err
    assert "0 runs would be removed" in told(tmp_path, capsys)
