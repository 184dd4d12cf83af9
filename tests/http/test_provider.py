"""One way of asking a provider: what is asked again and what is not, how long, and what an error says."""

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.core.errors import ActionFailed, ProviderError, StopRequested
from pam_rollback.core.wait import StopFile, Waiter
from pam_rollback.http.provider import Provider, ProviderApi
from tests.scripted_provider import CLOSED, CUT_JSON, GARBAGE, HALF, Reply, hangs, reset, says, scripted
from tests.virtual_clock import VirtualClock

TOKEN = "a-token-for-these-tests"
OK = says({"id": "x"})
BROKEN = {
    "half": HALF,
    "garbage": GARBAGE,
    "closed": CLOSED,
    "reset": reset,
    "hang": hangs,
    "503": says({"message": "no"}, 503),
}
UNREADABLE = {
    "cut off": CUT_JSON,
    "a key twice": says(text='{"id": "y", "id": "x"}', Content_Type="application/json"),
    "not a number": says(text='{"id": "x", "load": NaN}', Content_Type="application/json"),
}


def api(url: str, clock: VirtualClock | None = None, *, token: str = TOKEN, **options: Any) -> ProviderApi:
    """A provider that is there."""
    provider = Provider(
        name="Acme",
        api_url=url,
        reset_header="x-ratelimit-reset",
        limit_header="x-ratelimit-limit",
        status_page="status.acme.example",
        settings="[acme] api_url",
        secret="[secrets] acme_token_env",
        advice={404: "is [acme] site right?"},
        id_header="acme-id",
    )
    return ProviderApi(provider, token, **{"deadline_s": 10.0, "waiter": Waiter(clock or VirtualClock()), **options})


def _patience_s(reply: Reply) -> float:
    """What says nothing is waited for in vain; all else comes at once, however busy the machine is."""
    return 1.0 if reply is hangs else 10.0


def refused(asking: ProviderApi, method: str = "GET", **options: Any) -> ProviderError:
    """The error of one operation."""
    with pytest.raises(ProviderError) as caught:
        asking.ask_told("look at x", "/things/x", "a thing", method=method, **options)
    return caught.value


@pytest.mark.parametrize("broken", (BROKEN | UNREADABLE).values(), ids=BROKEN | UNREADABLE)
def test_a_read_is_asked_again(broken: Reply) -> None:
    """Whatever came instead of an answer: reading twice is the same as reading once."""
    with scripted(broken, broken, OK) as server:
        assert (
            api(server.url, deadline_s=_patience_s(broken)).ask_told("look at x", "/things/x", "a thing").text("id")
            == "x"
        )

    assert server.asked == ["GET /things/x"] * 3


@pytest.mark.parametrize("broken", (BROKEN | UNREADABLE).values(), ids=BROKEN | UNREADABLE)
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_a_change_that_may_have_been_done_is_not_sent_again(method: str, broken: Reply) -> None:
    """Two restores, or two deploys, are not one. The message says what to do instead."""
    with scripted(broken, OK) as server:
        error = refused(api(server.url, deadline_s=_patience_s(broken)), method)

    assert server.asked == [f"{method} /things/x"]
    assert error.sent
    assert str(error).startswith(f"Acme, look at x ({method} /things/x): ")
    assert str(error).endswith("it may have been done all the same: look before you do it again")


def test_a_change_of_which_nothing_was_sent_is_sent_again() -> None:
    """Nobody listened: it cannot have been done."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    clock = VirtualClock()
    error = refused(api(f"http://127.0.0.1:{port}/api/v1", clock), "POST")

    assert not error.sent
    assert "refused the connection (6 tries); can this machine reach http://127.0.0.1" in str(error)
    assert "look before you do it again" not in str(error)
    assert 2 < clock.waited_s < 20


def test_what_is_known_to_be_the_same_twice_is_sent_again() -> None:
    """Such as a file's content under its name."""
    with scripted(reset, OK) as server:
        api(server.url).ask("send", "/files/a", method="PUT", body=b"\x00\xff", repeatable=True)

    assert [request.body for request in server.requests] == [b"\x00\xff"] * 2
    assert server.requests[0].headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 422])
def test_a_refusal_is_final(status: int, method: str) -> None:
    """Asking again changes nothing; a redirect is not followed."""
    with scripted(
        says({"message": "so not"}, status, X_Request_Id="r-1", Location="http://elsewhere.example/"), OK
    ) as server:
        error = refused(api(server.url), method)

    assert (error.provider, error.operation, error.http_status) == ("Acme", "look at x", status)
    assert isinstance(error, ActionFailed)
    assert str(error).startswith(f"Acme, look at x ({method} /things/x): HTTP {status}, so not, request r-1; ")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            says({"code": 404, "message": "Not Found"}, 404, X_Request_Id="r-1"),
            "HTTP 404, Not Found, request r-1; is [acme] site right?",
        ),
        (says(text="Not Found", status=404), "HTTP 404, Not Found, without a request id; is [acme] site right?"),
        (
            says({"id": "in-body", "message": "unauthorized"}, 401),
            "HTTP 401, unauthorized, request in-body; see status.acme.example",
        ),
        (says({"message": "no"}, 403, acme_id="r-2"), "request r-2"),
        (says({"message": "no"}, 403, cf_ray="r-3"), "request r-3"),
        (says({"errors": {"site": ["is odd"]}}, 422), "HTTP 422, {'site': ['is odd']}, "),
        (says(None, 409), "HTTP 409, no body, without a request id"),
        (says({"message": "x" * 5000}, 400), f"HTTP 400, {'x' * 200}…, "),
        (says({"message": "a\nb"}, 400), "HTTP 400, a b, "),
        (says({"message": f"bad token {TOKEN}"}, 401), "HTTP 401, bad token (the token), "),
        (
            says(None, 302, Location="https://login.example/"),
            "it points elsewhere (https://login.example/), which is not followed",
        ),
        (says({"id": "x"}, 202), 'HTTP 202, {"id": "x"}, without a request id; expected HTTP 200: look at Acme before'),
        (
            CUT_JSON,
            (
                "(GET /things/x): expected JSON, found HTTP 200 application/json '{\"id\":' (it breaks off after 6 "
                "characters), request r-7; does something else"
            ),
        ),
        (says(text="<!doctype html>"), "expected JSON, found HTTP 200 text/plain '<!doctype html>'"),
        (says([1]), "expected a thing as a JSON object, found [1], without a request id"),
    ],
)
def test_an_error_says_what_who_which_and_what_to_do(reply: Reply, words: str) -> None:
    """Provider, operation, status, its own words on one line, the request's id, advice; never the token."""
    with scripted(reply) as server:
        error = refused(api(server.url))

    assert words in str(error)
    assert TOKEN not in str(error)
    assert TOKEN not in repr(api(server.url))
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        (lambda: {"X_RateLimit_Reset": str(round(time.time()) + 30)}, 30),
        (lambda: {"X_RateLimit_Reset": "7"}, 7),
        (lambda: {"Retry_After": "9"}, 9),
        (lambda: {"X_RateLimit_Reset": "1000000030", "Date": "Sun, 09 Sep 2001 01:46:40 GMT"}, 30),
    ],
    ids=["seconds since 1970", "seconds from now", "retry-after", "by the provider's clock"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_limit_is_waited_for_as_the_provider_says(headers: Any, wait_s: float, method: str) -> None:
    """A change that was refused so was not done: it is sent again too."""
    clock = VirtualClock()
    with scripted(says({"message": "slow"}, 429, **headers()), OK) as server:
        api(server.url, clock).ask("do", "/do", method=method)

    assert len(server.requests) == 2
    assert clock.waited_s == pytest.approx(wait_s, abs=1.1)


@pytest.mark.parametrize(
    "told", [{}, {"X_RateLimit_Reset": "soon"}, {"X_RateLimit_Reset": "-3"}, {"X_RateLimit_Reset": "nan"}]
)
def test_a_limit_that_names_no_moment_is_waited_for_longer_each_time(told: dict[str, str]) -> None:
    """Bounded, with jitter, and not for ever."""
    clock = VirtualClock()
    with scripted(says({"message": "slow"}, 429, X_RateLimit_Limit="500", **told)) as server:
        error = refused(api(server.url, clock), "POST")

    assert len(server.requests) == 6
    assert 5 < clock.waited_s < 16
    assert "HTTP 429, slow, without a request id (6 tries); its limit (500 requests) was met, ask again in" in str(
        error
    )


@pytest.mark.parametrize(
    "headers",
    [{"X_RateLimit_Reset": "100"}, {"Retry_After": "3600"}, {"Retry_After": "3600", "X_RateLimit_Reset": "5"}],
    ids=["its own header", "an hour", "two headers, the later counts"],
)
def test_a_limit_that_outlasts_the_time_is_told_at_once(headers: dict[str, str]) -> None:
    """And nobody asks the same before its moment; reads and other changes are not held up."""
    clock, told = VirtualClock(), headers.get("Retry_After", "100")
    with scripted(says({"message": "slow"}, 429, **headers), OK) as server:
        asking = api(server.url, clock, patience_s=20.0)
        first = refused(asking, "POST")
        second = refused(asking, "POST")
        asking.ask("look", "/things/x")
        asking.ask("do something else", "/others", method="POST")

        assert f"ask again in {told} s" in str(first)
        assert "not asked: its limit of requests was met, ask again in" in str(second)
        assert (second.http_status, second.sent) == (429, False)
        assert server.asked == ["POST /things/x", "GET /things/x", "POST /others"]
        assert clock.waited_s == 0


def test_all_tries_together_have_a_limit() -> None:
    """A provider that hangs each time is given up in time, with real waits."""
    start_s = time.monotonic()
    with scripted(hangs) as server:
        error = refused(api(server.url, deadline_s=0.3, patience_s=1.0, waiter=Waiter()))

    assert "silent: connected, but no answer within" in str(error)
    assert time.monotonic() - start_s < 20, "without a limit it would not end"


def test_a_stop_ends_the_wait(tmp_path: Path) -> None:
    """Somebody who asks to stop does not wait for a limit."""
    stop = StopFile(tmp_path / "stop")
    with scripted(says({"message": "slow"}, 429, X_RateLimit_Reset="30")) as server:
        asking = api(server.url, waiter=Waiter(stop=stop))
        threading.Timer(0.3, stop.set, ("enough",)).start()
        with pytest.raises(StopRequested):
            asking.ask("look", "/x")


@pytest.mark.parametrize("token", ["", "two words", "line\n", "Schlüssel"])
def test_a_token_that_is_none_is_not_sent(token: str) -> None:
    """An empty one would be sent as "Bearer", and refused as if it were wrong."""
    with scripted(OK) as server:
        error = refused(api(server.url, token=token))

    assert "not asked: the token of [secrets] acme_token_env is none: it " in str(error)
    assert server.requests == []


@pytest.mark.parametrize("part", ["", ".", "..", "a\nb"])
def test_an_id_that_asks_for_something_else_is_refused(part: str) -> None:
    """An empty one would ask for the list."""
    with pytest.raises(ProviderError, match="not asked: expected an id, found"):
        api("http://127.0.0.1:1").part_of_path("look", part)
