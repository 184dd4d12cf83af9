"""How long from the start of the process to the verdict on PAM's health: the suite against the plan's own script.

Both ask the same sandbox, in turns within one run, with 0 to 250 ms of added latency.
"""

import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from options_parts.command_line import size_options

from pam_sandbox.launch import launch
from pam_sandbox.remote import Remote

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "benchmarks" / "plan_health_script.sh"
LATENCIES_MS = (0, 50, 100, 150, 250)
ROUNDS = 7


def seconds(command: list[str]) -> float:
    """Wall time of a command that has to succeed."""
    start_s = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    took_s = time.perf_counter() - start_s
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return took_s


def main() -> None:
    """Measure in turns, print medians and ratios."""
    rounds = size_options(__doc__, rounds=ROUNDS).parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, launch(Path(folder) / "sandbox.toml") as state_file:
        state = tomllib.loads(Path(state_file).read_text(encoding="utf-8"))
        urls, controls = state["urls"], state["sandbox"]
        running_sandbox = Remote(controls["control_url"], controls["token"])
        script = [str(SCRIPT), urls["frontend"], urls["backend"], urls["api"]]
        pytest = [sys.executable, "-m", "pytest", "-m", "health", f"--env={state_file}", "-q"]
        seconds([*pytest, f"--run-dir={folder}/warm-up"])
        print(f"wall time from process start to verdict, median of {rounds} rounds in turns (min-max), seconds")
        print(f"{'latency':>8}  {'plan script':>20}  {'pytest -m health':>20}  {'ratio':>6}  {'own overhead':>12}")
        for latency_ms in LATENCIES_MS:
            running_sandbox.clear_all()
            if latency_ms:
                running_sandbox.plant("delay-all", ms=latency_ms)
            plan_s, suite_s = [], []
            for number in range(rounds):
                plan_s.append(seconds(script))
                suite_s.append(seconds([*pytest, f"--run-dir={folder}/run-{latency_ms}-{number}"]))
            plan, suite = statistics.median(plan_s), statistics.median(suite_s)
            print(
                f"{latency_ms:>5} ms  {_spread(plan_s):>20}  {_spread(suite_s):>20}  {suite / plan:>6.2f}  "
                f"{suite - latency_ms / 1000:>10.2f} s"
            )


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


if __name__ == "__main__":
    main()
