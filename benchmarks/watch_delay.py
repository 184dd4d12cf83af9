"""From a planted fault to the open issue with a command in it: watches of the sandbox side by side, looks every 15 s, and their memory.

A fault begins at any moment between two looks, at another one for each watch. The ideal: three looks of that watch, the first one after
the fault began; what is asked is at most a fifth more in the median. Each watch opens an issue at a stand-in for GitHub by the suite's own
client, and closes it when the fault is gone; only then the next one is planted. Five watches and four rounds are 20 incidents in some
seven minutes; they ask 10 times a second each instead of 50.
"""

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from options_parts.command_line import size_options

from pam_rollback.sandbox.launch import launch
from pam_rollback.sandbox.remote import Remote

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.github_stand_in import REPOSITORY, TOKEN  # noqa: E402 - found from here on
from tests.tracker.github_issues import Issues, stand_in  # noqa: E402 - as above

EVERY_S = 15
LOOKS = 3
WATCHES, ROUNDS = 5, 4
RATIO_MAX = 1.2
GROWTH_MAX_MB = 10
_WITHIN_S = 180
_SEEN_EVERY_S = 0.1


@dataclass(frozen=True)
class Watch:
    """One that is measured."""

    process: subprocess.Popen[bytes]
    issues: Issues
    lease: Path

    def ideal_s(self, planted_s: float) -> float:
        """From the fault to this watch's third look after it, by the time of day of its latest look."""
        latest_s = float(json.loads(self.lease.read_bytes())["at_s"])
        until_next_s = EVERY_S - (planted_s - latest_s) % EVERY_S
        return until_next_s + (LOOKS - 1) * EVERY_S

    @property
    def opened(self) -> int:
        """Issues with a command in them."""
        return sum("pytest drills/" in issue["body"] for issue in self.issues.issues)

    @property
    def closed(self) -> int:
        """Of these, those that are over."""
        return sum(issue["state"] == "closed" for issue in self.issues.issues)

    @property
    def memory_mb(self) -> float:
        """What the process holds."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def until(watches: Sequence[Watch], holds: Callable[[Watch], bool]) -> list[float]:
    """After how many seconds it held, of each watch."""
    start_s = time.monotonic()
    took: dict[int, float] = {}
    while len(took) < len(watches):
        passed_s = time.monotonic() - start_s
        took |= {place: passed_s for place, watch in enumerate(watches) if place not in took and holds(watch)}
        if passed_s > _WITHIN_S:
            sys.exit(f"seen by {len(took)} of {len(watches)} watches within {_WITHIN_S} s")
        time.sleep(_SEEN_EVERY_S)
    return [took[place] for place in range(len(watches))]


def begin(place: int, state_file: Path, folder: Path, stack: ExitStack) -> Watch:
    """A watch with files and issues of its own."""
    text = state_file.read_text(encoding="utf-8")
    file = folder / f"watch-{place}.toml"
    file.write_text(f"{text}\n[probing]\nrate_hz = 10\n", encoding="utf-8")
    file.chmod(0o600)
    issues = stack.enter_context(stand_in())
    state = folder / f"state-{place}"
    command = [sys.executable, "-m", "pytest", "-p", "watch_parts.issues", "-m", "watch", f"--env={file}"]
    command += [f"--look-every={EVERY_S}s", "--turn=1d", f"--state-dir={state}", f"--run-dir={folder}/run-{place}"]
    told = {"ISSUES_AT": issues.url, "ISSUES_OF": REPOSITORY, "ISSUES_TOKEN": TOKEN}
    paths = os.pathsep.join(filter(None, (str(ROOT / "benchmarks"), os.environ.get("PYTHONPATH"))))
    with (folder / f"said-{place}").open("wb") as said:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **told, "PYTHONPATH": paths}, stdout=said, stderr=subprocess.STDOUT
        )
    stack.callback(process.wait)
    stack.callback(process.send_signal, signal.SIGINT)
    name = tomllib.loads(text).get("name", "sandbox")
    watch = Watch(process, issues, state / str(name) / "watch-lease.json")
    try:
        until([watch], lambda one: one.lease.exists())
    except SystemExit:
        sys.stderr.write((folder / f"said-{place}").read_text(encoding="utf-8", errors="replace"))
        raise
    return watch


def main() -> int:
    """Break, wait until every issue is open, mend, wait until every one is closed."""
    rounds = size_options(__doc__, rounds=ROUNDS).parse_args().rounds
    lot = random.Random()  # noqa: S311 - moments, not secrets
    delays: list[float] = []
    ratios: list[float] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        state_file = Path(stack.enter_context(launch(folder / "sandbox.toml")))
        state = tomllib.loads(state_file.read_text(encoding="utf-8"))
        remote = Remote(state["sandbox"]["control_url"], state["sandbox"]["token"])
        watches = []
        for place in range(WATCHES):
            watches.append(begin(place, state_file, folder, stack))
            time.sleep(lot.uniform(0, EVERY_S / 2))
        time.sleep(2 * EVERY_S)
        early = [watch.memory_mb for watch in watches]
        for done in range(rounds):
            time.sleep(lot.uniform(0, EVERY_S))
            planted_s = time.time()
            ideals = [watch.ideal_s(planted_s) for watch in watches]
            remote.plant("errors", share=1.0)
            told = until(watches, lambda watch, n=done: watch.opened > n)  # type: ignore[misc]
            remote.clear_all()
            until(watches, lambda watch, n=done: watch.closed > n)  # type: ignore[misc]
            delays += told
            ratios += [one_s / ideal_s for one_s, ideal_s in zip(told, ideals, strict=True)]
            each = ", ".join(f"{one_s:.1f} ({ideal_s:.1f})" for one_s, ideal_s in zip(told, ideals, strict=True))
            print(f"{done + 1}: issue with a command after {each} s (ideal)", flush=True)
        late = [watch.memory_mb for watch in watches]
    ratio, grew = statistics.median(ratios), max(b - a for a, b in zip(early, late, strict=True))
    print(
        f"median {statistics.median(delays):.1f} s of {len(delays)} (largest {max(delays):.1f} s), looks every {EVERY_S} s; "
        f"{ratio:.2f} of three looks in the median (at most {RATIO_MAX}), largest {max(ratios):.2f}; "
        f"memory {statistics.median(early):.0f} MB at the beginning, {statistics.median(late):.0f} MB at the end"
    )
    return 0 if ratio <= RATIO_MAX and grew <= GROWTH_MAX_MB else 1


if __name__ == "__main__":
    sys.exit(main())
