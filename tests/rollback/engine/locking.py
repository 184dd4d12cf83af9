"""A session in a process of its own that takes the locks and does what it is told: it can be killed, frozen, or another user's."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SESSION = """
import codecs, os, sys
from contextlib import ExitStack
from pathlib import Path
from pam_rollback.rollback.lock import Shared, claim_of, sole_writer
from pam_rollback.rollback.git import open_repository
from pam_rollback.rollback.git_command import GitCommand
from pam_rollback.rollback.writer_lock import GitLocks
from pam_rollback.base.wait import before_change
from pam_rollback.base.errors import ActionFailed, Refused
from pam_rollback.rollback.locks import LockTarget
folder, run, remote, every_s, *targets = sys.argv[1:]
claim = claim_of("production", who="Ada", run=run)
if os.environ["OTHER_USER"] and os.geteuid() == 0:
    # Only here: the interpreter may lie where others may not read.
    codecs.lookup("ascii"); os.setgroups([]); os.setgid(65534); os.setuid(65534)
print("ready", flush=True)
sys.stdin.readline()
with ExitStack() as stack:
    shared = None
    if remote:
        locks = GitLocks(stack.enter_context(open_repository(GitCommand(remote))))
        shared = Shared(locks, renewed_every_s=float(every_s))
    try:
        with sole_writer(claim, [LockTarget(name, name) for name in targets], folder=Path(folder), shared=shared) as lock:
            print("held", lock.warnings, flush=True)
            for line in sys.stdin:
                word, _, rest = line.strip().partition(" ")
                if word == "note":
                    lock.note(rest)
                    print("noted", flush=True)
                elif word == "change":
                    try:
                        before_change(rest)
                        print("sent", lock.warnings, flush=True)
                    except ActionFailed as error:
                        print("stopped", error, flush=True)
                else:
                    break
        print("released", lock.warnings, flush=True)
    except Refused as error:
        print("refused", error, flush=True)
"""


@contextmanager
def session(
    folder: Path,
    run: str,
    *targets: str,
    remote: Path | None = None,
    every_s: float = 30.0,
    temporary: Path | None = None,
    other_user: bool = False,
) -> Iterator[subprocess.Popen[str]]:
    """A session, ready to take the locks. ``folder`` stands for its machine.

    ``other_user``: where we are root it is nobody; else it is us, who may not open a file of mode 0 either.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", SESSION, str(folder), run, str(remote or ""), str(every_s), *targets],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        # What a killed one leaves behind is left there.
        env={**os.environ, "TMPDIR": str(temporary or folder), "OTHER_USER": "1" if other_user else ""},
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
