"""A release starts fast, says when it answers, refuses a bad line in one sentence, and never outlives its parent."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.running_product import Database, Product

Start = Callable[[object], "AbstractContextManager[Product]"]
COMMAND = [sys.executable, "-m", "pam_rollback.sandbox.product"]
PARENT = """
import subprocess, sys, time
line, source = sys.argv[1], sys.argv[2]
child = subprocess.Popen([sys.executable, "-m", "pam_rollback.sandbox.product"], stdin=subprocess.PIPE, env={"PYTHONPATH": source})
child.stdin.write(line.encode() + b"\\n")
child.stdin.flush()
print("child", child.pid, flush=True)
time.sleep(60)
"""


def is_alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int, *, within_s: float) -> bool:
    """Wait for the end of a process."""
    end_s = time.monotonic() + within_s
    while is_alive(pid) and time.monotonic() < end_s:
        time.sleep(0.02)
    return not is_alive(pid)


def refuse(line: str) -> subprocess.CompletedProcess[str]:
    """Start the product with a line that it does not accept."""
    return subprocess.run(COMMAND, input=line, capture_output=True, text=True, check=False, timeout=20)


def test_it_starts_fast_and_answers_when_it_says_so(start_release: Start, release_line: dict[str, Any]) -> None:
    """Aim: below 1.5 s on two free cores; the limit here leaves room for a busy machine."""
    began_s = time.monotonic()
    with start_release(release_line) as product:
        assert product.call("GET", "/health").status == 200
        assert time.monotonic() - began_s < 5


def test_it_ends_when_its_input_ends(start_release: Start, release_line: dict[str, Any]) -> None:
    """Exit code 0, soon."""
    with start_release(release_line) as product:
        assert product.process.stdin is not None
        product.process.stdin.close()
        assert product.process.wait(5) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_after_the_requests_in_flight(
    start_release: Start, release_line: dict[str, Any], number: signal.Signals
) -> None:
    """A slow request is answered, then the process ends with 0."""
    with start_release(release_line) as product:
        token, statuses = product.sign_in(), []
        planted = product.call("PUT", "/__range__/faults/latency", {"ms": 700}, token=release_line["internal_token"])
        assert planted.status == 200

        def ask() -> None:
            statuses.append(product.call("GET", "/api/v1/profile", token=token).status)

        slow = threading.Thread(target=ask)
        slow.start()
        time.sleep(0.3)  # the request is held back for 0.7 s: it is under way now
        product.process.send_signal(number)
        slow.join()

        assert statuses == [200]
        assert product.process.wait(5) == 0


def test_it_dies_with_its_parent(release_line: dict[str, Any]) -> None:
    """Also when the parent is killed and cannot say goodbye."""
    source = str(Path(__file__).parents[2] / "src")
    command = [sys.executable, "-c", PARENT, json.dumps(release_line), source]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        lines = {parent.stdout.readline().split()[0]: None, parent.stdout.readline().split()[0]: None}
        assert set(lines) == {"child", "listening"}
        child = int(Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text(encoding="utf-8").split()[0])
        parent.kill()
        assert gone(child, within_s=5)


def test_it_starts_without_its_database_and_says_so(start_release: Start, release_line: dict[str, Any]) -> None:
    """A rollback during an outage must not take the API down for good."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dsn = f"postgresql://pam@127.0.0.1:{nobody.getsockname()[1]}/pam"
        with start_release({**release_line, "dsn": dsn}) as product:
            assert product.call("GET", "/health/live").status == 200
            answer = product.call("GET", "/health")
            assert (answer.status, answer.json["status"]) == (503, "unhealthy")


def test_it_becomes_healthy_when_the_database_comes(
    start_release: Start, release_line: dict[str, Any], product_database: Database
) -> None:
    """Started during the outage, healthy after it, without a restart."""
    with ExitStack() as stack:
        with product_database.outage():
            product = stack.enter_context(start_release(release_line))
            assert product.call("GET", "/health").status == 503
        back_s = time.monotonic()
        while product.call("GET", "/health").status != 200:
            assert time.monotonic() - back_s < 3


def test_it_listens_on_loopback_only(start_release: Start, release_line: dict[str, Any]) -> None:
    """No other address of the machine is served."""
    with start_release(release_line) as product:
        table = Path(f"/proc/{product.process.pid}/net/tcp").read_text(encoding="utf-8")
        port = f"{product.port:04X}"
        listening = [line.split()[1] for line in table.splitlines()[1:] if line.split()[3] == "0A"]
        assert [address for address in listening if address.endswith(f":{port}")] == [f"0100007F:{port}"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dsn": ""}, "dsn: "),
        ({"port": 70000}, "port: "),
        ({"version": "new"}, "version: "),
        ({"jwt_secret": "short"}, "jwt_secret: "),
        ({"frontend_origin": "*"}, "frontend_origin: "),
        ({"admin_tokn": "admin-token-of-the-tests"}, "admin_tokn: "),
    ],
    ids=str,
)
def test_a_bad_line_is_refused(release_line: dict[str, Any], change: dict[str, object], words: str) -> None:
    """Exit code 2 and one message that names the key and shows no secret."""
    done = refuse(json.dumps({**release_line, **change}) + "\n")

    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""
    assert not any(secret in done.stderr for secret in ("Traceback", "short", release_line["admin_token"]))


@pytest.mark.parametrize("line", ["", "\n", "{}\n", "[]\n", "not json\n", '{"release": '])
def test_no_usable_line_is_refused(line: str) -> None:
    """Nothing, half a line or something else: exit code 2, one message, no traceback."""
    done = refuse(line)

    assert done.returncode == 2
    assert done.stderr.startswith("stdin: ")
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_refused(release_line: dict[str, Any]) -> None:
    """Exit code 2 with the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = refuse(json.dumps({**release_line, "port": port}) + "\n")

    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
