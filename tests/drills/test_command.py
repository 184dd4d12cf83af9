"""``make drill`` runs one story, ``make drills`` each in a session of its own: what they print, how they end, and how they are stopped."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pam_rollback.drills import __main__ as command
from pam_rollback.drills import service
from pam_rollback.drills.rules.side_by_side import Drilled
from pam_rollback.plan.plan import load_plan
from pam_rollback.plan.stories import STORIES, preferred
from pam_rollback.report.redaction import Redactor
from pam_rollback.report.run_record import read, write
from pam_rollback.report.verdict import Outcome
from tests.sessions import ROOT

CONFTEST = '''
"""A session that prints what a real one prints, and ends as it was told to."""
import json, pathlib, time
TOLD = pathlib.Path("told.json")


def pytest_report_header(config):
    story = pathlib.Path(config.args[0]).stem
    folder = pathlib.Path(f"out-{story}")
    (folder / "after-it").mkdir(parents=True, exist_ok=True)
    told = json.loads(TOLD.read_text()).get(story, {"codes": [0], "late": 0})
    lines = [{"anchor": {"monotonic_s": 0, "wall_s": 0}, "rate_hz": 1, "first_due_s": 0, "timeout_s": 5, "journeys": {"history": 1}}]
    for tick in range(100):
        lag_s = 0.9 if tick < told["late"] else 0
        line = {"tick": tick, "due_s": tick, "sent_s": tick + lag_s, "latency_ms": 20, "journey": "history", "ok": True, "why": ""}
        lines.append({**line, "status": 200, "release": None})
    (folder / "after-it" / "timeline.jsonl").write_text("".join(json.dumps(line) + chr(10) for line in lines))
    return [f"run: {story} · folder: {folder}"]


def pytest_sessionfinish(session):
    story = pathlib.Path(session.config.args[0]).stem
    runs = pathlib.Path(f"runs-{story}")
    before = len(runs.read_text()) if runs.exists() else 0
    runs.write_text("." * (before + 1))
    codes = json.loads(TOLD.read_text()).get(story, {"codes": [0]})["codes"]
    session.exitstatus = codes[min(before, len(codes) - 1)]
'''
TEST = "import os, time\ndef test_it():\n    time.sleep(float(os.environ.get('STORY_TAKES_S', '0')))\n"
FLAGS, GRADUAL = "test_feature_flag", "test_gradual"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose stories take no time."""
    (tmp_path / "drills").mkdir()
    for story in STORIES:
        (tmp_path / service.file_of(story)).write_text(TEST, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (tmp_path / "told.json").write_text("{}", encoding="utf-8")
    (tmp_path / "plan.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:cacheprovider")
    return tmp_path


def tell(root: Path, **stories: dict[str, object]) -> None:
    """How the sessions of these stories end, first and then, and how many of their probes are late."""
    (root / "told.json").write_text(json.dumps(stories), encoding="utf-8")


def test_the_preferred_strategy_is_the_plans() -> None:
    """The plan names it first, and says so in its title."""
    assert preferred(load_plan(ROOT / "plan.toml")) == "feature-flag"
    assert (
        "preferred"
        in (ROOT / "plan.toml").read_text(encoding="utf-8").partition("[strategies.ST-1]")[2].splitlines()[2]
    )


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


def test_each_story_is_a_line_and_the_worst_decides(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And a record for whoever compares them."""
    tell(root, test_gradual={"codes": [10], "late": 0})

    code = command.main([], root=root)

    lines = capsys.readouterr().out.splitlines()
    assert code == 10
    assert {line.split()[0] for line in lines if " % late " in line} == set(STORIES)
    assert max(map(len, lines)) <= 80
    assert lines[-1].startswith("REHEARSAL NO-GO  9 of 10 drills are GO, in ")
    records = {one["story"]: one for one in json.loads((root / "reports/out/drills.json").read_text("utf-8"))}
    assert (records["gradual"]["code"], records["gradual"]["verdict"]) == (10, "NO-GO")
    assert records["emergency"]["folder"].endswith("out-test_emergency")
    assert "passed" in (root / "out-test_gradual" / "output.txt").read_text("utf-8")


def test_what_is_waited_for_is_told_at_once_and_every_minute(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which drills run, and how long already; nothing of it while others end."""
    monkeypatch.setenv("STORY_TAKES_S", "1")
    heard: list[list[str]] = []

    def still(running: Sequence[tuple[str, float]]) -> None:
        heard.append([story for story, _ in running])

    service.Drills(root, cores=2, at_once=2, still=still).run(["feature-flag", "gradual"])
    once = len(heard)
    service.Drills(root, cores=1, at_once=1, still=still, still_every_s=0.2).run(["emergency"])

    assert heard[0] == ["feature-flag", "gradual"]
    assert once == 1
    assert len(heard) > 3
    assert heard[-1] == ["emergency"]


def test_a_line_of_what_is_waited_for_fits(capsys: pytest.CaptureFixture[str]) -> None:
    """80 columns, whatever runs."""
    command._still([("frontend-restore", 61.2), ("backend-provider", 59.0), ("full-system", 2.1e-05)])

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("running           frontend-restore 1 min 1 s, backend-provider 59 s, ")
    assert " ".join(" ".join(lines).split()).endswith("full-system 0 s")
    assert max(map(len, lines)) <= 80


def test_a_job_hears_of_all_drills(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A note, a warning or an error with the verdict, and the table in its summary; nobody else gets either."""
    summary = root / "summary.md"
    command.main(["emergency"], root=root)
    assert "::" not in capsys.readouterr().out

    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    tell(root, test_gradual={"codes": [10], "late": 0})
    command.main(["emergency", "gradual"], root=root)

    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("::error title=REHEARSAL NO-GO::REHEARSAL NO-GO  1 of 2 drills are GO, in ")
    assert summary.read_text(encoding="utf-8").startswith("## ❌ REHEARSAL NO-GO 1 of 2 drills are GO, in ")


def test_the_verdict_does_not_wait_for_the_reports(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told with the table before one of them is built, and again in the last line."""
    told: list[str] = []
    monkeypatch.setattr(command, "_write_page", lambda *_: None)
    monkeypatch.setattr(command, "_report", lambda *_: told.append(capsys.readouterr().out))

    command.main(["emergency", "--report"], root=root)

    verdict = "REHEARSAL GO  1 of 1 drills are GO, in "
    assert told[0].splitlines()[-1].startswith(verdict)
    assert capsys.readouterr().out.splitlines()[-1].startswith(verdict)


def test_the_end_compares_the_strategies(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By criteria, with the recovery of each beside what the plan asks for; a drill without a record judged nothing. 80 columns at most."""
    folder = root / "run"
    folder.mkdir()
    shutil.copy(ROOT / "tests" / "samples" / "run.json", folder)
    done = [Drilled("feature-flag", 0, 1.0, 0.0, str(folder)), Drilled("backend-provider", 11, 1.0, None)]

    command._tell_all(done)

    head, *rows = [line for line in capsys.readouterr().out.splitlines() if line]
    assert head.split()[-5:] == ["RTO", "RPO", "rest", "recovery", "asked"]
    assert rows[0].split()[:2] == ["feature-flag", "ok"]
    assert rows[0].endswith(" s  30 s")
    assert set(rows[1].split()[1:]) == {"-"}
    assert max(map(len, [head, *rows])) <= 80


def test_why_a_drill_is_no_go_is_told_once(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who stopped it, one line for a cause that many tests met, and what did not run as a number; 80 columns at most."""
    before = read(ROOT / "tests" / "samples" / "run.json")
    offline = [
        replace(
            before.results[0], nodeid=f"checks/test_a.py::test_{n}", outcome=Outcome.UNKNOWN, message="offline " * 20
        )
        for n in range(9)
    ]
    left = [
        replace(one, nodeid=f"{one.nodeid}_left", outcome=Outcome.NOT_RUN, message="not reached") for one in offline
    ]
    record = replace(
        before, verdict="ACTION FAILED", exit_code=12, reasons=("stopped by SIGTERM",), results=(*offline, *left)
    )
    folder = root / "20261128T023641Z-sandbox-7991"
    folder.mkdir()
    write(record, folder / "run.json", Redactor([]))

    command._tell(Drilled("full-system", 12, 101.0, 0.0, str(folder)), " · alone")

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "full-system       ACTION FAILED 101 s, 0.0 % late · alone"
    assert lines[1] == "  20261128T023641Z-sandbox-7991"
    assert " ".join(lines).count("offline offline") <= 20
    assert sum("UNKNOWN" in line for line in lines) == 1
    assert lines[-1].startswith("  not run: 9 tests, ")
    assert "stopped by SIGTERM" in "\n".join(lines)
    assert max(map(len, lines)) <= 80


def test_what_could_not_be_measured_is_run_again_alone(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once, and that is said; what it says then decides."""
    tell(root, test_gradual={"codes": [11, 0], "late": 40}, test_feature_flag={"codes": [11, 11], "late": 0})

    code = command.main(["gradual", "feature-flag", "emergency"], root=root)

    out = capsys.readouterr().out
    assert code == 11
    assert out.count("again in the end, alone") == 2
    # In the order in which they ended.
    assert {line.split()[0] for line in out.splitlines() if "· alone" in line} == {"gradual", "feature-flag"}
    assert "REHEARSAL INCONCLUSIVE  2 of 3 drills are GO" in out


def test_a_late_prober_means_fewer_at_once(root: Path) -> None:
    """Seen by how many run at the same time."""
    tell(root, **{name: {"codes": [0], "late": 40} for name in (FLAGS, GRADUAL)})
    runner = service.Drills(root, cores=2, at_once=2)

    runner.run(["feature-flag", "gradual"])

    assert runner.at_once == 1


def test_a_signal_reaches_each_session_once_and_no_other_begins(root: Path) -> None:
    """Ctrl-C in the terminal, too: the sessions are not in its process group."""
    begun = [sys.executable, "-m", "pam_rollback.drills", "gradual", "emergency", "--at-once", "1"]
    environment = {**os.environ, "STORY_TAKES_S": "60"}
    with subprocess.Popen(
        begun, cwd=root, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        end_s = time.monotonic() + 30
        while not (root / "out-test_gradual" / "after-it" / "timeline.jsonl").exists():
            assert time.monotonic() < end_s
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGINT)
        out, _ = running.communicate(timeout=30)

    assert running.returncode == 11, out
    assert "1 not begun" in out
    assert not (root / "out-test_emergency").exists()
