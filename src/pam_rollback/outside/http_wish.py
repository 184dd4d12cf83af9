"""What one HTTP exchange asks, how far it came, and in words why there is no answer: the same for both clients. Loads neither."""

import functools
import os
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote

from pam_rollback.base.answer import Answer

_URL_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"
_COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_DECODED_MAX = 16 << 20
"""Bytes: what is small on the line may be without end when it is unpacked."""
_READS_CERTIFICATES = threading.Lock()


@dataclass(frozen=True)
class Wish:
    """What is asked. Fields are those of ``http.fetch``."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    deadline_s: float
    max_body_bytes: int
    proxy: str
    start_is_enough: bool
    reuse: bool


@dataclass
class Progress:
    """How far one exchange came. ``start_s`` is a moment of the monotonic clock."""

    wish: Wish
    start_s: float = field(default_factory=time.monotonic)
    phase: str = "connecting"
    """``connecting``, ``waiting`` or ``body``."""
    http_status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    problem: str = ""

    def wants_more(self, chunk: bytes) -> bool:
        """Take a piece of the body; whether the next one is wanted."""
        self.body += chunk
        largest = self.wish.max_body_bytes
        if len(self.body) >= largest and self.wish.start_is_enough:
            return False
        if len(self.body) > largest:
            self.problem = f"the body is larger than {largest} bytes"
        return not self.problem

    def answer(self) -> Answer:
        """What came of it."""
        headers = dict(self.headers)
        body = self._decoded(headers)
        return Answer(
            method=self.wish.method,
            url=self.wish.url,
            http_status=self.http_status,
            content_type=self.headers.get("content-type", ""),
            body=body,
            elapsed_ms=(time.monotonic() - self.start_s) * 1000,
            problem=self.problem,
            headers=headers,
            sent=self.phase != "connecting",
        )

    def _decoded(self, headers: dict[str, str]) -> bytes:
        """The body as it was before it was compressed: it is asked for as it is, and some servers compress it all the same."""
        encoding = self.headers.get("content-encoding", "").strip().lower()
        if encoding not in _COMPRESSED or not self.body:
            return bytes(self.body)
        try:
            packed = zlib.decompressobj(_GZIP_OR_ZLIB)
            body = packed.decompress(self.body, _DECODED_MAX)
        except zlib.error:
            self.problem = self.problem or f"its Content-Encoding says {encoding}, and it is not"
            return bytes(self.body)
        if not packed.eof and not self.wish.start_is_enough:
            self.problem = self.problem or f"its {encoding} has no end within {_DECODED_MAX} bytes, or was cut short"
        del headers["content-encoding"]
        return body

    def describe_timeout(self) -> str:
        """What was missing when the time was up."""
        deadline_s = self.wish.deadline_s
        if self.phase == "body":
            return f"the body did not end within {deadline_s:g} s ({len(self.body)} bytes came)"
        if self.phase == "waiting":
            return f"silent: connected, but no answer within {deadline_s:g} s"
        return f"no connection within {deadline_s:g} s"

    def describe_cut_body(self) -> str:
        """The other side hung up before the body was whole."""
        announced = self.headers.get("content-length", "")
        came = f"after {len(self.body)} of {announced} announced bytes"
        return f"closed {came if announced else f'in the middle of the body ({len(self.body)} bytes came)'}"

    def describe(self, error: OSError) -> str:
        """What the operating system said, as a person would say it at 3 a.m."""
        if isinstance(error, ConnectionRefusedError):
            return "refused the connection"
        if isinstance(error, socket.gaierror):
            return f"the name could not be resolved ({error.strerror})"
        if isinstance(error, ssl.SSLCertVerificationError):
            own = os.environ.get("SSL_CERT_FILE")
            return f"its certificate is not valid ({error.verify_message}{f'; trusted are those of SSL_CERT_FILE, {own}' if own else ''})"
        if isinstance(error, TimeoutError) and error.errno is None:
            return self.describe_timeout()
        if isinstance(error, TimeoutError):
            return "timed out while " + ("reading the body" if self.phase == "body" else self.phase)
        return f"connection failed while {self.phase} ({error})"


def target_of(parts: SplitResult) -> str:
    """Path and query, as the first line of a request has them."""
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return quote(target, safe=_URL_CHARACTERS, errors="replace")


def trusted() -> ssl.SSLContext:
    """Whose certificates are: those of the system, or of ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``."""
    with _READS_CERTIFICATES:
        return _read_trusted(os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", ""))


@functools.cache
def _read_trusted(_file: str, _folder: str) -> ssl.SSLContext:
    """Read them once: it takes as long as several requests. OpenSSL looks at the two variables itself."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
