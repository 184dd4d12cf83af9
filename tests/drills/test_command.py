"""``make drill`` runs one story, ``make drills`` each in a session of its own: what they print, how they end, and how they are stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pam_rollback.ops.drills import __main__ as command
from pam_rollback.plan.stories import STORIES
from tests.sessions import ROOT

CONFTEST = '''
"""A session that prints what a real one prints, and ends as it was told to."""
import json, pathlib, time
TOLD = pathlib.Path("told.json")


def pytest_report_header(config):
    story = pathlib.Path(config.args[0]).stem
    folder = pathlib.Path(f"out-{story}")
    folder.mkdir(exist_ok=True)
    return [f"run: {story} · folder: {folder}"]


def pytest_sessionfinish(session):
    story = pathlib.Path(session.config.args[0]).stem
    session.exitstatus = json.loads(TOLD.read_text()).get(story, 0)
'''
TEST = "import os, time\ndef test_it():\n    time.sleep(float(os.environ.get('STORY_TAKES_S', '0')))\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose stories take no time."""
    (tmp_path / "drills").mkdir()
    for story in STORIES:
        (tmp_path / command.file_of(story)).write_text(TEST, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (tmp_path / "told.json").write_text("{}", encoding="utf-8")
    (tmp_path / "plan.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:cacheprovider")
    return tmp_path


def test_a_story_is_named_and_an_unknown_one_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """With the ones that there are."""
    assert command.main(["--which"], root=ROOT) == 0
    assert command.main(["--which", "frontend-restore"], root=ROOT) == 0
    assert capsys.readouterr().out == "drills/test_feature_flag.py\ndrills/test_frontend_restore.py\n"

    assert command.main(["--which", "frontend"], root=ROOT) == command.USAGE_ERROR
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith("STORY=frontend: no such story, did you mean frontend-")
    assert all(story in told.err for story in STORIES)


@pytest.mark.parametrize(
    ("told", "code", "words"),
    [
        ({}, 0, "REHEARSAL GO  3 of 3 drills are GO, in "),
        ({"test_gradual": 10, "test_emergency": 11}, 10, "REHEARSAL NO-GO  1 of 3 drills are GO, in "),
        ({"test_gradual": 3}, 11, "REHEARSAL INCONCLUSIVE  2 of 3 drills are GO, in "),
    ],
)
def test_each_story_is_a_line_and_the_worst_decides(
    root: Path, capsys: pytest.CaptureFixture[str], told: dict[str, int], code: int, words: str
) -> None:
    """With a table and a link to each; a session that crashed is unknown, and why one is not GO is said."""
    (root / "told.json").write_text(json.dumps(told), encoding="utf-8")

    assert command.main(["gradual", "emergency", "feature-flag", "--at-once=2"], root=root) == code

    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith(words)
    assert [line.split()[1] for line in lines if line.startswith("gradual")][-1].endswith("out-test_gradual")
    assert sum("it wrote no record; see" in line for line in lines) == len(told)
    assert max(map(len, lines)) <= 80 + len(str(root))
    assert "passed" in (root / "out-test_gradual" / "output.txt").read_text("utf-8")


def test_a_signal_reaches_each_session_once_and_no_other_begins(root: Path) -> None:
    """Ctrl-C in the terminal, too: the sessions are not in its process group."""
    begun = [sys.executable, "-m", "pam_rollback.ops.drills", "gradual", "emergency", "--at-once", "1"]
    environment = {**os.environ, "STORY_TAKES_S": "60"}
    with subprocess.Popen(
        begun, cwd=root, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        end_s = time.monotonic() + 30
        while not (root / "out-test_gradual").exists():
            assert time.monotonic() < end_s
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGINT)
        out, _ = running.communicate(timeout=30)

    assert running.returncode == 11, out
    assert "1 not begun" in out
    assert not (root / "out-test_emergency").exists()
