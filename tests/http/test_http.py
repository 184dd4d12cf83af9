"""One request, one deadline for all of it, and an answer that is always a value."""

import gzip
import re
import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http.client import fetch, field_value
from pam_rollback.target.pam_api import FlagEvaluationApi

Talk = Callable[[socket.socket], None]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_DEADLINE_S = 0.4


@contextmanager
def server(talk: Talk, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A TCP server on loopback whose connections speak as told; gives its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()
    open_now: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            open_now[:] = [connection]
            with suppress(OSError), connection:
                connection.settimeout(5)
                spoken = connection if context is None else context.wrap_socket(connection, server_side=True)
                with spoken:
                    spoken.recv(65536)
                    talk(spoken)
                    over.wait(0 if talk is not silent else 5)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"{'https://localhost' if context else 'http://127.0.0.1'}:{listener.getsockname()[1]}/health"
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in open_now:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # a drip would go on for ever
        thread.join(6)


def silent(_connection: socket.socket) -> None:
    """Accept, and say nothing."""


def dripping(connection: socket.socket) -> None:
    """Answer, then send one byte at a time, for ever; each byte resets an ordinary socket time-out."""
    connection.sendall(HEAD + b"\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.02)  # the pace of the drip is what is tested


def dripping_head(connection: socket.socket) -> None:
    """Send a head that never ends."""
    connection.sendall(HEAD)
    while True:
        connection.sendall(b"X-Drip: 1\r\n")
        time.sleep(0.02)  # the pace of the drip is what is tested


def reset(connection: socket.socket) -> None:
    """Hang up so that the other side is told."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def raw(*parts: bytes) -> Talk:
    """Answer with these bytes."""
    return lambda connection: connection.sendall(b"".join(parts))


def says(payload: bytes, content_type: str = "application/json", more: str = "") -> Talk:
    """Answer properly."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{more}Content-Length: {len(payload)}\r\n\r\n"
    return raw(head.encode(), payload)


@pytest.mark.parametrize(
    ("talk", "words"),
    [
        pytest.param(silent, "silent: connected, but no answer within 0.4 s", id="silent"),
        pytest.param(dripping, "the body did not end within 0.4 s", id="never-ending"),
        pytest.param(
            raw(HEAD, b'Content-Length: 100\r\n\r\n{"status":'),
            "closed after 10 of 100 announced bytes",
            id="half-closed",
        ),
        pytest.param(raw(b"SSH-2.0-OpenSSH_9.9\r\n"), "closed the connection without an answer", id="not-http"),
        pytest.param(raw(), "closed the connection without an answer", id="closed"),
        pytest.param(dripping_head, "silent: connected, but no answer within 0.4 s", id="dripping-head"),
        pytest.param(reset, "connection failed while waiting ([Errno 104] Connection reset by peer)", id="reset"),
        pytest.param(raw(HEAD), "closed the connection without an answer", id="half-a-head"),
        pytest.param(raw(b"HTTP/1.1 204"), "closed the connection without an answer", id="half-a-line"),
        pytest.param(raw(b"SSH-2.0-x\r\n\r\n"), "did not answer in HTTP (", id="another-protocol"),
        pytest.param(
            raw(HEAD, b"Transfer-Encoding: chunked\r\n\r\n8\r\n{"),
            "closed in the middle of the body (1 bytes came)",
            id="half-a-chunk",
        ),
    ],
)
def test_a_misbehaving_server_is_a_value_in_words(talk: Talk, words: str) -> None:
    """Whatever a server does, the answer says it, and the deadline holds."""
    start_s = time.monotonic()
    with server(talk) as url:
        answer = fetch(url, deadline_s=_DEADLINE_S)
        took_s = time.monotonic() - start_s

    assert words in answer.problem, answer.problem
    assert not answer.complete
    assert answer.sent
    assert answer.json is None
    assert took_s < 20, "without a deadline it would not end"


@pytest.mark.parametrize(
    ("payload", "content_type"),
    [(b"<!doctype html>", "text/html"), (b"{oops", "application/json"), (b'{"status":"healthy"}', "text/html")],
)
def test_what_is_not_json_is_none(payload: bytes, content_type: str) -> None:
    """JSON by content and by content type, or not at all."""
    with server(says(payload, content_type)) as url:
        assert fetch(url, deadline_s=5).json is None


def test_a_flag_value_that_is_no_boolean_is_not_off() -> None:
    """A feature that is "on" in another spelling must not read as switched off: the flag is left out, so nothing is known of it."""
    body = (
        b'{"flags": [{"key": "A", "value": "on"}, {"key": "B", "value": false}, {"key": "C", "errorCode": "GENERAL"}]}'
    )
    with server(says(body)) as url:
        assert FlagEvaluationApi(url).flags_of("user-1") == {"B": False}
    with server(says(b'{"flags": ["A"]}')) as url, pytest.raises(MeasurementFailed):
        FlagEvaluationApi(url).flags_of("user-1")


def read_field(field: str) -> str:
    """As a receiver of RFC 8187 reads it."""
    return unquote(field.removeprefix("UTF-8''"), errors="strict") if field.startswith("UTF-8''") else field


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_goes_into_a_field(text: str) -> None:
    """Property: ASCII, one line, and read back as it was apart from control characters."""
    field = field_value(text)

    assert field.isascii()
    assert field.isprintable() or "\t" in field
    assert read_field(field) == re.sub(r"[\x00-\x08\x0a-\x1f\x7f]+", " ", text).strip(" \t")


@pytest.mark.parametrize(
    "text", ["Łukasz", "O\u2019Neill", "王小明", "👍", "a\u200bb", "\udcff", "two\r\nX-Other: lines", "José"]
)
def test_no_text_keeps_a_request_from_being_sent(text: str) -> None:
    """Neither in a field nor in the path: the answer is one of the server's."""
    with server(says(b"")) as url:
        answer = fetch(f"{url}/{quote(text, safe='') if chr(13) in text else text}", headers={"X-Initiated-By": text})

    assert (answer.problem, answer.http_status) == ("", 200)


def compressed(body: bytes, encoding: str) -> Talk:
    """Says that the body is compressed, whatever was asked for."""
    return says(body, more=f"Content-Encoding: {encoding}\r\n")


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_a_server_may_compress_what_it_was_asked_for_as_it_is(pack: Callable[[bytes], bytes]) -> None:
    """Browsers read it, so it is healthy."""
    encoding = "gzip" if pack is gzip.compress else "deflate"
    with server(compressed(pack(b'{"status": "healthy"}'), encoding)) as url:
        answer = fetch(url, deadline_s=5)

    assert (answer.problem, answer.json) == ("", {"status": "healthy"})


def test_what_is_small_on_the_line_is_not_unpacked_without_end() -> None:
    """A thousand zeros take one byte: a page of gigabytes would take all memory."""
    with server(compressed(gzip.compress(bytes(64 << 20)), "gzip")) as url:
        answer = fetch(url, deadline_s=5)

    assert len(answer.body) == 16 << 20
    assert "has no end within 16777216 bytes" in answer.problem


def test_what_is_compressed_and_cut_short_is_no_whole_answer() -> None:
    """Though each byte came that was announced; of a file whose start is enough, its start is enough."""
    body = gzip.compress(b"<!doctype html>" + bytes(range(256)) * 40)[:-20]
    with server(compressed(body, "gzip")) as url:
        whole = fetch(url, deadline_s=5)
        start = fetch(url, deadline_s=5, start_is_enough=True)

    assert "or was cut short" in whole.problem
    assert (start.problem, start.body[:15]) == ("", b"<!doctype html>")
