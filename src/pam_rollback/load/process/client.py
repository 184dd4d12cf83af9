"""The HTTP client below Locust's FastHttpUser, used as it is: no redirects, no cookies, no proxy, next to no repeats, nothing hidden.

Locust's own session on top of it follows redirects, keeps cookies and renders conversations; without these a process asks more often, and
what it measures is the service.
"""

from typing import NamedTuple
from urllib.parse import urlsplit

from gevent import ssl
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.url import URL


class Reply(NamedTuple):
    """A whole answer."""

    status: int
    content_type: str
    body: bytes


class BrokenOff(Exception):  # noqa: N818 - named by what happened
    """The answer began and did not come whole. Its cause says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Client:
    """Asks for addresses; any number of greenlets may use it, each connection is kept for the next."""

    def __init__(self, *, timeout_s: float, connections_max: int, user_agent: str) -> None:
        self._clients = HTTPClientPool(
            concurrency=connections_max,
            network_timeout=timeout_s,
            connection_timeout=timeout_s,
            ssl_context_factory=_verifying,
            headers={"User-Agent": user_agent, "Accept-Encoding": "identity"},
        )
        self._by_origin: dict[str, HTTPClient] = {}

    def ask(self, method: str, origin: str, uri: str, headers: dict[str, str], body: str | None) -> Reply:
        """Send one request and read its whole answer. Raises BrokenOff, and whatever the connection raises before there is an answer."""
        response = self._client(origin).request(method, uri, body, headers)
        status = response.get_code()
        try:
            content = response.read()
        except Exception as error:
            raise BrokenOff(status) from error
        finally:
            response.release()
        return Reply(status, str(response.get("content-type") or ""), bytes(content))

    def _client(self, origin: str) -> HTTPClient:
        found = self._by_origin.get(origin)
        if found is None:
            found = self._clients.get_client(URL(origin))
            # By itself it repeats a GET as often as it may hold connections when they are closed without an answer. One repeat is left, as
            # browsers do when a kept connection turns out to be closed; the semaphore of connections is made already.
            found._connection_pool.size = 0  # noqa: SLF001 - there is no option for it
            self._by_origin[origin] = found
        return found


def origin_and_path(address: str) -> tuple[str, str]:
    """Give ``https://host:port`` and what is below it."""
    parts = urlsplit(address)
    path = parts.path or "/"
    return f"{parts.scheme}://{parts.netloc}", f"{path}?{parts.query}" if parts.query else path


def _verifying(cafile: str | None = None) -> ssl.SSLContext:  # noqa: ARG001 - the client names its own list
    """Certificates are verified against what this machine trusts, as everything else here does."""
    return ssl.create_default_context()
