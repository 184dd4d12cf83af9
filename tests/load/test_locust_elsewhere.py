"""Load from other machines: workers in network namespaces of their own, which see this machine through a cable only."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import pam_rollback
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.wait import Waiter
from pam_rollback.load.client.locust import run_load
from pam_rollback.load.rules.order import LoadOrder
from pam_rollback.load.rules.record import LoadRecord
from tests.load_target import LoadTarget

SOURCE = Path(pam_rollback.__file__).parents[1]
HERE = "10.213.1.1"
PORT = 25_571


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=10)


def _namespaces_can_be_made() -> bool:
    if not shutil.which("ip"):
        return False
    name = f"pam-try-{os.getpid()}"
    try:
        _ip("netns", "add", name)
        _ip("netns", "del", name)
    except (subprocess.SubprocessError, OSError):
        return False
    return True


needs_namespaces = pytest.mark.skipif(
    not _namespaces_can_be_made(), reason="network namespaces cannot be made here: they need ip(8) and root"
)


@dataclass
class Machine:
    """Stands for another machine: a network of its own, with one cable to this one."""

    namespace: str
    folder: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_worker(self, **variables: str) -> subprocess.Popen[bytes]:
        """As the how-to says, in a checkout of this project."""
        command = [
            "-m",
            "locust",
            "-f",
            "load/locustfile.py",
            "--worker",
            "--master-host",
            HERE,
            "--master-port",
            str(PORT),
        ]
        log = (self.folder / f"{self.namespace}.log").open("ab")
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        with log:
            worker = subprocess.Popen(
                ["ip", "netns", "exec", self.namespace, sys.executable, *command],
                cwd=SOURCE.parent,
                env={**kept, "PYTHONPATH": str(SOURCE), **variables},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.workers.append(worker)
        return worker

    @property
    def said(self) -> str:
        """What its workers said."""
        return (self.folder / f"{self.namespace}.log").read_text()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    """Two of them, and this one reachable at HERE."""
    made = []
    try:
        for number in (1, 2):
            namespace, cable = f"pam{number}-{os.getpid()}", f"pamv{number}"
            _ip("netns", "add", namespace)
            made.append(Machine(namespace, tmp_path))
            _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace)
            _ip("addr", "add", f"10.213.{number}.1/30", "dev", cable)
            _ip("link", "set", cable, "up")
            for arguments in (
                ("addr", "add", f"10.213.{number}.2/30", "dev", "eth0"),
                ("link", "set", "eth0", "up"),
                ("link", "set", "lo", "up"),
                ("route", "add", "default", "via", f"10.213.{number}.1"),
            ):
                _ip("-n", namespace, *arguments)
        yield made[0], made[1]
    finally:
        for machine in made:
            for worker in machine.workers:
                worker.kill()
                worker.wait()
            # The namespace's own end of it would go only some time after the namespace.
            _ip("-n", machine.namespace, "link", "del", "eth0")
            _ip("netns", "del", machine.namespace)


@pytest.fixture
def target(machines: tuple[Machine, Machine]) -> Iterator[LoadTarget]:
    """A server that both of them reach."""
    with LoadTarget(HERE) as made:
        yield made


def order(url: str, *, duration_s: float, within_s: float = 40, workers: int = 2) -> LoadOrder:
    """Sixty requests a second as the test account, from machines elsewhere."""
    return LoadOrder.model_validate(
        {
            "targets": [{"addresses": {"api": url}}],
            "journeys": [{"name": "mine", "path": "/mine", "signed_in": True}],
            "sign_in": {"path": "/login", "email": "traveller@example.com", "password": "open sesame"},
            "shape": {"name": "arrivals", "rate_hz": 60},
            "duration_s": duration_s,
            # A limit for what hangs; a busy machine answers late.
            "timeout_s": 15,
            "workers": {"count": workers, "listen": f"{HERE}:{PORT}", "within_s": within_s},
        }
    )


def in_background(work: Callable[[], LoadRecord]) -> tuple[threading.Thread, list[LoadRecord]]:
    """Run it beside the test."""
    records: list[LoadRecord] = []
    thread = threading.Thread(target=lambda: records.append(work()))
    thread.start()
    return thread, records


ACCOUNT = {"TEST_USER_EMAIL": "traveller@example.com", "TEST_USER_PASSWORD": "open sesame"}


@needs_namespaces
@pytest.mark.long_matrix("load from elsewhere")
def test_workers_elsewhere_are_one_load(machines: tuple[Machine, Machine], target: LoadTarget, tmp_path: Path) -> None:
    """The order comes from the session, the password from their own variables; their records come back by themselves, on one clock."""
    for machine in machines:
        machine.start_worker(**ACCOUNT)
    record = run_load(order(target.url, duration_s=3), folder=tmp_path / "run")

    left = [one for one in record.requests if one.left]
    assert len(record.requests) == 180
    # A busy machine may keep a generator for a second; what is not sent then says so.
    assert all(one.left or one.why.startswith("the generator was") for one in record.requests), record
    assert len([one for one in target.requests if one.path == "/mine"]) == len(left) > 60
    assert all(one.ok for one in left), record
    assert Counter(one.worker for one in record.requests) == {worker.name: 90 for worker in record.workers}
    assert {one.header("authorization") for one in target.requests if one.path == "/mine"} == {"Bearer token-1"}
    assert all(worker.lost_s is None and abs(worker.clock_offset_s) < 0.1 for worker in record.workers)
    assert [worker.wait(10) for machine in machines for worker in machine.workers] == [0, 0], "they end with the run"
    written = b"".join(path.read_bytes() for path in (tmp_path / "run").iterdir())
    assert b"open sesame" not in written


@needs_namespaces
@pytest.mark.long_matrix("load from elsewhere")
def test_a_worker_elsewhere_that_is_killed_is_named(
    machines: tuple[Machine, Machine], target: LoadTarget, tmp_path: Path
) -> None:
    """In the middle of the run: the record names it with the moment, what it owed never left, and the other one goes on to the end."""
    workers = [machine.start_worker(**ACCOUNT) for machine in machines]
    thread, records = in_background(lambda: run_load(order(target.url, duration_s=6), folder=tmp_path / "run"))
    # What it did in its last second is lost with it, so there have to be seconds before that.
    Waiter().until(lambda: len(target.requests), holds=lambda n: n > 200, within_s=60, what="the middle of the run")
    os.kill(workers[0].pid, signal.SIGKILL)
    thread.join(60)
    (record,) = records
    (lost,) = [worker for worker in record.workers if worker.lost_s is not None]
    (other,) = [worker for worker in record.workers if worker.lost_s is None]
    by_worker = Counter(one.worker for one in record.requests)
    owed = [one for one in record.requests if one.why == f"its generator {lost.name} went away"]
    went_on = [one for one in record.requests if one.worker == other.name and one.left]

    assert (len(record.requests), record.cut_short, record.workers_expected) == (360, "", 2)
    assert by_worker == {other.name: 180, lost.name: 180}
    assert 10 < len(owed) < 160
    assert all(one.worker == lost.name and not one.left for one in owed)
    # A busy machine may keep the other one from a few; it is not done with less than the whole time.
    assert len(went_on) > 120
    assert went_on[-1].due_s > record.ended_s - 1


@needs_namespaces
@pytest.mark.long_matrix("load from elsewhere")
def test_a_worker_whose_session_is_gone_ends(
    machines: tuple[Machine, Machine], target: LoadTarget, tmp_path: Path
) -> None:
    """Nobody goes on loading a service because the one who asked for it has died."""
    worker = machines[0].start_worker(**ACCOUNT)
    given = order(target.url, duration_s=60, workers=1).model_dump_json()
    program = (
        "import sys; from pathlib import Path; from pam_rollback.load.client.locust import run_load; "
        "from pam_rollback.load.rules.order import LoadOrder; "
        "run_load(LoadOrder.model_validate_json(sys.argv[1]), folder=Path(sys.argv[2]))"
    )
    session = subprocess.Popen(
        [sys.executable, "-c", program, given, str(tmp_path / "run")], env={**os.environ, "PYTHONPATH": str(SOURCE)}
    )
    Waiter().until(lambda: len(target.requests), holds=lambda n: n > 60, within_s=60, what="the beginning of the run")
    session.kill()
    session.wait()

    worker.wait(15)
    assert "Didn't get heartbeat from master" in machines[0].said


@needs_namespaces
@pytest.mark.long_matrix("load from elsewhere")
def test_one_worker_more_than_expected_is_sent_home(
    machines: tuple[Machine, Machine], target: LoadTarget, tmp_path: Path
) -> None:
    """The run is not changed by it, and it says why it went."""
    workers = [machine.start_worker(**ACCOUNT) for machine in machines]
    record = run_load(order(target.url, duration_s=3, workers=1), folder=tmp_path / "run")

    assert (len(record.requests), len(record.workers), record.cut_short) == (180, 1, "")
    assert all(one.ok for one in record.requests if one.left), record
    assert sorted(worker.wait(20) for worker in workers) == [0, 3]
    assert "the master does not need this worker: 1 are enough" in machines[0].said + machines[1].said


@pytest.mark.long_matrix("load from elsewhere")
@needs_namespaces
@pytest.mark.parametrize(
    ("variables", "words"),
    [
        pytest.param({}, "TEST_USER_EMAIL is not set on that machine", id="no secret there"),
        pytest.param(None, "0 of 2 generators signed on", id="nobody came"),
    ],
)
def test_who_is_not_ready_in_time_is_said(
    machines: tuple[Machine, Machine],
    target: LoadTarget,
    tmp_path: Path,
    variables: dict[str, str] | None,
    words: str,
) -> None:
    """The session does not wait for ever, and says what is missing and how a worker is started."""
    for machine in machines:
        if variables is not None:
            machine.start_worker(**variables)
    with pytest.raises(MeasurementFailed, match=words) as failed:
        run_load(order(target.url, duration_s=3, within_s=3 if variables is None else 40), folder=tmp_path / "run")

    assert f"--worker --master-host {HERE} --master-port {PORT}" in str(failed.value)
