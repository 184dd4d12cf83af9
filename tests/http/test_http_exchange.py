"""What the client is given around it: one deadline, proxies and certificates of the environment, a connection of its own."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pam_rollback.http.client import fetch
from tests.certificate import own_certificate
from tests.http.test_http import HEAD, raw, says, server


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_an_early_hint_is_not_the_answer() -> None:
    """The answer comes behind it."""
    with server(raw(b"HTTP/1.1 103 Early Hints\r\n\r\n", HEAD, b"Content-Length: 2\r\n\r\n{}")) as url:
        assert fetch(url, deadline_s=10).json == {}


def test_a_name_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was sent, and the resolver's words are there."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    answer = fetch("http://pam.invalid/health")

    assert answer.problem == "the name could not be resolved (Name or service not known)"
    assert not answer.sent


def test_a_look_up_that_hangs_holds_up_neither_the_request_nor_the_end_of_the_process() -> None:
    """A resolver has no time-out of its own: the deadline covers it, and nobody waits for its thread."""
    script = """
import socket, time
socket.getaddrinfo = lambda *_, **__: time.sleep(600)
from pam_rollback.http.client import all_at_once, fetch
answer = fetch("http://pam.invalid/health", deadline_s=0.2, )
print(answer.problem, answer.sent, answer.elapsed_ms < 20_000)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)

    assert done.stdout.strip() == "no connection within 0.2 s False True"


def test_what_is_too_late_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that was told as not sent must not be made afterwards: whoever was told may send it again."""
    heard: list[bytes] = []
    looked_up, told = threading.Event(), threading.Event()
    real = socket.getaddrinfo

    def slow(host: str, *given: object, **named: object) -> object:
        if host == "pam.test":
            told.wait(10)
            host = "127.0.0.1"
        found = real(host, *given, **named)  # type: ignore[arg-type]
        looked_up.set()
        return found

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        answer = fetch(f"http://pam.test:{listener.getsockname()[1]}/", method="POST", json={}, deadline_s=0.2)
        told.set()
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(10)
            heard.append(connection.recv(65536))

    assert (answer.problem, answer.sent) == ("no connection within 0.2 s", False)
    assert looked_up.is_set()
    assert heard == [b""]


def test_an_address_that_refuses_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with two addresses, of which the first is dead."""
    with server(says(b"{}")) as url:
        port = int(url.rpartition(":")[2].partition("/")[0])
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (f"127.0.0.{n}", port)) for n in (2, 1)]
        real = socket.getaddrinfo
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda host, *a, **k: addresses if host == "pam.test" else real(host, *a, **k)
        )
        assert fetch(f"http://pam.test:{port}/").json == {}


# ---------------------------------------------------------------- the environment


def test_a_proxy_of_the_environment_asks_and_is_named_when_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for the whole address; its password is in no message; NO_PROXY and this machine do without it."""
    heard: list[bytes] = []

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setenv("HTTP_PROXY", f"http://kim:secret@127.0.0.1:{port}")

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(65536))
                connection.sendall(HEAD + b'Content-Length: 14\r\n\r\n{"by":"proxy"}')

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        asked = fetch("http://pam.invalid/health?a=1")
        thread.join(10)
    with server(says(b"{}")) as here:
        direct = fetch(here)
    refused = fetch("http://pam.invalid/health")
    monkeypatch.setenv("NO_PROXY", ".invalid")
    without = fetch(f"http://pam.invalid:{port}/health", deadline_s=20)

    assert asked.json == {"by": "proxy"}
    assert heard[0].startswith(b"GET http://pam.invalid/health?a=1 HTTP/1.1\r\n")
    assert b"\r\nProxy-Authorization: Basic " in heard[0]
    assert direct.json == {}
    assert refused.problem == f"refused the connection (through the proxy http://127.0.0.1:{port} of HTTP_PROXY)"
    assert not refused.sent
    assert without.problem.startswith("the name could not be resolved")
    assert "proxy" not in without.problem


def test_a_proxy_that_lets_nothing_through_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is encrypted, nothing was sent."""
    with server(raw(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")) as url:
        port = url.rpartition(":")[2].partition("/")[0]
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{port}")
        answer = fetch("https://pam.invalid/health", method="POST", json={})

    assert answer.problem == (
        "the proxy refused it: 407 Proxy Authentication Required "
        f"(through the proxy http://127.0.0.1:{port} of HTTPS_PROXY)"
    )
    assert not answer.sent


def test_certificates_are_those_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate of one's own is refused, in words, until SSL_CERT_FILE vouches for it; plain HTTP is no TLS."""
    context, vouches = own_certificate(tmp_path)
    answers = []
    for trusted in (None, str(vouches)):
        if trusted is None:
            monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        else:
            monkeypatch.setenv("SSL_CERT_FILE", trusted)
        with server(says(b"{}"), context) as url:
            answers.append(fetch(url))
    with server(says(b"{}")) as url:
        plain = fetch(url.replace("http:", "https:"))

    unknown, known = answers
    assert unknown.problem.startswith("its certificate is not valid (")
    assert not unknown.sent
    assert known.json == {}
    assert plain.problem.startswith("connection failed while connecting ([SSL")
    assert not plain.sent


# ---------------------------------------------------------------- connections


class _Counting(BaseHTTPRequestHandler):
    """Counts connections, and remembers cookies that come back."""

    protocol_version = "HTTP/1.1"
    connections = 0
    cookies: list[str]
    answer = b""
    status = 302

    def setup(self) -> None:
        type(self).connections += 1
        super().setup()

    def do_GET(self) -> None:
        self.cookies.append(self.headers.get("Cookie", ""))
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Location", "/elsewhere")
        self.send_header("Set-Cookie", "who=kim")
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def counting(handler: type[_Counting]) -> Iterator[str]:
    """Serve by it; gives the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def test_each_request_has_a_connection_of_its_own() -> None:
    """A check comes as a new visitor does. No redirect is followed, and no cookie of one answer goes with the next request."""

    class Handler(_Counting):
        cookies: list[str] = []  # noqa: RUF012 - of this server

    with counting(Handler) as url:
        answers = [fetch(url) for _ in range(3)]

    assert [answer.http_status for answer in answers] == [302, 302, 302]
    assert Handler.connections == 3
    assert Handler.cookies == ["", "", ""]
