"""How long the whole verification after a rollback takes, with its browsers: one after the other, and with two workers.

All checks that need no window, on one healthy sandbox, in turns within one run.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from options_parts.command_line import size_options

from pam_sandbox.launch import launch

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 3
WAYS = {
    "-m health": ["-m", "health"],
    "-m integrity": ["-m", "integrity"],
    "-m post_rollback": ["-m", "post_rollback"],
    "-m post_rollback -n 2": ["-m", "post_rollback", "-n", "2"],
}


def main() -> None:
    """Measure in turns, print medians and ratios."""
    rounds = size_options(__doc__, rounds=ROUNDS).parse_args().rounds
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder, launch(Path(folder) / "sandbox.toml") as state_file:
        for number in range(rounds):
            for way, arguments in WAYS.items():
                run = f"--run-dir={folder}/run-{number}-{len(arguments)}-{arguments[1]}"
                command = [sys.executable, "-m", "pytest", *arguments, f"--env={state_file}", run]
                start_s = time.perf_counter()
                done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
                seconds[way].append(time.perf_counter() - start_s)
                if done.returncode != 0:
                    sys.exit(f"{way} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    serial = statistics.median(seconds["-m post_rollback"])
    print(f"wall time from process start to verdict, median of {rounds} rounds in turns (min-max), seconds")
    print(f"{'':24} {'seconds':>22} {'to serial':>10}")
    for way, values in seconds.items():
        median = statistics.median(values)
        spread = f"{median:.1f} ({min(values):.1f}-{max(values):.1f})"
        print(f"{way:24} {spread:>22} {median / serial:>10.2f}")


if __name__ == "__main__":
    main()
