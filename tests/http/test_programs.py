"""A program is run to its end, or ended with all that it started; it gets what it is given and nothing else."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pam_rollback.core.wait import Waiter
from pam_rollback.http.programs import last_lines, run_program

PATH = {"PATH": "/usr/bin:/bin"}


def is_running(pid: str) -> bool:
    """A dead process that nobody has fetched yet does not run."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", pid.strip()], capture_output=True, text=True, check=False)
    return shown.stdout.strip()[:1] not in {"", "Z"}


def test_it_is_told_how_it_ended(tmp_path: Path) -> None:
    """Both outputs apart, what it is given, where it runs, and only the variables that it is given."""
    ended = run_program(
        ["sh", "-c", "cat; pwd; env | grep -c HOME; echo oh >&2; exit 3"],
        folder=tmp_path,
        variables=PATH,
        deadline_s=20,
        given="in\n",
    )

    assert (ended.exit_code, ended.succeeded, ended.err) == (3, False, "oh\n")
    assert ended.out == f"in\n{tmp_path}\n0\n"


def test_its_limit_ends_all_that_it_started(tmp_path: Path) -> None:
    """Also what holds its output open, and what takes no notice of being asked."""
    script = "trap '' TERM; (trap '' TERM; echo $$ > it; sleep 60) & sleep 60"
    started_s = time.monotonic()
    ended = run_program(["sh", "-c", script], folder=tmp_path, variables=PATH, deadline_s=1)

    assert ended.exit_code is None
    assert not ended.succeeded
    assert time.monotonic() - started_s < 15
    assert not is_running((tmp_path / "it").read_text(encoding="utf-8"))


def test_what_it_leaves_running_is_ended(tmp_path: Path) -> None:
    """It ends with 0 and has left something behind that would go on working in a folder that is gone."""
    ended = run_program(["sh", "-c", "sleep 60 & echo $!"], folder=tmp_path, variables=PATH, deadline_s=20)

    assert ended.succeeded
    Waiter().until(lambda: is_running(ended.out), holds=lambda running: not running, within_s=10, what="its end")


LISTENS = """
import pathlib, signal, socket, sys, time

signal.signal(signal.SIGTERM, signal.SIG_IGN)
held = b"x" * 500_000_000
listener = socket.create_server(("127.0.0.1", 0))
pathlib.Path(sys.argv[1]).write_text(str(listener.getsockname()[1]))
time.sleep(60)
"""


class _Listens(Exception):  # noqa: N818 - says what it is
    """The program is as far as that."""


def test_the_port_of_what_was_killed_is_free(tmp_path: Path) -> None:
    """A kill takes its time, most of all of what holds much: a port closes after the memory is given back."""
    port = tmp_path / "port"
    command = ["sh", "-c", '"$@" & wait', "sh", sys.executable, "-c", LISTENS, str(port)]

    def end_when_it_listens() -> None:
        if port.exists() and port.read_text(encoding="utf-8"):
            raise _Listens

    with pytest.raises(_Listens):
        run_program(
            command, folder=tmp_path, variables=PATH, deadline_s=50, patience_s=0.1, meanwhile=end_when_it_listens
        )

    with socket.socket() as another:
        another.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        another.bind(("127.0.0.1", int(port.read_text(encoding="utf-8"))))


INITIAL_PROCESS = """
import ctypes, sys
from pathlib import Path
from pam_rollback.http import programs

PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
programs._PATIENCE_S = 600.0
programs.run_program(["sh", "-c", "sleep 60 & echo $! > it"], folder=Path(sys.argv[1]), variables={}, deadline_s=60)
pid = Path(sys.argv[1], "it").read_text().strip()
print(Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0])
"""
"""It gets the orphans and fetches none, as the first process of many a container."""


@pytest.mark.skipif(sys.platform != "linux", reason="what has ended and was not fetched is told apart by /proc")
def test_the_dead_whom_nobody_fetches_are_not_waited_for(tmp_path: Path) -> None:
    """Each call of git leaves one: of a rollback's dozens each would take two seconds longer."""
    run = [sys.executable, "-c", INITIAL_PROCESS, str(tmp_path)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout == "Z\n", done.stderr


def test_whoever_is_interrupted_leaves_nothing_running(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a build."""
    script = (
        "import sys; from pathlib import Path; from pam_rollback.http.programs import run_program\n"
        "run_program(['sh', '-c', 'echo $$ > it; sleep 60'], folder=Path(sys.argv[1]), variables={}, deadline_s=60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stderr=subprocess.DEVNULL) as session:
        pid = tmp_path / "it"
        Waiter().until(
            lambda: pid.exists() and pid.read_text(encoding="utf-8"), holds=bool, within_s=30, what="the program runs"
        )
        session.send_signal(signal.SIGINT)

    assert not is_running(pid.read_text(encoding="utf-8"))


def test_an_interrupt_while_it_starts_leaves_nothing_running(tmp_path: Path) -> None:
    """Ctrl-C between its first instruction and the moment in which its starter knows of it."""
    script = (
        "import os, signal, subprocess, sys; from pathlib import Path\n"
        "from pam_rollback.http.programs import run_program\n"
        "started = subprocess.Popen.__init__\n"
        "def interrupted(self, *given, **named):\n"
        "    started(self, *given, **named); Path('it').write_text(str(self.pid)); os.kill(os.getpid(), signal.SIGINT)\n"
        "subprocess.Popen.__init__ = interrupted\n"
        "run_program(['sleep', '60'], folder=Path(), variables={}, deadline_s=30)"
    )
    began_s = time.monotonic()
    session = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=40
    )

    assert "KeyboardInterrupt" in session.stderr
    assert time.monotonic() - began_s < 25
    assert not is_running((tmp_path / "it").read_text(encoding="utf-8"))


def test_a_log_grows_while_it_runs_and_is_quoted_by_its_end(tmp_path: Path) -> None:
    """Both outputs in order; blank lines are not quoted."""
    log = tmp_path / "log"
    ended = run_program(
        ["sh", "-c", "echo one; echo two >&2; echo; echo three"],
        folder=tmp_path,
        variables=PATH,
        deadline_s=20,
        log=log,
    )

    assert (ended.out, ended.err) == ("", "")
    assert last_lines(log, 2) == "two\nthree"
