"""The questions of the preflight to a real server over loopback: what is open, closed, missing, dead, or lives in another time."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any

import pytest

from pam_rollback.base.errors import ActionFailed
from pam_rollback.preflight.client.preflight import call_known, closed, path_known, same_time, webhook_alive
from pam_rollback.preflight.rules.readiness import CLOCK, State

HOOK = "/services/T0/B0/secret"


@contextmanager
def serving(
    answer: Callable[[str, dict[str, str]], tuple[int, str]], *, ahead_s: float = 0
) -> Iterator[tuple[str, list[Any]]]:
    """A server that answers as it is told, its clock ahead; gives its address and the bodies that were posted."""
    posted: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            """Its own time."""
            return formatdate((timestamp or time()) + ahead_s, usegmt=True)

        def do_GET(self) -> None:
            """Read."""
            self._answer("GET")

        def do_POST(self) -> None:
            """Change something."""
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer("POST")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
            """Keep quiet."""

        def _answer(self, method: str) -> None:
            status, body = answer(method, {name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", posted
        finally:
            server.shutdown()
            thread.join()


def always(status: int, body: str = "") -> Callable[[str, dict[str, str]], tuple[int, str]]:
    """The same answer to everybody."""
    return lambda _method, _headers: (status, body)


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_refused_without_a_token_meets_a_closed_door(status: int) -> None:
    """Asked with a body that nothing can be done with."""
    with serving(always(status)) as (url, posted):
        assert closed(url, reads=True, deadline_s=2) == ""
        assert posted == [[]]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (200, "anybody may call it"),
        (422, "anybody may call it"),
        (302, "anybody may call it"),
        (500, "anybody may call it"),
        (404, "nothing that could refuse anybody"),
    ],
)
def test_who_is_not_refused_is_let_in(status: int, words: str) -> None:
    """Refused for the content is let in, too; and where nothing is, nothing is closed."""
    with serving(always(status)) as (url, _), pytest.raises(ActionFailed, match=words):
        closed(url, reads=False, deadline_s=2)


def test_a_door_that_is_open_to_readers_only_is_open() -> None:
    """Changing is refused, reading is not."""
    with serving(lambda method, _: (401 if method == "POST" else 200, "")) as (url, _):
        assert closed(url, reads=False, deadline_s=2) == ""
        with pytest.raises(ActionFailed, match="anybody may call it"):
            closed(url, reads=True, deadline_s=2)


def test_the_right_token_is_refused_for_the_content_only() -> None:
    """401 and 403 say that it is not the right one; a call that takes an empty body is none that we know."""

    def product(_method: str, headers: dict[str, str]) -> tuple[int, str]:
        return (422, "") if headers.get("authorization") == "Bearer right" else (401, "")

    with serving(product) as (url, posted):
        assert "knows our token" in call_known(url, "right", deadline_s=2)
        with pytest.raises(ActionFailed, match="the token is not accepted, or there is no such call"):
            call_known(url, "wrong", deadline_s=2)
        assert posted == [[], []]
    with serving(always(200)) as (url, _), pytest.raises(ActionFailed, match="expected it to refuse an empty call"):
        call_known(url, "right", deadline_s=2)


def test_a_path_is_there_when_it_refuses_to_be_read() -> None:
    """Not found is not there, and neither is a page for any address."""
    with serving(always(405)) as (url, _):
        assert path_known(url, deadline_s=2) == ""
    for status in (200, 404):
        with serving(always(status)) as (url, _), pytest.raises(ActionFailed, match="refuses GET"):
            path_known(url, deadline_s=2)


def test_a_webhook_is_alive_when_it_refuses_an_empty_message() -> None:
    """Nothing is posted, and the secret address is in no message."""
    with serving(always(400, "no_text")) as (url, posted):
        assert "alive" in webhook_alive(url + HOOK, deadline_s=2)
        assert posted == [{}]
        with pytest.raises(ActionFailed, match="not of the form"):
            webhook_alive(f"{url}/hook", deadline_s=2)
    with (
        serving(always(403, "invalid_token")) as (url, _),
        pytest.raises(ActionFailed, match="invalid_token") as caught,
    ):
        webhook_alive(url + HOOK, deadline_s=2)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("ahead_s", "state"), [(0, State.YES), (3, State.YES), (120, State.NO), (-120, State.NO)])
def test_clocks_are_compared_by_any_answer(ahead_s: float, state: State) -> None:
    """Also by a refusal: it has a date, too."""
    with serving(always(401), ahead_s=ahead_s) as (url, _):
        found = same_time(CLOCK, url, deadline_s=2)

    assert found.state is state, found
    told = re.search(r"its clock is (\d+) s (ahead of|behind)", found.words)
    assert (told is not None) is (state is State.NO), found
    if told:
        # A date has whole seconds, and the answer takes its time.
        assert float(told[1]) == pytest.approx(abs(ahead_s), abs=2)
        assert (told[2] == "behind") is (ahead_s < 0)


def test_a_clock_that_nobody_tells_is_not_known() -> None:
    """Nobody answers: neither right nor wrong."""
    with serving(always(200)) as (url, _):
        pass

    assert same_time(CLOCK, url, deadline_s=2).state is State.NOT_KNOWN
