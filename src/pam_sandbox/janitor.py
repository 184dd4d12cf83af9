"""Removes what a sandbox left behind when it was killed.

Runs as a process of its own (`python -I janitor.py`), in a session of its own, and holds the reading end of a pipe. The sandbox
writes down, one JSON object a line, what exists: processes (with their start mark, so that a reused pid is never hit), folders and
files. When the pipe closes, however that came about, whatever is still there is ended or removed. Standard
library only, because it lives as long as the sandbox and is to stay small.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

GRACE_S = 3.0
"""How long a process that was asked to end may take before it is killed."""
_PAUSE_S = 0.02
_FOLDER_WITHIN_S = 60.0
"""A helper of a killed program, which nobody noted, may write for so long on a busy machine."""
_STAYS_GONE_S = 5.0
"""Such a helper, like git's, makes the folder anew: after a kill it is looked at for so long."""


def start_mark(pid: int) -> str | None:
    """Something that tells two processes with the same pid apart; None when there is no such process (a zombie is none)."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None if sys.platform == "linux" else _start_mark_by_ps(pid)
    state, started = fields[0], fields[19]
    return None if state in "ZX" else started


def _start_mark_by_ps(pid: int) -> str | None:
    listed = subprocess.run(  # noqa: S603  (a number is the only variable part)
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return None if not listed or listed.startswith("Z") else listed.partition(" ")[2].strip()


class Belongings:
    """What exists of one sandbox, as its lines told it."""

    def __init__(self) -> None:
        self._processes: dict[int, tuple[str, int]] = {}
        self._folders: list[Path] = []
        self._files: dict[Path, int] = {}
        self._in_order = False

    def note(self, line: dict[str, Any]) -> None:
        """Take one line of the sandbox into account."""
        match line:
            case {"process": int(pid), "mark": str(mark), "signal": int(number)}:
                self._processes[pid] = (mark, number)
            case {"ended": int(pid)}:
                self._processes.pop(pid, None)
            case {"folder": str(path)}:
                self._folders.append(Path(path))
            case {"file": str(path), "inode": int(inode)}:
                self._files[Path(path)] = inode
            case {"in_order": True}:
                self._in_order = True

    def sweep(self) -> None:
        """End and remove all of it; what is gone already is fine."""
        for path, inode in self._files.items():
            _remove_file(path, inode)
        for number in (None, signal.SIGKILL):
            for pid in self._alive():
                _send(pid, self._processes[pid][1] if number is None else number)
            end_s = time.monotonic() + GRACE_S
            while self._alive() and time.monotonic() < end_s:
                time.sleep(_PAUSE_S)
        for folder in self._folders:
            _remove_folder(folder, gone_for_s=0.0 if self._in_order else _STAYS_GONE_S)

    def _alive(self) -> list[int]:
        return [pid for pid, (mark, _) in self._processes.items() if start_mark(pid) == mark]


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
        os.kill(pid, signal.SIGCONT)  # a stopped process takes no other signal
    except OSError:
        return  # ended between the look and the signal


def _remove_file(path: Path, inode: int) -> None:
    try:
        if path.stat().st_ino == inode:  # another sandbox may have its own file there by now
            path.unlink()
    except OSError:
        return  # gone already


def _remove_folder(folder: Path, *, gone_for_s: float) -> None:
    end_s = time.monotonic() + _FOLDER_WITHIN_S
    seen_s = time.monotonic()
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        now_s = time.monotonic()
        if folder.exists():
            seen_s = now_s
        elif now_s - seen_s >= gone_for_s:
            return
        if now_s >= end_s:
            return
        time.sleep(_PAUSE_S)


def main() -> None:
    """Listen until the sandbox is gone, then sweep."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    belongings = Belongings()
    for line in sys.stdin:
        if line.endswith("\n"):  # the last line of a killed writer may be cut
            belongings.note(json.loads(line))
    belongings.sweep()


if __name__ == "__main__":
    main()
