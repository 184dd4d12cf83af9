"""A session in a process of its own that takes the locks and does what it is told: it can be killed, frozen, or another user's."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SESSION = """
import codecs, os, sys
from pathlib import Path
from pam_rollback.core.errors import ActionFailed, Refused
from pam_rollback.core.wait import before_change
from pam_rollback.target.environment_file import load_environment
from pam_rollback.rollback.lock import environment_lock
file, machine, run = sys.argv[1:]
environment = load_environment(file, Path(file).parent, {"TOKEN": "secret"})
if os.environ["OTHER_USER"] and os.geteuid() == 0:
    # Only here: the interpreter may lie where others may not read.
    codecs.lookup("ascii"); os.setgroups([]); os.setgid(65534); os.setuid(65534)
print("ready", flush=True)
sys.stdin.readline()
try:
    with environment_lock(environment, run=run, who="Ada", pushes=False, folder=Path(machine)) as lock:
        print("held", lock.warnings, flush=True)
        for line in sys.stdin:
            word, _, rest = line.strip().partition(" ")
            if word != "change":
                break
            try:
                before_change(rest)
                print("sent", lock.warnings, flush=True)
            except ActionFailed as error:
                print("stopped", error, flush=True)
    print("released", lock.warnings, flush=True)
except Refused as error:
    print("refused", error, flush=True)
"""


@contextmanager
def session(file: Path, machine: Path, run: str, *, other_user: bool = False) -> Iterator[subprocess.Popen[str]]:
    """A session of the environment in ``file``, ready to take its locks. ``machine`` is the folder that stands for its machine.

    ``other_user``: where we are root it is nobody; else it is us, who may not open a file of mode 0 either.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", SESSION, str(file), str(machine), run],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=machine,
        # What a killed one leaves behind is left there.
        env={**os.environ, "TMPDIR": str(machine), "OTHER_USER": "1" if other_user else ""},
    )
    try:
        assert said(process) == "ready"
        yield process
    finally:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def told(process: subprocess.Popen[str], what: str = "") -> None:
    """Let it go on, with this."""
    assert process.stdin is not None
    process.stdin.write(what + "\n")
    process.stdin.flush()


def asked(process: subprocess.Popen[str], what: str = "") -> str:
    """Tell it, and give what it says."""
    told(process, what)
    return said(process)
