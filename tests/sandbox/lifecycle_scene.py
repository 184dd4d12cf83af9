"""A sandbox that runs by itself, with all that it started, and what must be gone when it has ended."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import pam_rollback
from pam_sandbox.janitor import start_mark
from pam_sandbox.remote import Remote

SOURCE = str(Path(pam_rollback.__file__).parents[1])
COMMAND = [sys.executable, "-m", "pam_sandbox"]
GONE_WITHIN_S = 60
"""A limit for a busy machine, not a measurement: it is over within a second."""
Processes = dict[int, str]


@pytest.fixture
def place() -> Iterator[Path]:
    """A temporary folder for one sandbox, which everybody can pass through, as /tmp."""
    folder = Path(tempfile.mkdtemp(prefix="pam-lifecycle-"))
    folder.chmod(0o755)
    (folder / "tmp").mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder)


def settings(place: Path, **more: str) -> dict[str, str]:
    """The environment of a sandbox whose temporary files are below `place`; it uses the user's own template cache."""
    return {**os.environ, "PYTHONPATH": SOURCE, "TMPDIR": str(place / "tmp"), **more}


@dataclass(frozen=True)
class Running:
    """A supervisor that is ready, with everything it started."""

    process: subprocess.Popen[str]
    state_file: Path
    processes: Processes

    def is_gone(self) -> bool:
        """Whether none of its processes is left."""
        return all(start_mark(pid) != mark for pid, mark in self.processes.items())


@contextmanager
def running(
    place: Path,
    more: Mapping[str, str] | None = None,
    *,
    prefix: tuple[str, ...] = (),
    command: Sequence[str] = COMMAND,
) -> Iterator[Running]:
    """A sandbox with a pipe as its standard input."""
    state_file = place / "state.toml"
    process = subprocess.Popen(
        [*prefix, *command, "--state-file", str(state_file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=settings(place, **(more or {})),
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            line = process.stdout.readline()
            assert line == f"ready {state_file}\n", process.stderr.read()
            yield Running(process, state_file, descendants(process.pid))
        finally:
            assert process.stdin is not None
            process.stdin.close()
            if process.poll() is None:
                process.wait(GONE_WITHIN_S)


def descendants(pid: int) -> Processes:
    """The process and everything below it, each with its start mark."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(child): int(parent) for child, parent in (line.split() for line in listed.splitlines())}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return {number: mark for number in found if (mark := start_mark(number)) is not None}


def eventually(holds: Callable[[], bool], what: str, left: Callable[[], object] = str) -> None:
    """Wait until `holds`; if it never does, say what is left."""
    end_s = time.monotonic() + GONE_WITHIN_S
    while not holds():
        assert time.monotonic() < end_s, f"{what} {left()}"
        time.sleep(0.02)


def assert_nothing_left(place: Path, *, is_gone: Callable[[], bool]) -> None:
    """No process and no file."""
    eventually(is_gone, "a process is left")
    eventually(
        lambda: list((place / "tmp").iterdir()) == [],
        "a temporary file is left:",
        lambda: [*(place / "tmp").rglob("*")][:20],
    )
    eventually(lambda: not (place / "state.toml").exists(), "the state file is left")


def remote_of(state_file: Path) -> Remote:
    """The controls of the sandbox with this file."""
    sandbox = tomllib.loads(state_file.read_text(encoding="utf-8"))["sandbox"]
    return Remote(sandbox["control_url"], sandbox["token"])
