"""How true the measured outages are, and what the prober costs, against a server whose outages are known to its own clock.

2.0 s of 503, 3.5 s of a black hole (accepts, never answers), 1.2 s of slow answers and a flap, at moments drawn by a seed, under 200
requests a second of other load. In the same run: the prober at 50 probes a second, read as the product reads it
(probe/recovery.py), and a poll every second and every two seconds. Then the prober's memory, at 200 probes a second.
"""

import contextlib
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from options_parts.command_line import size_options

from pam_rollback.core.wait import Waiter
from pam_rollback.probe.journeys import Journey, ProbeConfig
from pam_rollback.probe.observer import Prober
from pam_rollback.probe.recovery import OutageRule, find_outages
from pam_rollback.probe.timeline import Timeline
from pam_rollback.stats.percentiles import percentile
from pam_rollback.target.expectation import Expect

PARTS = Path(__file__).resolve().parent / "observation_parts"
REPETITIONS, SAMPLES = 10, 3_000
PROBES_HZ, FAST_HZ, LOAD_HZ = 50.0, 200.0, 200.0
RULE = OutageRule(limit_pct=10.0, slow_ms=500.0)
"""As plugin/topics/probe.py has it on the sandbox."""
ACTS = (
    ("2.0 s of 503", (("error", 0.0, 2.0),)),
    ("3.5 s black hole", (("hole", 0.0, 3.5),)),
    ("1.2 s slow", (("slow", 0.0, 1.2),)),
    ("flap, 2.4 s", (("error", 0.0, 0.4), ("error", 1.0, 1.4), ("error", 2.0, 2.4))),
)
GOOD_BETWEEN_S = (5.5, 7.5)
"""Longer than what joins two bad times into one outage, also as a poll every two seconds sees them."""
MEDIAN_MS_MAX, WORST_MS_MAX, CPU_PCT_MAX, LAG_P99_MS_MAX, MEMORY_RATIO_MAX = 20.0, 100.0, 15.0, 20.0, 1.1
HOURS = 4
_NEAR_S = 1.0
_SEED = 4
_END_S = 30.0


@dataclass(frozen=True)
class Span:
    """A time in which the service was bad, true or measured. Monotonic seconds."""

    start_s: float
    end_s: float
    what: str = ""

    def near(self, other: "Span") -> bool:
        """Whether the two can mean the same outage."""
        return self.start_s <= other.end_s + _NEAR_S and other.start_s <= self.end_s + _NEAR_S


@dataclass(frozen=True)
class Found:
    """What one way of watching made of the true outages."""

    errors: dict[str, list[tuple[float, float, float]]]
    """By kind of outage: start, end and length, measured less true, in milliseconds."""
    missed: int
    """Not found, or found as several."""
    false: int
    """Found, and there was none."""

    def column(self, place: int) -> list[float]:
        """All errors of the start (0), the end (1) or the length (2), without their sign."""
        return [abs(errors[place]) for of_kind in self.errors.values() for errors in of_kind]


@contextlib.contextmanager
def helper(name: str, *arguments: object) -> Iterator["subprocess.Popen[str]"]:
    """A process of its own that ends when this one does."""
    command = [sys.executable, str(PARTS / f"{name}.py"), *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def ended(process: "subprocess.Popen[str]") -> Any:
    """Close its stdin, and give the JSON that it says at its end."""
    out, _ = process.communicate(timeout=_END_S)
    return json.loads(out.splitlines()[-1])


def plot(start_s: float, repetitions: int) -> tuple[list[tuple[str, float, float]], list[Span], float]:
    """The script for the server, the outages as the rule counts them, and when all is over."""
    chance = random.Random(_SEED)  # noqa: S311 - no secret
    acts, truth, at_s = [], [], start_s
    for _ in range(repetitions):
        for what, parts in ACTS:
            at_s += chance.uniform(*GOOD_BETWEEN_S)
            # Lengths that are multiples of the time between two probes would be measured without any error.
            stretch = 1 + chance.uniform(0, 1 / PROBES_HZ)
            acts += [(kind, at_s + stretch * from_s, at_s + stretch * to_s) for kind, from_s, to_s in parts]
            truth.append(Span(at_s, at_s + stretch * parts[-1][2], what))
            at_s = truth[-1].end_s
    return acts, truth, at_s + GOOD_BETWEEN_S[1]


def compared(measured: Sequence[Span], truth: Sequence[Span]) -> Found:
    """Hold what was measured against the truth."""
    errors: dict[str, list[tuple[float, float, float]]] = {what: [] for what, _ in ACTS}
    missed = 0
    for true in truth:
        same = [span for span in measured if span.near(true)]
        if len(same) != 1:
            missed += 1
            continue
        start_ms, end_ms = (same[0].start_s - true.start_s) * 1000, (same[0].end_s - true.end_s) * 1000
        errors[true.what].append((start_ms, end_ms, end_ms - start_ms))
    return Found(errors, missed, sum(1 for span in measured if not any(span.near(true) for true in truth)))


def polled(polls: Sequence[tuple[float, bool]]) -> list[Span]:
    """From the first bad poll to the next good one; bad times are joined as the rule joins them."""
    spans: list[Span] = []
    since_s: float | None = None
    for sent_s, good in polls:
        if not good and since_s is None:
            since_s = sent_s
        elif good and since_s is not None:
            if spans and since_s - spans[-1].end_s <= RULE.merge_s:
                since_s = spans.pop().start_s
            spans.append(Span(since_s, sent_s))
            since_s = None
    return spans


def probe_config(port: int, rate_hz: float) -> ProbeConfig:
    """One journey, judged by its body."""
    expect = Expect(content_type="application/json", json_values={"status": "healthy"})
    journey = Journey(name="health", url=f"http://127.0.0.1:{port}/health", expect=expect)
    return ProbeConfig(journeys=(journey,), rate_hz=rate_hz, timeout_s=5)


def cpu_s(pid: int) -> float:
    """Seconds of processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """What it holds of the machine's memory."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def until_settled(prober: Prober, moment_s: float) -> None:
    """Wait until every probe due before the moment is recorded."""
    prober.wait_for_first(1, within_s=_END_S)

    def settled_s() -> float:
        prober.check()
        return prober.timeline.settled_s

    Waiter().until(
        settled_s,
        holds=lambda found_s: found_s >= moment_s,
        within_s=moment_s - time.monotonic() + _END_S,
        what="the end of the script",
        every_s=0.5,
    )


@dataclass(frozen=True)
class Watched:
    """Everything of the first part."""

    ways: dict[str, Found]
    cpu_pct: float
    lag_p99_ms: float
    unmeasured: int
    n: int
    load: dict[str, Any]
    server: dict[str, float]


def watch(folder: Path, repetitions: int) -> Watched:
    """Play the script under load, and watch it in all ways at once."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(helper("server"))
        assert server.stdout is not None
        assert server.stdin is not None
        port = int(server.stdout.readline())
        load = stack.enter_context(helper("load", port, LOAD_HZ))
        pollers = {every_s: stack.enter_context(helper("poll", port, every_s, RULE.slow_ms)) for every_s in (1.0, 2.0)}
        prober = stack.enter_context(Prober(probe_config(port, PROBES_HZ), folder / "timeline.jsonl"))
        prober.wait_for_first(50, within_s=_END_S)
        acts, truth, over_s = plot(time.monotonic(), repetitions)
        server.stdin.write(json.dumps(acts) + "\n")
        server.stdin.flush()
        used_s, since_s = cpu_s(prober.pid), time.monotonic()
        until_settled(prober, over_s)
        cpu_pct = 100 * (cpu_s(prober.pid) - used_s) / (time.monotonic() - since_s)
        samples = prober.timeline.samples(since_s=since_s, until_s=over_s)
        polls = {every_s: ended(process) for every_s, process in pollers.items()}
        load_said, server_said = ended(load), ended(server)
    outages, _ = find_outages(samples, RULE)
    ways = {f"prober, {PROBES_HZ:g}/s": compared([Span(o.started_s, o.ended_s or math.inf) for o in outages], truth)}
    ways |= {f"poll, {every_s:g} s": compared(polled(found), truth) for every_s, found in polls.items()}
    lags = [math.inf if sample.lag_ms is None else sample.lag_ms for sample in samples]
    unmeasured = sum(1 for sample in samples if not sample.measured())
    lag_p99_ms = sorted(lags)[math.ceil(0.99 * len(lags)) - 1]
    return Watched(ways, cpu_pct, lag_p99_ms, unmeasured, len(samples), load_said, server_said)


def memory(folder: Path, samples: int) -> tuple[float, float, float]:
    """The prober's memory in MB after ``samples`` samples and after ten times as many, and a reader's bytes a sample."""
    timeline = folder / "fast.jsonl"
    with helper("server") as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        with Prober(probe_config(port, FAST_HZ), timeline) as prober:
            until_settled(prober, prober_start_s(prober) + samples / FAST_HZ)
            early_mb = resident_mb(prober.pid)
            until_settled(prober, prober_start_s(prober) + 10 * samples / FAST_HZ)
            late_mb = resident_mb(prober.pid)
    tracemalloc.start()
    read = Timeline(timeline).samples()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return early_mb, late_mb, held / len(read)


def prober_start_s(prober: Prober) -> float:
    """When its first probe was due."""
    prober.wait_for_first(1, within_s=_END_S)
    return prober.timeline.header.first_due_s


def main() -> int:
    """Measure, print; 1 when a figure is not what was asked."""
    scale = size_options(__doc__, scale="10 repetitions and 30,000 samples, 9 minutes").parse_args().scale
    repetitions, samples = max(1, round(REPETITIONS * scale)), max(300, round(SAMPLES * scale))
    with tempfile.TemporaryDirectory() as folder:
        watched = watch(Path(folder), repetitions)
        early_mb, late_mb, bytes_a_sample = memory(Path(folder), samples)
    good = _print_errors(watched, repetitions)
    print(
        f"\nthe prober at {PROBES_HZ:g}/s: {watched.cpu_pct:.1f} % of a core (asked: below {CPU_PCT_MAX:g}), "
        f"lag p99 {watched.lag_p99_ms:.1f} ms (asked: below {LAG_P99_MS_MAX:g}), "
        f"{watched.unmeasured} of {watched.n} samples late or not sent"
    )
    print(
        f"its memory at {FAST_HZ:g}/s: {early_mb:.1f} MB after {samples} samples, {late_mb:.1f} MB after {10 * samples}: "
        f"ratio {late_mb / early_mb:.3f} (asked: at most {MEMORY_RATIO_MAX:g})"
    )
    hours_mb = bytes_a_sample * PROBES_HZ * 3600 * HOURS / 1e6
    print(
        f"whoever reads them: {bytes_a_sample:.0f} bytes a sample, {hours_mb:.0f} MB for {HOURS} hours at {PROBES_HZ:g}/s"
    )
    fit = watched.cpu_pct < CPU_PCT_MAX and watched.lag_p99_ms < LAG_P99_MS_MAX
    return int(not (good and fit and late_mb / early_mb <= MEMORY_RATIO_MAX))


def _print_errors(watched: Watched, repetitions: int) -> bool:
    """Print the table; gives whether the prober is as true as was asked."""
    said = ", ".join(f"{count} {what}" for what, count in watched.load["answers"].items())
    print(f"other load: {watched.load['per_s']:.0f} a second ({said})")
    print(
        f"the server's own lag: p99 {watched.server['lag_p99_ms']:.1f} ms, most {watched.server['lag_max_ms']:.1f} ms"
    )
    print(f"\n{repetitions} repetitions of {len(ACTS)} outages; error against the truth, median / worst, ms")
    print(f"{'':24} {'found':>8} {'false':>6} {'start':>15} {'end':>15} {'length':>15} {'to prober':>10}")
    prober, *_ = watched.ways.values()
    own = statistics.median(prober.column(2) or [math.nan])
    for way, found in watched.ways.items():
        total = len(found.column(0)) + found.missed
        cells = [_cell(found.column(place)) for place in range(3)]
        ratio = statistics.median(found.column(2) or [math.nan]) / own
        print(
            f"{way:24} {total - found.missed:>3} of {total:<2} {found.false:>5} "
            f"{cells[0]:>15} {cells[1]:>15} {cells[2]:>15} {ratio:>9.1f}x"
        )
    print("\nthe prober, outage by outage; measured less true, median (earliest to latest), ms")
    for what, errors in prober.errors.items():
        cells = [_signed([error[place] for error in errors]) for place in range(3)]
        print(f"{what:24} n={len(errors):<3} start {cells[0]:>24}  end {cells[1]:>24}  length {cells[2]:>24}")
    columns = [prober.column(place) for place in range(3)]
    return (
        not prober.missed
        and not prober.false
        and all(statistics.median(column) < MEDIAN_MS_MAX and max(column) < WORST_MS_MAX for column in columns)
    )


def _cell(errors: list[float]) -> str:
    return f"{statistics.median(errors):.0f} / {max(errors):.0f}" if errors else "-"


def _signed(errors: list[float]) -> str:
    if not errors:
        return "-"
    return f"{percentile(errors, 50).value:+.1f} ({min(errors):+.1f} to {max(errors):+.1f})"


if __name__ == "__main__":
    sys.exit(main())
