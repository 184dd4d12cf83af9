"""Folders of a session are gone with it, and those of a killed one with a later session."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pam_rollback.rollback.git import sweep_abandoned

HOLDS = """
import time
from pam_rollback.rollback.git import scratch_folder
with scratch_folder("tree") as folder:
    (folder / "file").touch()
    print(folder, flush=True)
    time.sleep(60)
"""
HOURS_LATER_S = 7200.0


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody else's folders are near."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


def test_what_a_killed_session_left_is_swept_and_what_a_live_one_holds_is_not(temporary: Path) -> None:
    """However old it is."""
    with subprocess.Popen([sys.executable, "-c", HOLDS], stdout=subprocess.PIPE, text=True) as session:
        assert session.stdout is not None
        folder = Path(session.stdout.readline().strip())
        sweep_abandoned(now_s=time.time() + HOURS_LATER_S)
        assert (folder / "file").exists()

        session.send_signal(signal.SIGKILL)
        session.wait(10)
        sweep_abandoned()
        assert (folder / "file").exists(), "its programs may still be at work"

        sweep_abandoned(now_s=time.time() + HOURS_LATER_S)
        assert list(temporary.iterdir()) == []
