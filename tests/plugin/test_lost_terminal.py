"""A lost terminal stops no rollback that was consented to: it is finished, and its verdict is told elsewhere."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import termios
import threading
from collections.abc import Iterator

import pytest

from pam_rollback.core.wait import Waiter
from tests.sessions import FLAGS, ONLY_HEALTH, Project, Range

STORY = "drills/test_feature_flag.py"
CONSENT = ("--mode", "real", "--execute", "--confirm", "staging", "--initiated-by", "Łukasz", "--reason", "errors")
WITHIN_S = 120


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about how they end."""
    return ONLY_HEALTH


@pytest.fixture
def staging(practice_range: Range, project: Project) -> Iterator[list[str]]:
    """The command of a real rollback: the range calls itself staging."""
    text = practice_range.file.read_text("utf-8").partition("[sandbox]")[0]
    text = text.replace('kind = "sandbox"', 'kind = "staging"\npace = 600').replace(
        'name = "sandbox"', 'name = "staging"'
    )
    (project.folder / "staging.toml").write_text(text, "utf-8")
    project.environment.update(practice_range.variables)
    yield [STORY, "-k", "test_flags_are_off", "--env=staging.toml", *CONSENT]
    practice_range.remote.reset()
    practice_range.as_it_was()


def assert_finished(practice_range: Range, project: Project, rc: int) -> None:
    """The features are off, the journal is whole, the verdict is on record; 11 because one test alone was asked for."""
    record = json.loads((project.run_folder / "run.json").read_text("utf-8"))
    events = [
        json.loads(line)["event"] for line in (project.run_folder / "journal.jsonl").read_text("utf-8").splitlines()
    ]
    flags = practice_range.flags.read_flags()
    assert {flags[name].enabled for name in FLAGS} == {False}
    assert "action-finished" in events
    assert (rc, record["exit_code"], record["verdict"]) == (11, 11, "INCONCLUSIVE"), record["reasons"]
    assert {result["outcome"] for result in record["results"]} == {"passed"}, record["results"]


def told(practice_range: Range) -> str:
    """What the incident channel got, as one text."""
    return "\n".join(message["body"]["text"] for message in practice_range.remote.slack_messages())


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(">&- 2>&- <&-", id="closed"),
        pytest.param("> /dev/full 2>&1", id="full"),
        pytest.param("2>&1 | head -1; exit ${PIPESTATUS[0]}", id="broken-pipe"),
    ],
)
def test_no_stream_is_needed(practice_range: Range, project: Project, staging: list[str], lost: str) -> None:
    """Whatever became of standard output and standard error, the exit code is the verdict's, and the channel has it."""
    command = project.command(*staging)
    ended = subprocess.run(
        ["bash", "-c", f'"$@" {lost}', "bash", *command],
        cwd=project.folder,
        env=project.variables,
        timeout=WITHIN_S,
        check=False,
    )

    assert_finished(practice_range, project, ended.returncode)
    assert "INCONCLUSIVE for feature-flag" in (project.run_folder / "scorecard.txt").read_text("utf-8")
    assert "INCONCLUSIVE for feature-flag" in told(practice_range)


def test_a_terminal_that_is_closed_stops_nothing(practice_range: Range, project: Project, staging: list[str]) -> None:
    """Closed as soon as the action begins: the kernel sends SIGHUP, and writing fails from then on."""
    master, slave = os.openpty()
    with subprocess.Popen(
        project.command(*staging),
        cwd=project.folder,
        env=project.variables,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - the only way to have a controlling terminal
    ) as session:
        os.close(slave)
        threading.Thread(target=read_all, args=(master,), daemon=True).start()
        journal = project.run_folder / "journal.jsonl"
        Waiter().until(journal.is_file, holds=bool, within_s=60, what="the action begins")
        os.close(master)
        rc = session.wait(WITHIN_S)

    assert_finished(practice_range, project, rc)
    assert "standard output was lost (Input/output error)" in told(practice_range)


def read_all(terminal: int) -> None:
    """As somebody who looks on, until it is closed."""
    with contextlib.suppress(OSError):
        while os.read(terminal, 65536):
            pass


def test_nohup_is_respected(practice_range: Range, project: Project) -> None:
    """Checks stop at a hang-up, unless whoever started them said that they should not."""
    outcomes = {}
    for name, before in (("plain", []), ("nohup", ["nohup"])):
        command = project.command("-m", "health", f"--env={practice_range.file}")
        with subprocess.Popen(
            [*before, *command],
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
        outcomes[name] = (session.returncode, any("SIGHUP" in reason for reason in record["reasons"]))

    assert outcomes["nohup"] == (0, False)
    assert outcomes["plain"][1]


def test_a_terminal_of_few_characters(practice_range: Range, project: Project, staging: list[str]) -> None:
    """``LANG=C``, bytes that are not UTF-8 in a name: everything is acted on and shown, other characters as escapes."""
    project.environment |= {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ended = project.run(*staging, "--initiated-by", os.fsdecode(b"Jos\xe9 \xc5\x81"))

    assert_finished(practice_range, project, ended.rc)
    first = (project.run_folder / "journal.jsonl").read_text("utf-8").splitlines()[0]
    assert json.loads(first)["initiated_by"] == "Jos\ufffd \u0141"
    assert ended.out.isascii()
    assert "\\n" not in ended.out
    assert ended.last_line.startswith("INCONCLUSIVE for feature-flag"), ended.out
