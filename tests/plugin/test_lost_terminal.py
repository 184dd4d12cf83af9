"""A lost terminal stops no rollback that was consented to: it is finished, and its verdict is told elsewhere. It waits for nobody."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import termios
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pam_rollback.core.wait import Waiter
from tests.plugin.drilling import CONSENT, as_staging, journal, switched_off, told
from tests.sessions import ONLY_HEALTH, SCREEN, Project, RunningSandbox

STORY = "drills/test_feature_flag.py"
WITHIN_S = 120
HIDES_CURSOR = b"\x1b[?25l"
"""What a live picture begins with."""


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about how they end."""
    return ONLY_HEALTH


@pytest.fixture
def staging(running_sandbox: RunningSandbox, project: Project) -> Iterator[list[str]]:
    """The command of a real rollback: the sandbox calls itself staging."""
    as_staging(running_sandbox, project)
    yield [STORY, "--env=staging.toml", *CONSENT]
    running_sandbox.as_it_was()


def assert_finished(running_sandbox: RunningSandbox, project: Project, rc: int) -> None:
    """The features are off, the journal is whole, the verdict is on record; 11 because one test alone was asked for."""
    record = json.loads((project.run_folder / "run.json").read_text("utf-8"))
    assert switched_off(running_sandbox)
    assert "action-finished" in {entry["event"] for entry in journal(project.run_folder)}
    assert (rc, record["exit_code"], record["verdict"]) == (11, 11, "INCONCLUSIVE"), record["reasons"]
    assert {result["outcome"] for result in record["results"]} == {"passed"}, record["results"]


@pytest.mark.long_matrix
@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(">&- 2>&- <&-", id="closed"),
        pytest.param("> /dev/full 2>&1", id="full"),
        pytest.param("2>&1 | head -1; exit ${PIPESTATUS[0]}", id="broken-pipe"),
    ],
)
def test_no_stream_is_needed(running_sandbox: RunningSandbox, project: Project, staging: list[str], lost: str) -> None:
    """Whatever became of standard output and standard error, the exit code is the verdict's, and the channel has it."""
    command = project.command(*staging, "-k", "test_flags_are_off")
    ended = subprocess.run(
        ["bash", "-c", f'"$@" {lost}', "bash", *command],
        cwd=project.folder,
        env=project.variables,
        timeout=WITHIN_S,
        check=False,
    )

    assert_finished(running_sandbox, project, ended.returncode)
    assert "INCONCLUSIVE for feature-flag" in (project.run_folder / "scorecard.txt").read_text("utf-8")
    assert "INCONCLUSIVE for feature-flag" in told(running_sandbox)


@pytest.mark.parametrize("drawn", [False, True], ids=["at once", "with a picture on it"])
def test_a_terminal_that_is_closed_stops_nothing(
    running_sandbox: RunningSandbox, project: Project, staging: list[str], *, drawn: bool
) -> None:
    """Closed as soon as the action begins, or when the live picture is drawn: SIGHUP comes, and writing fails from then on."""
    shown = bytearray()
    master, slave = os.openpty()
    with subprocess.Popen(
        project.command(*staging, "-k", "test_flags_are_off", SCREEN),
        cwd=project.folder,
        env={**project.variables, "TERM": "xterm-256color"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - the only way to have a controlling terminal
    ) as session:
        os.close(slave)
        threading.Thread(target=read_all, args=(master, shown), daemon=True).start()
        written = project.run_folder / "journal.jsonl"
        Waiter().until(written.is_file, holds=bool, within_s=60, what="the action begins")
        if drawn:
            Waiter().until(lambda: HIDES_CURSOR in shown, holds=bool, within_s=60, what="the picture is drawn")
        os.close(master)
        rc = session.wait(WITHIN_S)

    assert_finished(running_sandbox, project, rc)
    assert "INCONCLUSIVE for feature-flag" in (project.run_folder / "scorecard.txt").read_text("utf-8")
    assert "standard output was lost (Input/output error)" in told(running_sandbox)


def read_all(terminal: int, shown: bytearray) -> None:
    """As somebody who looks on, until it is closed."""
    with contextlib.suppress(OSError):
        while read := os.read(terminal, 65536):
            shown += read


def test_nohup_is_respected(running_sandbox: RunningSandbox, project: Project) -> None:
    """Checks stop at a hang-up (test_stories.py), unless whoever started them said that they should not."""
    command = project.command("-m", "health", f"--env={running_sandbox.file}")
    with subprocess.Popen(
        ["nohup", *command],
        cwd=project.folder,
        env=project.variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as session:
        assert session.stdout is not None
        assert any(b"folder:" in line for line in session.stdout)
        session.send_signal(signal.SIGHUP)
        session.communicate(timeout=WITHIN_S)

    record = json.loads((project.run_folder / "run.json").read_text("utf-8"))
    assert (session.returncode, any("SIGHUP" in reason for reason in record["reasons"])) == (0, False)


def test_it_waits_for_nobody_and_needs_no_measurement(
    running_sandbox: RunningSandbox, project: Project, staging: list[str]
) -> None:
    """Every write of users fails, the channel hangs, the terminal knows few characters: users are helped, and what is unknown says so.

    Told by the order of events, not by clocks: the first message is being sent when the first step begins, and its channel is given up
    when the features are off. ``LANG=C``, bytes that are not UTF-8 in a name: everything is shown, other characters as escapes.
    """
    # One message that hangs shows it: the later levels of the escalation would hang one after the other.
    plan = (project.folder / "plan.toml").read_text(encoding="utf-8")
    for old, new in (("300", "86400"), ("900", "86400"), ("1800", "86400")):
        assert f"from_s = {old}\nwho" in plan
        plan = plan.replace(f"from_s = {old}\nwho", f"from_s = {new}\nwho")
    project.write("plan.toml", plan)
    running_sandbox.remote.plant("errors", share=1)
    running_sandbox.remote.plant("channel-fails", what="slack", how="hangs")
    project.environment |= {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    selected = ("-k", "flags_are_off or acknowledged")
    ended = project.run_apart(*staging, *selected, "--initiated-by", os.fsdecode(b"Jos\xe9 \xc5\x81"))
    lines = journal(project.run_folder)

    assert ended.rc == 11, ended.out
    assert switched_off(running_sandbox)
    assert ended.outcomes()["test_flags_are_off"] == "passed"
    assert ended.outcomes()["test_no_acknowledged_write_is_lost"] == "could not measure"
    begun = place(lines, event="notice-begun", occasion="EM-1", means="slack")
    given_up = place(lines, event="notice", occasion="EM-1", means="slack")
    helped = place(lines, event="step-done", step="switch the features off")
    assert lines[given_up]["problem"], lines[given_up]
    assert begun < helped < given_up, ended.out
    assert next(line for line in lines if line["event"] == "action")["initiated_by"] == "Jos\ufffd \u0141"
    assert ended.out.isascii()
    assert "\\n" not in ended.out
    assert ended.last_line.startswith("INCONCLUSIVE for feature-flag"), ended.out


def place(lines: list[dict[str, Any]], **wanted: object) -> int:
    """Where the line with these facts stands in the journal."""
    return next(at for at, line in enumerate(lines) if all(line.get(name) == value for name, value in wanted.items()))
