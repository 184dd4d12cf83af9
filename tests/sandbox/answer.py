"""A request and its answer over HTTP, as tests of the sandbox make and read them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

WITHIN_S = 30.0


@dataclass(frozen=True)
class Answer:
    """What came back; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


def asked(
    url: str, method: str = "GET", body: object = None, headers: Mapping[str, str] | None = None, *, proxy: str = ""
) -> Answer:
    """One request; bytes go out as they are, everything else as JSON. An error status is an answer."""
    sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    kind = {"Content-Type": "application/json"} if sent is not None else {}
    request = Request(url, data=sent, method=method, headers={**kind, **(headers or {})})
    try:
        with build_opener(ProxyHandler({"http": proxy} if proxy else {})).open(request, timeout=WITHIN_S) as found:
            return _read(found.status, found)
    except HTTPError as error:
        with error:
            return _read(error.code, error)


def _read(status: int, found: Any) -> Answer:
    return Answer(status, {name.lower(): value for name, value in found.headers.items()}, found.read().decode())
