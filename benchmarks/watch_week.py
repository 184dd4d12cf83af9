"""A week of a watch over a healthy service that hiccups, in time-lapse, by the real rules from each answer on: its false incidents.

A probe a second, a look a minute, turns of five and a half hours, with a baseline and the process's memory. By chance one answer in 300
fails; all of them do for 20 s every three hours (a deploy), for 8 s each hour, for 90 s twice a day; they take three times as long for two
minutes three times a day, for 30 s each hour; memory goes up and down by a third. None of it lasts as long as the plan asks for. Of the
decision sessions beside it, one an hour, one of twenty finds a journey broken by chance, and one of fifty tells nothing. In each day's last
hour the service is down for ten minutes, and at each noon users' data are damaged for three hours: each of them has to be one incident, so
that the figure is none of a watch that sees nothing.
"""

import random
import sys
import tempfile
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from options_parts.command_line import size_options

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pam_rollback.decision.fixtures.decision import Watcher  # noqa: E402 - found from here on
from pam_rollback.observation.rules.samples import Sample  # noqa: E402 - as above
from pam_rollback.plan.plan import load_plan  # noqa: E402 - as above
from pam_rollback.records.rules.memory import MemoryReading  # noqa: E402 - as above
from pam_rollback.records.service.memory_lately import Kept  # noqa: E402 - as above
from pam_rollback.stats.distribution import Distribution  # noqa: E402 - as above
from pam_rollback.watch.fixtures.eyes import with_memory  # noqa: E402 - as above
from pam_rollback.watch.rules.looks import Look  # noqa: E402 - as above
from pam_rollback.watch.service.beside import Beside  # noqa: E402 - as above
from tests.watch.decisions import Timed, record  # noqa: E402 - as above
from tests.watch.simulated import DOWN, Simulated  # noqa: E402 - as above

DAYS = 7
DAY_S, HOUR_S, MINUTE_S, TURN_S = 86_400, 3600, 60.0, 5.5 * 3600
OUTAGE_AT_S, OUTAGE_S = 23 * HOUR_S, 600
TYPICAL_MS, SPREAD = 100.0, 0.3
_FAILS_BY_CHANCE = 1 / 300
SESSION_S = 300
_STUMBLES, _TELLS_NOTHING = 1 / 20, 1 / 50


def is_down(at_s: int) -> bool:
    """The outage that is one."""
    return 0 <= at_s % DAY_S - OUTAGE_AT_S < OUTAGE_S


def hiccups(at_s: int) -> bool:
    """All answers fail, for less than the plan's time."""
    return at_s % (3 * HOUR_S) < 20 or 0 <= at_s % HOUR_S - 1000 < 8 or 0 <= at_s % (12 * HOUR_S) - 5 * HOUR_S < 90


def is_slow(at_s: int) -> bool:
    """Answers take three times as long."""
    return 0 <= at_s % HOUR_S - 2000 < 30 or 0 <= at_s % (8 * HOUR_S) - 2 * HOUR_S < 120


@dataclass
class Answers:
    """What a prober saw of that week, up to now."""

    ms: "array[float]"
    ok: bytearray
    settled_s: float = 0.0
    rate_hz: float = 1.0
    journeys: tuple[str, ...] = ("front page", "history")

    def samples(self, since_s: float, until_s: float) -> tuple[Sample, ...]:
        """Of that time."""
        return tuple(
            Sample(at, self.ms[at], self.journeys[at % 2], ok=bool(self.ok[at]), why="" if self.ok[at] else "HTTP 503")
            for at in range(max(0, int(since_s)), min(len(self.ok), int(until_s)))
        )


def answers(days: int, lot: random.Random) -> Answers:
    """Drawn anew for each run."""
    ms, ok = array("f"), bytearray()
    for at in range(days * DAY_S):
        ms.append(lot.lognormvariate(0, SPREAD) * TYPICAL_MS * (3 if is_slow(at) else 1))
        ok.append(not (is_down(at) or hiccups(at) or lot.random() < _FAILS_BY_CHANCE))
    return Answers(ms, ok)


def is_damaged(at_s: float) -> bool:
    """The damage that is one."""
    return 0 <= at_s % DAY_S - 12 * HOUR_S < 3 * HOUR_S


def session(watch: "Simulated", number: int, lot: random.Random) -> Timed:
    """A decision session, with what it finds."""
    at_s = watch.clock.now_s
    found = {"IR-3": DOWN} if is_damaged(at_s) else {"CR-2": DOWN} if lot.random() < _STUMBLES else {}
    told = "HTTP 503" if lot.random() < _TELLS_NOTHING else record(found)
    return Timed(Path(f"decision-{number}"), told, over_at_s=at_s + SESSION_S, now_s=lambda: watch.clock.now_s)


def memory(now: "Simulated", lot: random.Random) -> Iterator[MemoryReading]:
    """Up and down, as a process that collects what it does not need."""
    while True:
        yield MemoryReading(now.clock.now_s, 60 + 20 * ((now.clock.now_s / 900) % 1) + lot.uniform(-2, 2))


def main() -> int:
    """Watch, and count."""
    days = size_options(__doc__, rounds=DAYS).parse_args().rounds
    seed = random.SystemRandom().randrange(10**6)
    lot, plan = random.Random(seed), load_plan(ROOT / "plan.toml")  # noqa: S311 - answers, not secrets
    seen = answers(days, lot)
    before = Distribution.of([lot.lognormvariate(0, SPREAD) * TYPICAL_MS for _ in range(1000)])
    watcher = Watcher(seen, plan, 1.0, before)  # type: ignore[arg-type] # all of an observation that is asked
    states: Counter[str] = Counter()
    began_s = time.monotonic()

    def look(_now_s: float) -> Look:
        now = watch.clock.now_s
        seen.settled_s = now
        findings = tuple(judged.finding for judged in watcher.seen(0).watch.all)
        blind = watcher.blind(0)
        found = with_memory(Look(watch.now().wall_s, findings, blind, early=now < watcher.longest_s + 5), lately, plan)
        states.update(f"{finding.criterion} {finding.state}" for finding in found.findings)
        return found

    unknown = 0
    with tempfile.TemporaryDirectory() as folder:
        watch = Simulated(Path(folder), look)
        readings = memory(watch, lot)
        lately = Kept(lambda: next(readings))

        def pause(_seconds: float) -> None:
            watch.clock.sleep(MINUTE_S)
            watch.clock.waits.clear()

        while watch.clock.now_s < days * DAY_S:
            length_s = min(TURN_S, days * DAY_S - watch.clock.now_s)
            watch.beside = Beside(
                lambda number: session(watch, number, lot), every_s=HOUR_S, within_s=1800, say=watch.lines.append
            )
            unknown += watch.watching(length_s, pause=pause).turn().unknown
    opened = [
        ((one.opened - watch.clock.start).total_seconds(), {seen.criterion for seen in one.found})
        for _, hook, one in watch.told
        if hook.endswith("opened")
    ]
    outages = sum(is_down(int(at_s)) for at_s, _ in opened)
    damages = sum(is_damaged(at_s) and found == {"IR-3"} for at_s, found in opened)
    false = len(opened) - outages - damages
    told = ", ".join(f"{name} {count}" for name, count in sorted(states.items()))
    print(
        f"{days} days in {time.monotonic() - began_s:.0f} s (seed {seed}): {false} false incidents; "
        f"{outages} of {days} outages and {damages} of {days} damages found; {unknown} looks proved nothing; {told}"
    )
    return 0 if (false, outages, damages) == (0, days, days) else 1


if __name__ == "__main__":
    sys.exit(main())
