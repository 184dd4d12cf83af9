"""Ten real minutes of observation, watched from outside: whoever observes for hours must not grow.

``python -m tests.soak [MINUTES]`` starts a sandbox, has a session hold the success criteria for so long, and looks every few seconds at the
memory and the open handles of each of its processes: the session, the prober, the ledger. Linux only: it reads /proc.

What the session remembers of each probe grows with the number of probes, which is known; that much is allowed, and nothing else.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pam_rollback.sandbox.launch import launch
from tests.sessions import ROOT

PLAN_MINUTES = 15
EVERY_S = 3.0
SETTLED_SHARE = 0.3
"""By then everything is imported, and caches are full."""
GROWTH_MB_MAX = 4.0
"""Between the median of the second third and that of the last one."""
PROBES_HZ, PROBE_KB = 50, 0.8
"""How often the sandbox is probed, and what a session keeps of each probe: its fields, and its line of the record while it is read."""
HANDLES_MAX = 4
_LONGEST_S = 600
_READINGS_MIN = 10
_KB_PER_MB = 1024


@dataclass
class Seen:
    """Readings of one process, in order."""

    memory_mb: list[float] = field(default_factory=list)
    handles: list[int] = field(default_factory=list)

    def thirds(self) -> tuple[slice, slice]:
        """The one in the middle and the last, of what came after the start."""
        n = len(self.memory_mb)
        start = round(n * SETTLED_SHARE)
        middle = start + (n - start) // 2
        return slice(start, middle), slice(middle, n)

    @property
    def growth_mb(self) -> float:
        """How much more it held in the last part than in the one before."""
        before, after = self.thirds()
        return statistics.median(self.memory_mb[after]) - statistics.median(self.memory_mb[before])

    @property
    def more_handles(self) -> int:
        """The same for open files and sockets, at their most: each exchange has some for a moment."""
        before, after = self.thirds()
        return max(self.handles[after]) - max(self.handles[before])


def family(pid: int) -> Iterator[int]:
    """The process and all that it started."""
    children: Mapping[int, list[int]] = _children()
    waiting = [pid]
    while waiting:
        current = waiting.pop()
        yield current
        waiting += children.get(current, [])


def _children() -> Mapping[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name stands in brackets and may hold anything.
            parent = int(status.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        except OSError:
            continue  # it ended meanwhile
        found[parent].append(int(status.parent.name))
    return found


def look(pid: int, seen: dict[str, Seen]) -> None:
    """Read one process, if it is still there."""
    place = Path("/proc") / str(pid)
    try:
        words = place.joinpath("cmdline").read_bytes().split(b"\0")
        status = place.joinpath("status").read_text(encoding="utf-8")
        handles = len(list(place.joinpath("fd").iterdir()))
    except OSError:
        return
    module = words[words.index(b"-m") + 1].decode() if b"-m" in words else Path(words[0].decode()).name
    resident = next((line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")), None)
    if resident is not None:
        one = seen[module]
        one.memory_mb.append(int(resident) / _KB_PER_MB)
        one.handles.append(handles)


def watch(session: "subprocess.Popen[str]", seconds: float) -> Mapping[str, Seen]:
    """Look at the session and what it started until it ends. Raises SystemExit when it does not."""
    seen: dict[str, Seen] = defaultdict(Seen)
    end_s = time.monotonic() + seconds + _LONGEST_S
    while session.poll() is None:
        if time.monotonic() > end_s:
            session.kill()
            sys.exit(f"the session did not end within {seconds + _LONGEST_S:.0f} s")
        for pid in family(session.pid):
            look(pid, seen)
        time.sleep(EVERY_S)
    return seen


def judge(seen: Mapping[str, Seen], seconds: float) -> list[str]:
    """Who grew, and a line for everybody who was seen for most of the time."""
    readings = max((len(one.memory_mb) for one in seen.values()), default=0)
    problems = [] if readings * EVERY_S > seconds / 2 else [f"only {readings} readings: nothing is known"]
    for name, one in sorted(seen.items()):
        if len(one.memory_mb) < max(_READINGS_MIN, readings / 2):
            continue
        allowed_mb = GROWTH_MB_MAX + (_kept_mb(seconds) if name == "pytest" else 0)
        print(  # noqa: T201 - a command's own output
            f"{name:48} {one.memory_mb[-1]:7.1f} MB at the end, {one.growth_mb:+.1f} MB (allowed {allowed_mb:+.1f}); "
            f"{max(one.handles)} handles at most, {one.more_handles:+d}"
        )
        if one.growth_mb > allowed_mb:
            problems.append(f"{name} grew by {one.growth_mb:.1f} MB")
        if one.more_handles > HANDLES_MAX:
            problems.append(f"{name} had {one.more_handles} handles more")
    return problems


def _kept_mb(seconds: float) -> float:
    """What the session rightly keeps more between the two parts: the probes of half the time after the start."""
    return PROBES_HZ * PROBE_KB * seconds * (1 - SETTLED_SHARE) / 2 / _KB_PER_MB


def main() -> int:
    """0 when nobody grew and the session was GO."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument(
        "minutes", metavar="MINUTES", type=float, nargs="?", default=10.0, help="how long; 10 unless told"
    )
    minutes: float = parser.parse_args().minutes
    if not 0 < minutes <= PLAN_MINUTES:
        parser.error(f"MINUTES: expected more than 0 and at most {PLAN_MINUTES}, the plan's window, found {minutes:g}")
    if not Path("/proc/self/status").exists():
        parser.error("this machine has no /proc: the memory of other processes cannot be read here")
    with tempfile.TemporaryDirectory() as folder, launch(Path(folder) / "sandbox.toml") as file:
        command = [
            *(sys.executable, "-m", "pytest", "-m", "window", f"--pace={PLAN_MINUTES / minutes:g}"),
            *(f"--env={file}", f"--run-dir={folder}/run"),
        ]
        with (Path(folder) / "session.txt").open("w+", encoding="utf-8") as out:
            session = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, text=True
            )
            seen = watch(session, minutes * 60)
            out.seek(0)
            said = out.read()
    problems = judge(seen, minutes * 60)
    if session.returncode:
        problems.append(f"the session ended with {session.returncode}:\n{said[-3000:]}")
    print("\n".join(problems) or f"flat for {minutes:g} minutes")  # noqa: T201 - a command's own output
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
