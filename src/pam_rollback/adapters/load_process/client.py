"""Locust's fast HTTP client, told to hide nothing: no redirects, no cookies, no proxy, no unverified certificate, next to no repeats."""

from typing import Any

from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.url import URL
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment


class _AskedOnce(HTTPClientPool):
    """By itself the client repeats a GET as often as it may hold connections when they are closed without an answer.

    One repeat is left, as browsers do when a kept connection turns out to be closed.
    """

    def get_client(self, url: str | URL) -> HTTPClient:
        client = super().get_client(url)
        client._connection_pool.size = 0  # noqa: SLF001 - repeats are counted from it; the semaphore is made already
        return client


def new_pool(*, timeout_s: float, connections_max: int) -> HTTPClientPool:
    """Connections that all requests of this process share."""
    return _AskedOnce(concurrency=connections_max, network_timeout=timeout_s, connection_timeout=timeout_s)


def new_session(environment: Environment, pool: HTTPClientPool, user_agent: str) -> FastHttpSession:
    """A client that any number of greenlets may use."""
    session = FastHttpSession(
        base_url="",
        request_event=environment.events.request,
        user=None,
        insecure=False,
        client_pool=pool,
        max_redirects=0,
        max_retries=0,
        headers={"User-Agent": user_agent},
    )
    client: Any = session.client
    client.redirect_response_codes = frozenset()
    client.cookiejar = None
    # Which status is right is the journey's to say; the client would render a whole conversation for each that is not 2xx.
    client._verify_status = lambda *_args, **_more: None  # noqa: SLF001 - its own hook, without a class for each order
    return session
