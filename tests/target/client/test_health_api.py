"""Health over a network that loses a connection now and then."""

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pam_rollback.probe.health import HealthEndpoint, read_health
from pam_rollback.target.health import HealthReport
from tests.contracts import usual

_BODY = json.dumps({"status": "healthy", "release": "1.42.0"})
_ANSWER = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(_BODY)}\r\n\r\n{_BODY}".encode()
_RESET = struct.pack("ii", 1, 0)


@contextmanager
def losing(losses: list[str]) -> Iterator[tuple[str, list[str]]]:
    """A server that loses its first connections so ("closed", "reset", "halved"); gives its address, and what came of each request."""
    given: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    how = losses[len(given)] if len(given) < len(losses) else "answered"
                    given.append(how)
                    if how == "reset":
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    elif how != "closed":
                        connection.sendall(_ANSWER[: -10 if how == "halved" else None])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/health", given
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def _health(url: str) -> HealthReport:
    [report] = read_health([HealthEndpoint(usual(), url)], deadline_s=5).values()
    return report


@pytest.mark.parametrize("how", ["closed", "reset", "halved"])
def test_one_lost_connection_is_asked_once_more_and_told(how: str) -> None:
    """Of thirty a network loses one: that is no outage."""
    with losing([how]) as (url, given):
        report = _health(url)

    assert (report.healthy, given) == (True, [how, "answered"]), report
    assert "asked once more: " in report.measured.definition
    assert "the first time" in str(report)


@pytest.mark.parametrize("how", ["closed", "reset", "halved"])
def test_a_second_lost_connection_is_the_services(how: str) -> None:
    """It is asked twice and no more, and is red with both."""
    with losing([how] * 3) as (url, given):
        report = _health(url)

    assert (report.healthy, given) == (False, [how] * 2), report
    assert "the first time" in str(report)


def test_a_refusal_is_asked_once() -> None:
    """Nobody is there: that does not pass."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    report = _health(f"http://127.0.0.1:{port}/health")

    assert (report.healthy, report.answer.earlier) == (False, "")
    assert "refused the connection" in str(report)
