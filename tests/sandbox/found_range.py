"""A running range, seen through real sockets."""

import json
import socket
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from pam_rollback.sandbox.launch import launch
from pam_rollback.sandbox.remote import Remote

HEALTH = "/health"


SHORT_S = 1.0


BACK_WITHIN_S = 10


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    kind: str
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


@dataclass(frozen=True)
class RunningSandbox:
    """A running range."""

    state: Mapping[str, Any]
    remote: Remote

    @property
    def variables(self) -> Mapping[str, str]:
        """The invented secrets."""
        found: Mapping[str, str] = self.state["sandbox"]["variables"]
        return found

    def url(self, server: str, path: str) -> str:
        """An address of the server `api` or `frontend`."""
        return f"{self.state['urls'][server]}{path}"

    def get(self, server: str, path: str, within_s: float = 5.0, **headers: str) -> Answer:
        """What a server answers."""
        return call(Request(self.url(server, path), headers=headers), within_s)

    def control(self, method: str, path: str, body: bytes | None = None, token: str | None = None) -> Answer:
        """A bare request to the control API."""
        given = token if token is not None else f"Bearer {self.state['sandbox']['token']}"
        headers = {"Authorization": given} if given else {}
        url = f"{self.state['sandbox']['control_url']}{path}"
        return call(Request(url, data=body, method=method, headers=headers), 5.0)


def call(request: Request, within_s: float) -> Answer:
    """One request; an error status is an answer."""
    try:
        with urlopen(request, timeout=within_s) as answer:
            return Answer(answer.status, answer.headers.get_content_type(), answer.read().decode())
    except HTTPError as error:
        with error:
            return Answer(error.code, error.headers.get_content_type(), error.read().decode())


def raw(found: RunningSandbox, server: str, path: str, within_s: float = SHORT_S) -> tuple[bytes, str]:
    """What is on the wire within `within_s`, and how it ended: closed, cut or open."""
    address = urlsplit(found.url(server, path))
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port or 0), timeout=within_s) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        end_s = time.monotonic() + within_s
        got = b""
        while time.monotonic() < end_s:
            try:
                piece = connection.recv(65536)
            except TimeoutError:
                break
            except ConnectionResetError:
                return got, "cut"
            if not piece:
                return got, "closed"
            got += piece
    return got, "open"


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until `holds`."""
    end_s = time.monotonic() + BACK_WITHIN_S
    while not holds():
        assert time.monotonic() < end_s, what
        time.sleep(0.02)


@pytest.fixture(scope="module")
def whole_range() -> Iterator[RunningSandbox]:
    """One range for all tests of this module."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.toml"
        with launch(file):
            state = tomllib.loads(file.read_text(encoding="utf-8"))
            yield RunningSandbox(state, Remote(state["sandbox"]["control_url"], state["sandbox"]["token"]))


@pytest.fixture
def found(whole_range: RunningSandbox) -> Iterator[RunningSandbox]:
    """The sandbox as it was at the start."""
    yield whole_range
    whole_range.remote.clear_all()
    whole_range.remote.go_live("candidate")
    whole_range.remote.forget_slack()
