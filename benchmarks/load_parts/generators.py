"""Each generator at full speed against one address: how many requests it made, and how much processor it took."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pam_rollback.load.client.locust import run_load
from pam_rollback.load.rules.order import LoadJourney, LoadOrder, LoadShape, LoadTarget, LoadWorkers

PARTS = Path(__file__).resolve().parent
CONNECTIONS = 32
_GRACE_S = 60.0


@dataclass(frozen=True)
class Speed:
    """One generator in one round."""

    requests_hz: float
    requests_per_cpu_s: float
    """What one core could do if it did nothing else; its start is not counted."""

    @property
    def cores(self) -> float:
        """How much of the machine it got."""
        return self.requests_hz / self.requests_per_cpu_s


@dataclass(frozen=True)
class Generator:
    """One way to make load. ``run`` takes an address and a time, and gives how many requests it made."""

    name: str
    run: Callable[[str, int], int]

    def speed(self, url: str, seconds: int) -> Speed:
        """Run for a short and a long time: the difference is what it does once it runs."""
        short_s = max(seconds // 4, 1)
        short, long = self._cost(url, short_s), self._cost(url, seconds)
        return Speed(
            requests_hz=(long[0] - short[0]) / (seconds - short_s),
            requests_per_cpu_s=(long[0] - short[0]) / (long[1] - short[1]),
        )

    def _cost(self, url: str, seconds: int) -> tuple[int, float]:
        before_s = _cpu_s()
        return self.run(url, seconds), _cpu_s() - before_s


def found() -> tuple[list[Generator], list[str]]:
    """Those that are here, and the names of those that are not."""
    engine = Generator("this engine, 1 process", lambda url, seconds: _engine(url, seconds, 1))
    generators = [engine, Generator("plain Locust, 1 process", _plain_locust)]
    missing = []
    for name, run, where in (
        ("wrk", _wrk, "apt install wrk"),
        ("autocannon", _autocannon, "npm install -g autocannon"),
    ):
        if shutil.which(name):
            generators.append(Generator(name, run))
        else:
            missing.append(f"{name} ({where})")
    return generators, missing


def two_processes() -> Generator:
    """The engine with two generators and a master."""
    return Generator("this engine, 2 processes", lambda url, seconds: _engine(url, seconds, 2))


def _engine(url: str, seconds: int, workers: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        record = run_load(
            LoadOrder(
                targets=(LoadTarget(addresses={"api": url}),),
                journeys=(LoadJourney(name="health", path="/health", cached=True),),
                shape=LoadShape(name="steady", users=CONNECTIONS, pause_s=0),
                duration_s=seconds,
                workers=LoadWorkers(count=workers),
            ),
            folder=Path(folder) / "run",
        )
    bad = [one for one in record.requests if not one.ok]
    assert not record.cut_short, record.cut_short
    assert not bad, bad[0]
    return len(record.requests)


def _plain_locust(url: str, seconds: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "-m",
            "locust",
            "-f",
            str(PARTS / "plain_locustfile.py"),
            "--headless",
            "--only-summary",
            "--host",
            url,
        ]
        command += [
            "-u",
            str(CONNECTIONS),
            "-r",
            str(CONNECTIONS),
            "-t",
            f"{seconds}s",
            "--json-file",
            f"{folder}/stats",
        ]
        _said([sys.executable, *command], seconds)
        stats = json.loads(Path(folder, "stats.json").read_text(encoding="utf-8"))
    return sum(int(entry["num_requests"]) for entry in stats)


def _wrk(url: str, seconds: int) -> int:
    said = _said(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", f"{url}/health"], seconds)
    counted = re.search(r"(\d+) requests in", said)
    assert counted, said
    return int(counted[1])


def _autocannon(url: str, seconds: int) -> int:
    said = _said(["autocannon", "-j", "-c", str(CONNECTIONS), "-d", str(seconds), f"{url}/health"], seconds)
    return int(json.loads(said.splitlines()[-1])["requests"]["total"])


def _said(command: list[str], seconds: int) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds + _GRACE_S, check=False, env=kept)
    assert ended.returncode == 0, f"{command[0]} ended with {ended.returncode}: {ended.stderr[-500:]}"
    return ended.stdout


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
