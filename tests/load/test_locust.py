"""The load engine's real processes against a real server: what they ask, what they record, and that none of them outlives its parent."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pam_rollback
from pam_rollback.core.errors import MeasurementFailed, StopRequested
from pam_rollback.core.wait import StopFile, Waiter
from pam_rollback.plan.plan import load_plan
from pam_rollback.redeploy.load.locust import recorded_load, run_load
from pam_rollback.redeploy.load.order import LoadOrder, load_order
from pam_rollback.redeploy.load.record import LoadRecord, LoadRequest
from pam_rollback.target.environment_file import load_environment
from tests.certificate import own_certificate
from tests.load_target import LoadTarget

SIGN_IN = {"path": "/login", "email": "traveller@example.com", "password": "open sesame"}
SOURCE = Path(pam_rollback.__file__).parents[1]


@pytest.fixture
def target() -> Iterator[LoadTarget]:
    """A server that keeps connections and remembers what it was asked."""
    with LoadTarget() as made:
        yield made


def order(url: str, **changes: Any) -> LoadOrder:
    """Two seconds of fifty requests a second, unless a test wants something else."""
    plain = {
        "targets": [{"addresses": {"api": url}}],
        "journeys": [{"name": "health", "path": "/health"}],
        "rate_hz": 50,
        "duration_s": 2,
        # A limit for what hangs; a busy machine answers late.
        "timeout_s": 10,
    }
    return LoadOrder.model_validate({**plain, **changes})


def that_left(record: LoadRecord) -> list[LoadRequest]:
    """What left. A busy machine may keep a generator for a second: what is not sent then says so, and is less than half."""
    left = [one for one in record.requests if one.left]
    kept = {one.why for one in record.requests if not one.left}
    assert all(why.startswith("the generator was") for why in kept), kept
    assert 2 * len(left) > len(record.requests)
    return left


def eventually(condition: Callable[[], object], what: str, within_s: float = 40) -> None:
    """Wait for a condition, with a limit."""
    Waiter().until(condition, holds=bool, within_s=within_s, what=what, every_s=0.05)


def processes_of(folder: Path) -> list[int]:
    """The engine's processes that write to this folder, whoever their parent is now."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            environment = (entry / "environ").read_bytes() if entry.name.isdecimal() else b""
        except OSError:
            continue
        if f"PAM_LOAD_FOLDER={folder}".encode() in environment.split(b"\0"):
            found.append(int(entry.name))
    return found


def in_background(work: Callable[[], LoadRecord]) -> tuple[threading.Thread, list[LoadRecord]]:
    """Run it beside the test."""
    records: list[LoadRecord] = []
    thread = threading.Thread(target=lambda: records.append(work()))
    thread.start()
    return thread, records


def test_a_hang_slows_nothing_down_and_is_recorded_as_such(target: LoadTarget, tmp_path: Path) -> None:
    """All requests leave in time and wait as users would, from the due time on; too late an answer is a failure, and no other's answer."""
    target.hang(from_s=0.4, until_s=1.6)
    # More are given up than may be out at a time: each place is free again.
    record = run_load(order(target.url, timeout_s=0.4, outstanding_max=25), folder=tmp_path / "run")
    left = that_left(record)
    given_up = [one for one in left if one.why == "no whole answer within 0.4 s"]
    answered = [one for one in left if one.ok and 1.25 < one.due_s - record.began_s < 1.55]

    assert len(record.requests) == 100
    assert {one.why for one in left} == {"", "no whole answer within 0.4 s"}
    assert len(given_up) > 25, Counter(one.why for one in record.requests)
    assert all(one.latency_ms >= 399 for one in given_up)
    assert answered
    for one in answered:
        # The server's clock began with the first request, so the hang ends at this moment or later.
        assert one.latency_ms >= (record.began_s + 1.6 - one.due_s) * 1000 - 50


@pytest.mark.long_matrix("what a load records")
def test_requests_that_find_no_greenlet_are_recorded(target: LoadTarget, tmp_path: Path) -> None:
    """Three may be out at a time and the target hangs: what was due meanwhile never left, and is not forgotten."""
    target.hang(from_s=0.2, until_s=1.5)
    record = run_load(order(target.url, outstanding_max=3, timeout_s=3), folder=tmp_path / "run")
    never = [one for one in record.requests if not one.left]

    assert len(record.requests) == 100
    assert 40 <= len(never) <= 90
    assert {one.why for one in never} == {"overrun: 3 requests are still out"}


def test_two_releases_are_asked_in_turns_at_the_due_times(tmp_path: Path) -> None:
    """Request i is due at i / rate, each is recorded with its lag; each release gets the journeys by their weights, as the test account."""
    with LoadTarget() as stable, LoadTarget() as candidate:
        record = run_load(
            order(
                "",
                targets=[
                    {"name": "stable", "addresses": {"api": stable.url}},
                    {"name": "candidate", "addresses": {"api": candidate.url}},
                ],
                journeys=[
                    {"name": "history", "path": "/history?limit=2", "signed_in": True, "weight": 3},
                    {
                        "name": "login",
                        "path": "/login",
                        "method": "POST",
                        "body": {"email": "{email}", "password": "{password}"},
                        "expect": {"json_keys": ["access_token"]},
                    },
                ],
                sign_in=SIGN_IN,
            ),
            folder=tmp_path / "run",
        )

    assert [round(one.due_s - record.began_s, 5) for one in record.requests] == [n / 50 for n in range(100)]
    assert [one.target for one in record.requests] == ["stable", "candidate"] * 50
    counts = Counter((one.target, one.journey) for one in record.requests)
    left = that_left(record)
    assert all(one.ok and one.status == 200 and one.lag_ms is not None and one.lag_ms >= 0 for one in left), record
    for server, name in ((stable, "stable"), (candidate, "candidate")):
        queries = [request.query for request in server.requests if request.path == "/history"]
        assert len(set(queries)) == len(queries), "each address is unique, so that no cache answers"
        assert len(queries) == sum((one.target, one.journey) == (name, "history") for one in left)
    assert {file.name for file in record.files} >= {"locust_stats.csv", "locust.html"}
    assert (record.cut_short, record.workers[0].requests) == ("", 100)
    for name in ("stable", "candidate"):
        assert (counts[name, "history"], counts[name, "login"]) in {(37, 13), (38, 12)}
    asked = [request for request in stable.requests if request.path == "/history"]
    assert {request.header("authorization") for request in asked} == {"Bearer token-1"}
    login = [json.loads(request.body) for request in candidate.requests if request.path == "/login"]
    assert login[0] == {"email": SIGN_IN["email"], "password": SIGN_IN["password"]}


def test_answers_are_judged_by_what_is_expected(target: LoadTarget, tmp_path: Path) -> None:
    """A page where JSON belongs, another status, a closed connection, none at all: each failure is in words, and says back no secret."""
    target.replies = {
        "/page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\nopen sesame!",
        "/bad": b"HTTP/1.1 503 Busy\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        "/closed": b"",
        "/moved": b"HTTP/1.1 302 Found\r\nLocation: /health\r\nContent-Length: 0\r\n\r\n",
        "/broken": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    }
    record = run_load(
        order(
            "",
            targets=[{"addresses": {"api": target.url, "site": "http://127.0.0.1:9"}}],
            journeys=[
                {"name": "page", "path": "/page", "expect": {"json_keys": ["status"]}},
                {"name": "bad", "path": "/bad"},
                {"name": "closed", "path": "/closed", "method": "POST", "body": {}},
                {"name": "moved", "path": "/moved"},
                {"name": "broken", "path": "/broken"},
                {"name": "down", "path": "/", "part": "site"},
            ],
            sign_in=SIGN_IN,
            duration_s=1,
        ),
        folder=tmp_path / "run",
    )

    assert all(one.left and not one.ok for one in record.requests)
    assert {(one.journey, one.status, one.why) for one in record.requests} == {
        ("down", None, "refused the connection"),
        ("page", 200, "not a JSON object: '[redacted]!'"),
        ("bad", 503, "HTTP 503 instead of 200"),
        ("closed", None, "closed the connection without a whole answer"),
        ("moved", 302, "HTTP 302 instead of 200"),
        ("broken", 200, "the body did not come whole"),
    }
    assert not any(request.path == "/health" for request in target.requests), "a redirect is an answer"
    assert b"open sesame" not in b"".join(path.read_bytes() for path in (tmp_path / "run").iterdir())


def test_an_account_that_cannot_sign_in_is_no_load_test(target: LoadTarget, tmp_path: Path) -> None:
    """Asking as nobody would measure refusals."""
    target.replies = {"/login": b"HTTP/1.1 401 No\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"}
    mine = order(target.url, journeys=[{"name": "mine", "path": "/mine", "signed_in": True}], sign_in=SIGN_IN)
    with pytest.raises(MeasurementFailed, match="sign-in: HTTP 401 without an access_token") as failed:
        run_load(mine, folder=tmp_path / "run")

    assert "open sesame" not in str(failed.value)


@pytest.mark.long_matrix("what a load records")
def test_a_session_that_was_ended_is_begun_again(target: LoadTarget, tmp_path: Path) -> None:
    """A rollback may end sessions. The failures are told; then the engine signs in again, once and not with every request."""
    mine = order(
        target.url,
        journeys=[{"name": "mine", "path": "/mine", "signed_in": True}],
        sign_in=SIGN_IN,
        rate_hz=40,
        duration_s=4,
    )
    thread, records = in_background(lambda: run_load(mine, folder=tmp_path / "run"))
    # Later than 2 s after the sign-in: one attempt in that time is enough for all.
    eventually(lambda: len(target.requests) > 105, "the middle of the run")
    target.tokens = 2
    thread.join(60)
    (record,) = records
    refused = [one for one in record.requests if one.status == 401]

    assert 1 <= len(refused) < 30
    assert {one.why for one in refused} == {"HTTP 401 instead of 200"}
    assert record.requests[-1].ok
    assert sum(request.path == "/login" for request in target.requests) == 2


MACHINES = """
name = "machines"
kind = "staging"
abilities = ["load"]
[urls]
frontend = "{url}"
api = "{url}"
backend = "{url}"
[load]
rate_hz = 20
"""


@pytest.fixture
def by_hand(target: LoadTarget, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start Locust as people do, in the plan's folder; what is left is ended."""
    (tmp_path / "machines.toml").write_text(MACHINES.format(url=target.url), encoding="utf-8")
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "locust", "-f", str(SOURCE.parent / "load" / "locustfile.py"), *arguments]
        started.append(
            subprocess.Popen(
                command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(SOURCE)}, stdin=subprocess.DEVNULL
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("killed", [False, True], ids=["whole", "one killed"])
def test_the_plans_load_from_four_processes_is_one_record(
    by_hand: Callable[..., subprocess.Popen[bytes]], target: LoadTarget, tmp_path: Path, *, killed: bool
) -> None:
    """Locust's own master and workers share the due times; what a lost worker owes never left, and the load is not known to be borne."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    file, result = str(tmp_path / "machines.toml"), tmp_path / "result"
    told = ("--headless", "--expect-workers", "3", "--env", file, "--pace", "200", "--result", str(result))
    master = by_hand("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port, *told)
    workers = [by_hand("--worker", "--master-host", "127.0.0.1", "--master-port", port) for _ in range(3)]
    if killed:
        eventually(lambda: len(target.requests) > 60, "the middle of the run")
        workers[0].kill()
    assert master.wait(90) in (0, 1)
    environment = load_environment(file, tmp_path, {})
    plan = load_plan(SOURCE.parent / "plan.toml")
    record = recorded_load(load_order(environment, plan.load, pace=200, run="r"), folder=result)
    owed = [one for one in record.requests if one.why.endswith("went away")]

    assert [round(one.due_s - record.began_s, 3) for one in record.requests[:3]] == [0, 0.5, 1]
    assert Counter(one.worker for one in record.requests).keys() == {f"generator {n}" for n in (1, 2, 3)}
    assert bool([one for one in record.workers if one.lost_s is not None]) == killed
    assert bool(owed) == killed
    with pytest.raises(MeasurementFailed, match=r"another load than the plan's .*duration_s"):
        recorded_load(load_order(environment, plan.load, pace=100, run="r"), folder=result)


@pytest.mark.long_matrix("how a load ends early")
def test_a_generator_that_dies_cuts_the_run_short(target: LoadTarget, tmp_path: Path) -> None:
    """What it recorded until then is kept; the record says that it ended early, and with which words."""
    folder = tmp_path / "run"
    thread, records = in_background(lambda: run_load(order(target.url, duration_s=30), folder=folder))
    eventually(lambda: len(target.requests) > 120, "the middle of the run")
    for pid in processes_of(folder):
        os.kill(pid, signal.SIGKILL)
    thread.join(30)
    (record,) = records

    assert record.cut_short.startswith("the engine ended before its time")
    assert record.ended_s < record.began_s + 29
    assert sum(one.left for one in record.requests) >= 40


@pytest.mark.long_matrix("how a load ends early")
def test_a_generator_that_is_stopped_is_ended_by_the_deadline(
    target: LoadTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that neither works nor ends keeps nobody waiting."""
    monkeypatch.setattr(LoadOrder, "ends_within_s", 12.0)
    folder = tmp_path / "run"
    thread, records = in_background(lambda: run_load(order(target.url, duration_s=3), folder=folder))
    eventually(lambda: len(target.requests) > 20, "the beginning of the run")
    for pid in processes_of(folder):
        os.kill(pid, signal.SIGSTOP)
    thread.join(40)

    assert not thread.is_alive()
    assert records[0].cut_short == "it was not over after 12 s and had to be ended"
    assert processes_of(folder) == []


@pytest.mark.long_matrix("how a load ends early")
def test_a_run_that_is_not_over_in_time_says_so(
    target: LoadTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was recorded until then is kept, and its end is not taken for the planned one."""
    monkeypatch.setattr(LoadOrder, "ends_within_s", 10.0)
    record = run_load(order(target.url, duration_s=60), folder=tmp_path / "run")

    assert record.cut_short == "it was not over after 10 s and had to be ended"
    assert record.ended_s < record.began_s + 12
    assert all(one.left for one in record.requests if one.due_s < record.ended_s - 1)
    assert processes_of(tmp_path / "run") == []


def test_nothing_outlives_a_parent_that_is_killed(target: LoadTarget, tmp_path: Path) -> None:
    """Kill -9 of the session ends the engine: nobody goes on loading a service that somebody fights for."""
    folder = tmp_path / "run"
    given = order(target.url, duration_s=60).model_dump_json()
    program = (
        "import sys; from pathlib import Path; from pam_rollback.redeploy.load.locust import run_load; "
        "from pam_rollback.redeploy.load.order import LoadOrder; "
        "run_load(LoadOrder.model_validate_json(sys.argv[1]), folder=Path(sys.argv[2]))"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, given, str(folder)], env={**os.environ, "PYTHONPATH": str(SOURCE)}
    )
    eventually(lambda: len(target.requests) > 20, "the beginning of the run")
    assert len(processes_of(folder)) == 1
    parent.kill()
    parent.wait()
    eventually(lambda: not processes_of(folder), "the end of all of them")


@pytest.mark.long_matrix("how a load ends early")
def test_a_stop_ends_it(target: LoadTarget, tmp_path: Path) -> None:
    """Somebody asked the session to stop: the load ends at once, and nothing is left running."""
    folder, stop = tmp_path / "run", StopFile(tmp_path / "stop")
    threading.Timer(6, stop.set, ["enough"]).start()
    with pytest.raises(StopRequested, match="enough"):
        run_load(order(target.url, duration_s=60), folder=folder, waiter=Waiter(stop=stop))

    assert processes_of(folder) == []


def test_a_server_has_to_prove_who_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account's password is sent to nobody else: an unknown certificate is a failure, one that this machine trusts is none."""
    (tmp_path / "other").mkdir()
    context, certificate = own_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with LoadTarget(encrypted=context) as known, LoadTarget(encrypted=own_certificate(tmp_path / "other")[0]) as other:
        named = {"known": known, "other": other}
        targets = [{"name": name, "addresses": {"api": server.url}} for name, server in named.items()]
        record = run_load(order("", targets=targets, duration_s=1), folder=tmp_path / "run")
    left = that_left(record)

    assert {(one.target, one.why, one.status) for one in left} == {
        ("known", "", 200),
        ("other", "no encrypted connection", None),
    }
    assert len(known.requests) == sum(one.target == "known" for one in left)
    assert other.requests == []


def test_a_record_belongs_to_one_run(target: LoadTarget, tmp_path: Path) -> None:
    """Two runs in one folder would spoil both."""
    (tmp_path / "run.ndjson").touch()
    with pytest.raises(MeasurementFailed, match="exists already"):
        run_load(order(target.url), folder=tmp_path)
