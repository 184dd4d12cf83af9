"""A day of a watch in time-lapse: turns of five and a half hours, a look every 15 s, an incident every two hours; memory by the hour.

The real turns with their journal and lease, on a clock that does not wait; what a look finds is written out. Asked is that an hour of the
day's end holds no more than the second one, but for a tenth of a megabyte, and that each incident is told once and closed once.
"""

import gc
import pathlib
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from pathlib import Path

from options_parts.command_line import size_options

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.watch.simulated import DOWN, Simulated, between  # noqa: E402 - found from here on

HOUR_S, TURN_S = 3600.0, 5.5 * 3600
HOURS = 24
BROKEN_S = 600.0
GROWTH_MAX_KB = 100


def held() -> float:
    """KB that are held, without the interpreter's own table of names, which ``pathlib`` fills and which doubles at any moment."""
    names = tracemalloc.Filter(inclusive=False, filename_pattern=pathlib.__file__)
    return sum(one.size for one in tracemalloc.take_snapshot().filter_traces([names]).statistics("filename")) / 1e3


def main() -> int:
    """Watch, and look at the memory each hour."""
    hours = size_options(__doc__, rounds=HOURS).parse_args().rounds
    spans = {(HOUR_S * hour + 60, HOUR_S * hour + 60 + BROKEN_S): DOWN for hour in range(0, hours, 2)}
    told: Counter[str] = Counter()
    held_kb: list[float] = []
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        watch = Simulated(Path(folder), between(spans))

        def pause(seconds: float) -> None:
            watch.clock.sleep(seconds)
            watch.clock.waits.clear()
            if watch.clock.now_s >= HOUR_S * (len(held_kb) + 1):
                told.update(watch.hooks)
                watch.told.clear()
                watch.lines.clear()
                gc.collect()
                held_kb.append(held())

        tracemalloc.start()
        while watch.clock.now_s < hours * HOUR_S:
            watch.watching(min(TURN_S, hours * HOUR_S - watch.clock.now_s), pause=pause).turn()
        journal_kb = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e3
        tracemalloc.stop()
    told.update(watch.hooks)
    grew_kb = held_kb[-1] - held_kb[1]
    print(
        f"{hours} h in {time.monotonic() - began_s:.0f} s, {watch.turns} turns: {len(spans)} incidents, told {dict(told)}; "
        f"held {held_kb[1]:.0f} KB in hour 2, {held_kb[-1]:.0f} KB in the last (at most {GROWTH_MAX_KB} more); "
        f"{journal_kb:.0f} KB of journal"
    )
    once = told["opened"] == told["closed"] == len(spans)
    return 0 if once and grew_kb <= GROWTH_MAX_KB else 1


if __name__ == "__main__":
    sys.exit(main())
