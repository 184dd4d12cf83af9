"""What the load engine can do and how true its figures are, beside others on the same target in turns. Loopback only.

1. At full speed: requests a second, and for each second of processor, of this engine, plain Locust, wrk and autocannon (ceilings; the
   missing ones are named), and two processes of the engine beside one. The target is nginx where it is found, else a server in Python,
   which is slower than wrk: then wrk's figure is the target's.
2. At a fixed rate with 50 to 400 ms added by the server: the client's p50, p95 and p99 beside the server's own record of each request.
3. Three seconds of outage in a minute, judged with a limit of the error rate that the whole run keeps.
"""

import contextlib
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from load_parts.generators import Generator, Speed, found, two_processes
from options_parts.command_line import size_options

from pam_rollback.load.client.locust import run_load
from pam_rollback.load.rules.order import LoadJourney, LoadOrder, LoadShape, LoadTarget
from pam_rollback.load.rules.record import LoadRecord
from pam_rollback.load.rules.verdict import judge
from pam_rollback.plan.plan import load_plan
from pam_rollback.stats.percentiles import percentile

PARTS = Path(__file__).resolve().parent / "load_parts"
ROUNDS, SECONDS = 3, 8
LATENCY_RATE_HZ, LATENCY_S = 100.0, 40
OUTAGE_RATE_HZ, OUTAGE_RUN_S, LENIENT_PCT = 40.0, 60, 10.0
WITHIN_PCT, WITHIN_MS, TWO_MIN, CORES_MIN = 5.0, 5.0, 1.5, 0.8
_END_S = 30.0


@contextlib.contextmanager
def own_target(kind: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The server in Python: its address, and its process."""
    command = [sys.executable, str(PARTS / "target.py"), kind]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}", process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@contextlib.contextmanager
def fast_target() -> Iterator[tuple[str, str]]:
    """The fastest server that is here: its name and its address."""
    nginx = shutil.which("nginx")
    if nginx is None:
        with own_target("plain") as (url, _):
            yield "a server in Python (no nginx here)", url
        return
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        configuration = (
            (PARTS / "nginx.conf").read_text(encoding="utf-8").replace("PORT", str(port)).replace("FOLDER", folder)
        )
        Path(folder, "nginx.conf").write_text(configuration, encoding="utf-8")
        process = subprocess.Popen([nginx, "-p", folder, "-c", f"{folder}/nginx.conf"], stderr=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{port}"
            until_it_answers(url)
            yield "nginx, 1 process", url
        finally:
            process.terminate()
            process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def until_it_answers(url: str) -> None:
    """Wait, with a limit."""
    last_s = time.monotonic() + _END_S
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=1):  # noqa: S310 - loopback
                return
        except urllib.error.URLError:
            if time.monotonic() > last_s:
                raise
            time.sleep(0.05)


def at_full_speed(scale: float) -> bool | None:
    """Everybody in turns against one target. Gives whether two processes are enough faster than one; None when that is not known."""
    rounds, seconds = max(round(ROUNDS * scale), 1), max(round(SECONDS * scale), 4)
    generators, missing = found()
    generators.append(two_processes())
    with fast_target() as (name, url):
        speeds = [
            {generator.name: generator.speed(url, seconds) for generator in in_turn(generators, turn)}
            for turn in range(rounds)
        ]
    print(f"\nAt full speed, 32 connections, {rounds} rounds of {seconds} s in turns, medians; target: {name}")
    if missing:
        print(f"not here: {', '.join(missing)}")
    print(
        f"{'generator':28} {'requests/s':>11} {'cores':>6} {'per CPU second':>15} {'of wrk':>8} {'of plain Locust':>16}"
    )
    per_cpu = {one.name: median(speeds, one.name, "requests_per_cpu_s") for one in generators}
    for one in generators:
        of = [
            f"{per_cpu[one.name] / per_cpu[other]:.2f}" if other in per_cpu else "-"
            for other in ("wrk", "plain Locust, 1 process")
        ]
        got = [median(speeds, one.name, what) for what in ("requests_hz", "cores")]
        print(f"{one.name:28} {got[0]:11.0f} {got[1]:6.2f} {per_cpu[one.name]:15.0f} {of[0]:>8} {of[1]:>16}")
    single, double = "this engine, 1 process", "this engine, 2 processes"
    twice = statistics.median(turn[double].requests_hz / turn[single].requests_hz for turn in speeds)
    alone = 2 * per_cpu[double] / per_cpu[single]
    cores = median(speeds, single, "cores")
    known = cores >= CORES_MIN
    print(
        f"two processes beside one: {twice:.2f} times as many requests a second (aim {TWO_MIN:g}), {alone:.2f} with a core for each"
    )
    if not known:
        print(
            f"not known here: one process got {cores:.2f} of a core, something else has the machine; {CORES_MIN:g} are needed"
        )
    return twice >= TWO_MIN if known else None


def in_turn(generators: list[Generator], turn: int) -> list[Generator]:
    """Another one begins each round."""
    first = turn % len(generators)
    return generators[first:] + generators[:first]


def median(speeds: list[dict[str, Speed]], name: str, what: str) -> float:
    """Of all rounds."""
    return float(statistics.median(getattr(turn[name], what) for turn in speeds))


def with_known_latency(scale: float) -> bool | None:
    """Open model. Gives whether client and server agree; None when the machine had no time for either of them."""
    record, server = recorded("latency", LATENCY_RATE_HZ, max(round(LATENCY_S * scale), 5))
    client_ms = [one.latency_ms for one in record.requests if one.left]
    server_ms = server["latencies_ms"]
    lag_ms = [one.lag_ms for one in record.requests if one.left]
    print(
        f"\nAt {LATENCY_RATE_HZ:g} requests a second with 50 to 400 ms added: {len(client_ms)} asked, {len(server_ms)} seen by the server"
    )
    print(f"{'':6} {'client':>9} {'server':>9} {'apart':>9} {'lag':>9}")
    agree = len(client_ms) == len(server_ms)
    for pct in (50, 95, 99):
        client, own, lag = (percentile(each, pct).value for each in (client_ms, server_ms, lag_ms))
        agree &= abs(client - own) <= max(WITHIN_MS, own * WITHIN_PCT / 100)
        print(f"p{pct:<5} {client:6.1f} ms {own:6.1f} ms {client - own:+6.1f} ms {lag:6.1f} ms")
    print(f"within {WITHIN_PCT:g} % or {WITHIN_MS:g} ms: {'yes' if agree else 'NO'}")
    late_ms = percentile(lag_ms, 95).value
    if not agree and late_ms > WITHIN_MS:
        print(
            f"not known here: requests left {late_ms:.1f} ms late (p95), something else has the machine; {WITHIN_MS:g} ms are needed"
        )
        return None
    return agree


def with_an_outage() -> bool:
    """Gives whether it is a breach, and by the streak alone."""
    record, server = recorded("outage", OUTAGE_RATE_HZ, OUTAGE_RUN_S)
    limits = load_plan(PARTS.parents[1] / "plan.toml").load_gate
    lenient = limits["LG-3"].model_copy(update={"error_rate_pct_max": LENIENT_PCT})
    verdict = judge(record, {**limits, "LG-3": lenient})
    print(
        f"\nThree seconds of outage in {OUTAGE_RUN_S} s; the server answered {server['bad']} of {len(server['latencies_ms'])} with 503"
    )
    print(f"whole run: {'keeps it' if not verdict.errors.broken else 'BREACH'}: {verdict.errors}")
    print(f"longest bad streak: {'BREACH' if verdict.outage.broken else 'MISSED'}: {verdict.outage}")
    return verdict.outage.broken and not verdict.errors.broken


def recorded(kind: str, rate_hz: float, seconds: float) -> tuple[LoadRecord, dict[str, Any]]:
    """One run of the open model, and the server's own record of it."""
    with own_target(kind) as (url, process), tempfile.TemporaryDirectory() as folder:
        record = run_load(
            LoadOrder(
                targets=(LoadTarget(addresses={"api": url}),),
                journeys=(LoadJourney(name="health", path="/health"),),
                shape=LoadShape(name="arrivals", rate_hz=rate_hz),
                duration_s=seconds,
            ),
            folder=Path(folder) / "run",
        )
        out, _ = process.communicate(timeout=_END_S)
    return record, json.loads(out.splitlines()[-1])


def main() -> int:
    """Everything, one after the other."""
    scale = size_options(__doc__, scale="about 8 minutes").parse_args().scale
    kept = [at_full_speed(scale), with_known_latency(scale), with_an_outage()]
    print(f"\naims: {kept.count(True)} of {len(kept)} kept, {kept.count(None)} not known")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
