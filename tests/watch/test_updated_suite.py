"""The checkout below a running watch is updated: it goes on with the code that it began with, to the end of its turn, and says so."""

import os
import shutil
import signal
from pathlib import Path

from tests.fault_rows.watch import OUTAGE
from tests.observation.test_windows import prober_of
from tests.session.drilling import runbook_with, wait_for
from tests.sessions import ROOT, SCREEN, RunningSandbox

ANOTHER_VERSION = 'raise ImportError("this is another version")\n'


def test_it_goes_on_with_what_it_began_with(tmp_path: Path, running_sandbox: RunningSandbox) -> None:
    """Also where it loads something for the first time, or starts another prober: an outage is found, and its page written."""
    project = runbook_with(tmp_path, "test_watch.py")
    source = tmp_path / "src"
    shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    project.environment["PYTHONPATH"] = str(source)
    watch = (SCREEN, "-m", "watch", f"--env={running_sandbox.file}", "--look-every=2s", "--turn=20s")

    with project.start(*watch) as session:
        wait_for(project.run_folder / "watch-1.jsonl", '"due_s"')
        for file in (source / "pam_rollback").rglob("*.py"):
            file.write_text(ANOTHER_VERSION, encoding="utf-8")
        os.kill(prober_of(project), signal.SIGKILL)
        running_sandbox.remote.plant(OUTAGE.fault, **OUTAGE.parameters)
        red = project.finish(session)

    assert red.rc == 10, red.out
    assert "another version" not in red.out
    assert "pytest drills/test_" in red.out
    assert red.record["reports"]["html"], red.record["reports"]
    assert any("was updated" in note for note in red.record["notes"]), red.record["notes"]
