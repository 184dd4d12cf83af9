"""From a planted fault to the open incident with its command, and the memory of the watch meanwhile: one watch on the sandbox, 15 s looks.

The fault begins at any moment between two looks. Told is what the team's channel got; a tracker listens to the same hooks.
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
from collections.abc import Callable
from pathlib import Path

from options_parts.command_line import size_options

from pam_rollback.sandbox.launch import launch
from pam_rollback.sandbox.remote import Remote

ROOT = Path(__file__).resolve().parent.parent
EVERY_S = 15
ROUNDS = 20
_WITHIN_S = 180
_SEEN_EVERY_S = 0.2


def told(journal: Path, what: str) -> int:
    """Of how many incidents somebody was told that; each listener is told."""
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
    events = [json.loads(line) for line in lines if line.endswith("}")]
    return len({event["key"] for event in events if event["event"] == "told" and event["what"] == what})


def seconds_until(holds: Callable[[], bool]) -> float:
    """How long it took."""
    start_s = time.monotonic()
    while not holds():
        if time.monotonic() - start_s > _WITHIN_S:
            sys.exit(f"not seen within {_WITHIN_S} s")
        time.sleep(_SEEN_EVERY_S)
    return time.monotonic() - start_s


def resident_mb(pid: int) -> float:
    """What the process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Break, wait until it is told, mend, wait until that is told."""
    rounds = size_options(__doc__, rounds=ROUNDS).parse_args().rounds
    lot = random.Random()  # noqa: S311 - moments, not secrets
    with tempfile.TemporaryDirectory() as folder, launch(Path(folder) / "sandbox.toml") as state_file:
        state = tomllib.loads(Path(state_file).read_text(encoding="utf-8"))
        remote = Remote(state["sandbox"]["control_url"], state["sandbox"]["token"])
        journal = Path(folder) / "state" / state.get("name", "sandbox") / "watch.jsonl"
        command = [sys.executable, "-m", "pytest", "-m", "watch", f"--env={state_file}", f"--look-every={EVERY_S}s"]
        command += ["--turn=1d", f"--state-dir={folder}/state", f"--run-dir={folder}/run"]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as watch:
            try:
                seconds_until(journal.exists)
                time.sleep(2 * EVERY_S)
                delays, memory = [], [resident_mb(watch.pid)]
                for done in range(rounds):
                    time.sleep(lot.uniform(0, EVERY_S))
                    remote.plant("errors", share=1.0)
                    delays.append(seconds_until(lambda n=done: told(journal, "incident-opened") > n))  # type: ignore[misc]
                    remote.clear_all()
                    seconds_until(lambda n=done: told(journal, "incident-closed") > n)  # type: ignore[misc]
                    memory.append(resident_mb(watch.pid))
                    sys.stdout.write(f"{done + 1}: told after {delays[-1]:.1f} s; {memory[-1]:.0f} MB\n")
                    sys.stdout.flush()
            finally:
                watch.send_signal(signal.SIGINT)
        sys.stdout.write(
            f"median {statistics.median(delays):.1f} s of {len(delays)} (largest {max(delays):.1f} s), looks every {EVERY_S} s; "
            f"memory {memory[0]:.0f} MB at the beginning, {memory[-1]:.0f} MB at the end\n"
        )


if __name__ == "__main__":
    main()
