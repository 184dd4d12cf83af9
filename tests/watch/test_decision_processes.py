"""Decision sessions as processes: what one leaves behind, how one ends that hangs, and what it is not told."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.wait import Waiter
from pam_rollback.report.redaction import Redactor
from pam_rollback.report.run_record import write
from pam_rollback.watch.client.session import Command, Session, starter
from tests.watch.decisions import record

TOLD = """
import os, pathlib, shutil, sys
folder = pathlib.Path(sys.argv[-1].removeprefix("--run-dir="))
folder.mkdir()
"""
LEAVES = f"{TOLD}shutil.copy('run.json', folder / 'run.json')\n"


def session(tmp_path: Path, program: str, *, within_s: float = 60, variables: Mapping[str, str] = {}) -> Session:
    """One of that program, which is told its folder as pytest is."""
    command = Command([sys.executable, "-c", program], tmp_path, {**os.environ, **variables})
    return Session(command, tmp_path / "decision-1", within_s=within_s)


def ended(started: Session) -> Session:
    """The same, when it is over."""
    Waiter().until(lambda: started.is_over, holds=bool, within_s=60, what="the session is over")
    return started


def test_its_record_is_read_and_its_folder_goes_when_nobody_needs_it(tmp_path: Path) -> None:
    """Whatever its exit code: that of a decision is no error."""
    write(record(), tmp_path / "run.json", Redactor({}))
    found = ended(session(tmp_path, f"{LEAVES}sys.exit(11)"))

    assert found.record == record()
    found.forget()
    found.forget()
    assert not found.folder.exists()


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (
            "print('one'); print('ERROR: expected an environment'); raise SystemExit(4)",
            "ended with 4 and no record: ERROR: ",
        ),
        (f"{TOLD}(folder / 'run.json').write_text('{{}}')", "ended with 0 and no record: "),
        (f"{TOLD}(folder / 'run.json').write_text('garbage')", "ended with 0 and no record: "),
        ("import os; os.kill(os.getpid(), 9)", "ended with -9 and no record"),
    ],
    ids=["refused", "empty", "garbage", "killed"],
)
def test_without_a_record_its_last_words_are_the_reason(tmp_path: Path, program: str, words: str) -> None:
    """In one line."""
    with pytest.raises(MeasurementFailed, match=words) as problem:
        _ = ended(session(tmp_path, program)).record

    assert "\n" not in str(problem.value)


def test_what_cannot_be_started_is_a_reason(tmp_path: Path) -> None:
    """Nothing raises in a thread that nobody sees."""
    found = ended(Session(Command(["/no/such/program"], tmp_path, {}), tmp_path / "decision-1"))

    with pytest.raises(MeasurementFailed, match=r"could not be run: .*no/such/program"):
        _ = found.record


def test_one_that_hangs_is_ended_in_time(tmp_path: Path) -> None:
    """With what it started."""
    found = ended(session(tmp_path, "import time; time.sleep(600)", within_s=0.5))

    with pytest.raises(MeasurementFailed, match=r"not over within 0\.5 s"):
        _ = found.record


def test_one_that_is_stopped_may_tidy_up(tmp_path: Path) -> None:
    """The end of a turn waits for it, as long as that takes."""
    program = (
        f"{TOLD}import signal, time\n"
        "def tidy(*_):\n    time.sleep(3); (folder.parent / 'tidy').touch(); os._exit(2)\n"
        "signal.signal(signal.SIGTERM, tidy)\n(folder.parent / 'ready').touch()\ntime.sleep(600)"
    )
    found = session(tmp_path, program)
    Waiter().until((tmp_path / "ready").exists, holds=bool, within_s=60, what="it runs")
    began_s = time.monotonic()
    found.stop()

    assert found.is_over
    assert (tmp_path / "tidy").exists()
    assert time.monotonic() - began_s < 30


def test_it_tells_nobody_but_the_watch(tmp_path: Path) -> None:
    """Neither the state, nor the summary of a job, nor the options of the pytest that watches; secrets it needs."""
    program = f"{TOLD}(folder.parent / 'said').write_text(' '.join(os.environ))"
    kept = {"PYTEST_ADDOPTS": "-x", "PAM_STATE": "git:origin", "PAM_STATE_TOKEN": "x", "GITHUB_STEP_SUMMARY": "/s"}

    ended(session(tmp_path, program, variables={"PAM_ADMIN_TOKEN": "secret", **kept}))
    given = (tmp_path / "said").read_text("utf-8").split()

    assert "PAM_ADMIN_TOKEN" in given
    assert not {*kept} & {*given}


def test_each_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """Below that of the watch."""
    start = starter(Command([sys.executable, "-c", ""], tmp_path, {}), tmp_path)

    assert [ended(start(number)).folder.name for number in (1, 2)] == ["decision-1", "decision-2"]
