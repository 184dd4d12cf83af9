"""The one door to HTTP: one request by httpx, one deadline for all of it, and an answer that is always a value.

Redirects are not followed, and ``fetch`` repeats nothing: a probe that retries hides what it should count. Each request has a connection of
its own, as a new visitor has: one that was kept would still be answered by the release before. httpx limits each read, so a server that
drips is never too slow for it: the request runs in a thread that is waited for no longer than the deadline, and what comes to a connection
later than that is not sent. Whoever asks about something else than errors asks again by ``Retries`` (one of four may fail, IR-5).
"""

import functools
import ipaddress
import json as json_module
import os
import re
import socket
import ssl
import sys
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import ModuleType
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from pam_rollback.core.answer import Answer
from pam_rollback.core.outside_text import cut
from pam_rollback.core.question import Answered, State
from pam_rollback.http import pace


@contextmanager
def left_out(*names: str) -> Iterator[None]:
    """Meanwhile importing one of these modules raises ImportError, as if it were not installed; what is loaded already stays."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None is how Python notes that (import statement, 5.3.1)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


T = TypeVar("T")

USER_AGENT = "pam-rollback-suite"
MAX_BODY_BYTES = 1 << 20
_EXTENDED = "UTF-8''"
_PLAIN_IN_EXTENDED = "!#$&+-.^_`|~"
_NOT_IN_FIELD = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+")
_URL_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"
_COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})
_DECODED_MAX = 16 << 20
"""Bytes: what is small on the line may be without end when it is unpacked."""
_ADDRESSES = 2
"""Of one name, so many may be tried: one that swallows what is sent there leaves time for another."""
_LOADS = threading.Lock()


@dataclass(frozen=True)
class _Wish:
    """What is asked."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    deadline_s: float
    max_body_bytes: int
    start_is_enough: bool
    proxy: str
    variable: str
    """Of the environment, which names the proxy; empty for one that was given."""


@dataclass
class _Progress:
    """How far one exchange came; read by the thread that waits when the time is up."""

    phase: str = "connecting"
    """``connecting``, ``waiting`` or ``body``."""
    http_status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    problem: str = ""
    given_up: bool = False

    def follow(self, event: str, info: dict[str, Any]) -> None:
        """Be called by the client as it goes. Raises TimeoutError for what would be sent too late."""
        if event == "http11.send_request_headers.started" and info["request"].method != b"CONNECT":
            # In this order: the thread that waits gives up first and reads the phase then.
            self.phase = "waiting"
            if self.given_up:
                raise TimeoutError


def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    body: bytes | None = None,
    deadline_s: float = 5.0,
    max_body_bytes: int = MAX_BODY_BYTES,
    proxy: str = "",
    start_is_enough: bool = False,
) -> Answer:
    """Make one request; the deadline in seconds covers all of it, from the name look-up to the last byte of the body.

    What is sent is ``json``, or ``body`` as it is with a content type among the headers; an empty header is not sent.
    ``proxy``: the address of a forward proxy, which then asks (RFC 9110, section 3.7); what is encrypted goes through it as it is
    (CONNECT). Without one, the environment's is used (``HTTPS_PROXY``, ``NO_PROXY``), except for this machine. With ``start_is_enough``
    a larger body is no problem: its start is read, and no more.
    """
    head = {"User-Agent": USER_AGENT, "Accept": "application/json, text/html;q=0.9, */*;q=0.8"}
    head |= {"Accept-Encoding": "identity", "Connection": "close"}
    if method in {"GET", "HEAD"}:
        # What is true now, and not what a cache on the way has kept; Pragma is for caches that speak HTTP/1.0 only.
        head |= {"Cache-Control": "no-cache", "Pragma": "no-cache"}
    payload = body
    if json is not None:
        payload = json_module.dumps(json).encode()
        head["Content-Type"] = "application/json"
    head.update({name: field_value(value) for name, value in (headers or {}).items()})
    head = {name: value for name, value in head.items() if value}
    if not proxy:  # which is another address
        pace.before_request(url, head)
    through, variable = (proxy, "") if proxy else _environments_proxy(url)
    wish = _Wish(method, url, head, payload, deadline_s, max_body_bytes, start_is_enough, through, variable)
    return _answered(wish)


def _answered(wish: _Wish) -> Answer:
    client, progress = _httpx(), _Progress()

    def work() -> None:
        try:
            _exchange(client, wish, progress)
        except Exception as error:  # noqa: BLE001 - whatever it was: an answer says why there is none, and is never silent
            progress.problem = progress.problem or _in_words(client, error, wish, progress)

    start_s = time.monotonic()
    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(wish.deadline_s)
    if worker.is_alive():
        progress.given_up = True
        progress = replace(progress)  # what comes later is for nobody
        progress.problem = _timed_out(wish, progress)
    body, headers = _decoded(wish, progress)
    return Answer(
        method=wish.method,
        url=wish.url,
        http_status=progress.http_status,
        content_type=progress.headers.get("content-type", ""),
        body=body,
        elapsed_ms=(time.monotonic() - start_s) * 1000,
        problem=progress.problem,
        headers=headers,
        sent=progress.phase != "connecting",
    )


def _exchange(client: ModuleType, wish: _Wish, progress: _Progress) -> None:
    # The transport and not a client of httpx: that one follows redirects, keeps cookies and reads passwords for those who ask it to.
    verify = trusted() if "https" in (urlsplit(wish.url).scheme, urlsplit(wish.proxy).scheme) else False
    scheme, _, rest = wish.url.partition("://")
    host, slash, target = rest.partition("/")
    timeout = dict.fromkeys(("read", "write", "pool"), wish.deadline_s) | {"connect": wish.deadline_s / _ADDRESSES}
    request = client.Request(
        wish.method,
        f"{scheme}://{host}{slash}{quote(target, safe=_URL_CHARACTERS, errors='replace')}",
        headers=wish.headers,
        content=wish.body,
        extensions={"timeout": timeout, "trace": progress.follow},
    )
    with client.HTTPTransport(verify=verify, proxy=wish.proxy or None) as transport:
        response = transport.handle_request(request)
        try:
            progress.http_status = response.status_code
            progress.headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw
            }
            progress.phase = "body"
            for chunk in response.iter_raw():
                progress.body += chunk
                if progress.given_up or (wish.start_is_enough and len(progress.body) >= wish.max_body_bytes):
                    return
                if len(progress.body) > wish.max_body_bytes:
                    progress.problem = f"the body is larger than {wish.max_body_bytes} bytes"
                    return
        finally:
            response.close()


def _decoded(wish: _Wish, progress: _Progress) -> tuple[bytes, dict[str, str]]:
    """The body as it was before it was compressed: it is asked for as it is, and some servers compress it all the same."""
    encoding = progress.headers.get("content-encoding", "").strip().lower()
    if encoding not in _COMPRESSED or not progress.body:
        return progress.body, dict(progress.headers)
    try:
        packed = zlib.decompressobj(32 + zlib.MAX_WBITS)
        body = packed.decompress(progress.body, _DECODED_MAX)
    except zlib.error:
        progress.problem = progress.problem or f"its Content-Encoding says {encoding}, and it is not"
        return progress.body, dict(progress.headers)
    if not packed.eof and not wish.start_is_enough:
        progress.problem = (
            progress.problem or f"its {encoding} has no end within {_DECODED_MAX} bytes, or was cut short"
        )
    return body, {name: value for name, value in progress.headers.items() if name != "content-encoding"}


@functools.cache
def _loaded() -> ModuleType:
    # What httpx and httpcore load where it is installed, for a command line and for asynchronous programs: three quarters of their time.
    with left_out("httpx._main", "anyio", "trio"):
        import httpx  # noqa: PLC0415 - with the first request: a session that asks nothing does not pay for it

        httpx.HTTPTransport(verify=False).close()  # loads httpcore
    return httpx


def _httpx() -> ModuleType:
    with _LOADS:
        return _loaded()


def trusted() -> ssl.SSLContext:
    """Whose certificates are: those of the system, or of ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``."""
    with _LOADS:
        return _read_trusted(os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", ""))


@functools.cache
def _read_trusted(_file: str, _folder: str) -> ssl.SSLContext:
    """Read them once: it takes as long as several requests. OpenSSL looks at the two variables itself."""
    return ssl.create_default_context()


def _environments_proxy(url: str) -> tuple[str, str]:
    """The proxy that the environment names for an address, and its variable; this machine, such as its sandbox, is asked directly."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return "", ""
    from urllib.request import getproxies_environment, proxy_bypass  # noqa: PLC0415 - loads http.client

    try:
        parts, proxies = urlsplit(url), getproxies_environment()
        host = parts.hostname or ""
    except ValueError:
        return "", ""  # it is no address: httpx says so
    scheme = next((name for name in (parts.scheme, "all") if proxies.get(name)), None)
    if scheme is None or _is_here(host) or proxy_bypass(host):
        return "", ""
    found = proxies[scheme]
    return found if "://" in found else f"http://{found}", f"{scheme}_proxy".upper()


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _timed_out(wish: _Wish, progress: _Progress) -> str:
    """What was missing when the time was up."""
    if progress.phase == "body":
        return f"the body did not end within {wish.deadline_s:g} s ({len(progress.body)} bytes came)"
    if progress.phase == "waiting":
        return f"silent: connected, but no answer within {wish.deadline_s:g} s"
    return f"no connection within {wish.deadline_s:g} s"


def _in_words(client: ModuleType, error: Exception, wish: _Wish, progress: _Progress) -> str:
    """The error as a person would say it at 3 a.m., with the proxy that the environment named."""
    said, parts = _of_the_line(client, error, wish, progress), urlsplit(wish.proxy)
    port = f":{parts.port}" if parts.port else ""
    return said + (
        f" (through the proxy {parts.scheme}://{parts.hostname}{port} of {wish.variable})" if wish.variable else ""
    )


def _of_the_line(client: ModuleType, error: Exception, wish: _Wish, progress: _Progress) -> str:
    if isinstance(error, client.ProxyError):
        return f"the proxy refused it: {cut(str(error), 80)}"
    if isinstance(error, client.RemoteProtocolError):
        return _of_the_protocol(error, progress)
    if isinstance(error, client.ConnectTimeout):
        return f"no connection within {wish.deadline_s / _ADDRESSES:g} s"
    if isinstance(error, client.TimeoutException):
        return _timed_out(wish, progress)
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return f"it could not be asked ({type(error).__name__}: {cut(str(error), 120)})"
    return _of_the_system(cause, progress)


def _of_the_protocol(error: Exception, progress: _Progress) -> str:
    if not str(error).startswith(("Server disconnected", "peer closed connection")):
        return f"did not answer in HTTP ({cut(str(error), 80)})"
    if progress.phase != "body":
        return "closed the connection without an answer"
    announced = progress.headers.get("content-length", "")
    came = f"after {len(progress.body)} of {announced} announced bytes"
    return f"closed {came if announced else f'in the middle of the body ({len(progress.body)} bytes came)'}"


def _of_the_system(error: OSError, progress: _Progress) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection"
    if isinstance(error, socket.gaierror):
        return f"the name could not be resolved ({error.strerror})"
    if isinstance(error, ssl.SSLCertVerificationError):
        own = os.environ.get("SSL_CERT_FILE")
        return f"its certificate is not valid ({error.verify_message}{f'; trusted are those of SSL_CERT_FILE, {own}' if own else ''})"
    return f"connection failed while {progress.phase} ({error})"


def field_value(text: str) -> str:
    """The text as a header field can carry it: ASCII as it is, anything else as ``UTF-8''`` and percent-encoded (RFC 8187).

    RFC 9110 leaves other characters undefined in a field. Line breaks and other control characters become a space: nothing that somebody
    typed ends a field, and nothing keeps a request from being sent.
    """
    line = _NOT_IN_FIELD.sub(" ", text).strip(" \t")
    if line.isascii() and not line.startswith(_EXTENDED):
        return line
    return _EXTENDED + quote(line, safe=_PLAIN_IN_EXTENDED, errors="replace")


def all_at_once(calls: Mapping[str, Callable[[], T]], *, workers: int = 16) -> dict[str, T]:
    """Run the calls side by side; gives their results by the same keys."""
    with ThreadPoolExecutor(max_workers=min(workers, max(1, len(calls)))) as pool:
        futures = {key: pool.submit(call) for key, call in calls.items()}
        return {key: future.result() for key, future in futures.items()}


# ---------------------------------------------------------------- asked again

TRIES = 6
"""With one of four requests failing, all six do once in 4,000 times."""

ENHANCE_YOUR_CALM = 420
"""What Statuspage answers to too many requests, besides 429."""
TURNED_AWAY = frozenset({ENHANCE_YOUR_CALM, HTTPStatus.TOO_MANY_REQUESTS})
"""Nothing was done: repeating is always safe."""
UNWELL = frozenset({500, 502, 503, 504})
"""It may have been done: repeating is safe only where the receiver knows a message again."""
_UNTOLD_WAIT_S = 1.0


@dataclass
class Retries:
    """Patient until an error has lasted through all tries: from then on the service is down, and everything is asked once."""

    tries: int = TRIES
    gave_up: bool = False

    def ask(self, once: Callable[[], Answer]) -> Answer:
        """Give the first answer that is neither an error of the server nor no answer at all; else the last one."""
        answer = once()
        for _ in range(0 if self.gave_up else self.tries - 1):
            if not _is_error(answer):
                break
            answer = once()
        self.gave_up = self.gave_up or _is_error(answer)
        return answer


def once_more(ask: Callable[[], Answer]) -> Answer:
    """Ask again, once, when the connection was lost: of thirty a network loses one, and a second loss is the service's."""
    answer = ask()
    return replace(ask(), earlier=answer.problem) if answer.lost else answer


def _is_error(answer: Answer) -> bool:
    return answer.http_status is None or answer.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR


def deliver(send: Callable[[float], Answer], *, deadline_s: float, repeat: Collection[int] = TURNED_AWAY) -> Answer:
    """Give the first answer whose status is not one to repeat, or the last one for which there was time.

    ``send`` makes the request with the deadline in seconds that it is given.
    """
    end_s = time.monotonic() + deadline_s
    while True:
        answer = send(max(0.01, end_s - time.monotonic()))
        wait_s = _wait_s(answer)
        if answer.http_status not in repeat or time.monotonic() + wait_s >= end_s:
            return answer
        time.sleep(wait_s)


def _wait_s(answer: Answer) -> float:
    told = answer.headers.get("retry-after", "")
    # The other form is a date, which none of these providers sends.
    return float(told) if told.isascii() and told.isdigit() else _UNTOLD_WAIT_S


# ---------------------------------------------------------------- clocks

CLOCKS_APART_S_MAX = 5.0
"""Deploys, windows and what may be lost are told apart by seconds: more would mix them up."""
_DATE_RESOLUTION_S = 1.0


def same_time(question: str, url: str, *, deadline_s: float) -> Answered:
    """Compare the ``Date`` of any answer with this machine's time, in the middle of the exchange."""
    before_s = time.time()
    answer = fetch(url, deadline_s=deadline_s)
    after_s = time.time()
    try:
        claimed_s = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        why = answer.problem or "an answer without a date"
        return Answered(question, State.NOT_KNOWN, f"the time there is not known: {urlsplit(url).netloc}: {why}")
    return clocks(
        question,
        apart_s=claimed_s + _DATE_RESOLUTION_S / 2 - (before_s + after_s) / 2,
        uncertain_s=(after_s - before_s + _DATE_RESOLUTION_S) / 2,
    )


def clocks(question: str, *, apart_s: float, uncertain_s: float) -> Answered:
    """Whether two clocks agree. ``uncertain_s``: by how much the comparison itself may be wrong."""
    if abs(apart_s) <= CLOCKS_APART_S_MAX + uncertain_s:
        return Answered(question, State.YES, "")
    how = f"{abs(apart_s):.0f} s {'ahead of' if apart_s > 0 else 'behind'} this machine's"
    return Answered(question, State.NO, f"its clock is {how} (at most {CLOCKS_APART_S_MAX:g} s): set the wrong one")
