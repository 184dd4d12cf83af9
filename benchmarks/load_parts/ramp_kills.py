"""A thousand kills over whole ramps in simulated time: no stage skipped, repeated or left early, no breach missed.

The real invocation and its real journal file; a flag service that changes one flag after the other and can be killed in between. Every
second ramp breaks at a moment drawn by a seed. Judged by what really happened, never by the journal.

Usage: python benchmarks/load_parts/ramp_kills.py [KILLS]      1000 is the full size: half a minute
"""

import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.ramp.simulated import Tally, kill_over_and_over  # noqa: E402 - found from here on

KILLS, SEED = 1000, 6
FAULTS = ("skipped", "repeated", "left early", "breach missed", "without a yes", "wrong end")


def table(tally: Tally, took_s: float) -> str:
    """Kills by where they happened, and what came of it."""
    where = "\n".join(f"  {point:26} {count:5}" for point, count in sorted(tally.kills.items()))
    found = "\n".join(f"  {fault:26} {tally.found[fault]:5}   (0)" for fault in FAULTS)
    ends = ", ".join(f"{count} {end}" for end, count in sorted(tally.ends.items()))
    return (
        f"ramp: {tally.killed} kills, {tally.ramps} ramps ({ends}), {tally.invocations} invocations, {tally.raises} stages entered, "
        f"{took_s:.0f} s\n killed\n{where}\n found, and what is asked\n{found}"
    )


def main(kills: int = KILLS, seed: int = SEED) -> bool:
    """Run and print; gives whether all is as it is asked for."""
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tally = kill_over_and_over(Path(folder), kills, seed)
    print(table(tally, time.monotonic() - began_s))
    return tally.killed == kills and tally.found.total() == 0


if __name__ == "__main__":
    sys.exit(0 if main(*(int(text) for text in sys.argv[1:2])) else 1)
