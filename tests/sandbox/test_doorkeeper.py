"""Who is turned away at today's API: by rule, with a clock that can be turned."""

from collections.abc import Callable

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from pam_sandbox.doorkeeper import PING, SIGN_IN, Doorkeeper
from pam_sandbox.personalities import CLIENT_MAX, PATHS_MAX

US, OTHERS = "192.0.2.1", "192.0.2.2"
PATH = "/api/v1/utils/geolocation"


class Clock:
    """A moment that is set by hand, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The moment."""
        return self.now


def door() -> tuple[Clock, Callable[..., int | None]]:
    """A doorkeeper, and what status it gives to a request; None: come in."""
    clock = Clock()
    keeper = Doorkeeper(clock)

    def ask(path: str, *, method: str = "GET", client: str = US, **headers: str) -> int | None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        refused: web.Response | None = keeper.refusal(make_mocked_request(method, path, named), client)
        return None if refused is None else refused.status

    return clock, ask


def scanned(ask: Callable[..., int | None], paths: int) -> set[int | None]:
    """Ask for so many different paths."""
    return {ask(f"/path/{number}") for number in range(paths)}


def test_twenty_paths_are_let_in_and_the_same_ones_again() -> None:
    """A monitor that asks for few paths may ask as often as it likes."""
    _, ask = door()

    assert scanned(ask, PATHS_MAX) | scanned(ask, PATHS_MAX) == {None}


def test_one_path_more_bans_on_every_path_for_an_hour() -> None:
    """The health page, too; others are still let in."""
    clock, ask = door()
    scanned(ask, PATHS_MAX + 1)

    assert {ask("/health"), ask(PING), ask("/api/health"), ask("/path/0")} == {403}
    assert ask("/health", client=OTHERS) is None
    clock.now += 3599
    assert ask("/health") == 403
    clock.now += 2
    assert ask("/health") is None


def test_paths_of_an_earlier_minute_do_not_count() -> None:
    """Ten now and fifteen a minute later are no scan."""
    clock, ask = door()
    for start in (0, 15):
        assert {ask(f"/path/{start + number}") for number in range(15)} == {None}
        clock.now += 61


def test_requests_have_limits_and_health_has_none() -> None:
    """Fifty a minute without a token, half of what is counted; a minute later they are let in again."""
    clock, ask = door()
    assert [ask(PING) for _ in range(60)].count(429) == 10
    assert {ask("/health") for _ in range(200)} == {None}
    assert ask(PING, client=OTHERS) is None
    clock.now += 61
    assert ask(PING) is None


def test_whoever_has_a_token_counts_with_everybody_who_has_one() -> None:
    """A hundred a minute, of all accounts at all addresses: the product looks at the beginning of a token only."""
    _, ask = door()
    served = [ask(PING, client=US, User_Agent=f"{n % 5}", Authorization=f"Bearer a{n % 3}") for n in range(100)]

    assert set(served) == {None}
    assert ask(PING, client=OTHERS, Authorization="Bearer another") == 429
    assert ask(PING, client=OTHERS) is None


def test_what_was_asked_with_a_token_counts_for_those_without() -> None:
    """Of one address: forty with a token leave thirty without, each counted twice."""
    _, ask = door()
    for _ in range(40):
        ask(PING, Authorization="Bearer a")

    assert [ask(PING, User_Agent="another") for _ in range(40)].count(429) == 10


def test_a_browser_that_asks_too_much_is_shut_out_for_half_an_hour() -> None:
    """By address and User-Agent, within a minute of the clock; the one that goes too far is still answered, and health always is."""
    clock, ask = door()
    clock.now = 1020.0

    def asked(n: int) -> list[int | None]:
        return [ask(PATH, User_Agent="Browser", Authorization="Bearer a") for _ in range(n)]

    clock.now += 59
    assert set(asked(CLIENT_MAX)) == {None}
    clock.now += 2
    assert set(asked(CLIENT_MAX)) == {None}
    clock.now += 61
    assert asked(CLIENT_MAX + 2) == [None] * (CLIENT_MAX + 1) + [429]
    assert (ask(PING, User_Agent="Browser"), ask(PATH, User_Agent="Another")) == (None, None)
    clock.now += 1799
    assert ask(PATH, User_Agent="Browser") == 429
    clock.now += 2
    assert ask(PATH, User_Agent="Browser") is None


def test_a_sign_in_counts_whatever_was_asked_before() -> None:
    """A few requests of any kind, and nobody at this address signs in for a minute."""
    clock, ask = door()
    assert ask(SIGN_IN, method="POST") == 403
    for _ in range(4):
        ask(PING)
    assert ask(SIGN_IN, method="POST") == 429
    clock.now += 61
    assert ask(SIGN_IN, method="POST") == 403


def test_changes_need_proof_where_the_product_asks_for_it() -> None:
    """403 before anybody looks whether there is such a path; what is refused so is no path that was seen."""
    _, ask = door()
    refused = {ask(f"/admin/path-{number}", method="POST") for number in range(2 * PATHS_MAX)}

    assert refused == {403}
    assert {ask("/api/v1/pam/chat", method="POST"), ask("/api/v1/support/tickets", method="POST")} == {None}
    assert ask("/health") is None


def test_a_preflight_of_a_browser_is_let_in() -> None:
    """Also from a banned address: it is the answer to what follows that a page sees."""
    _, ask = door()
    scanned(ask, PATHS_MAX + 1)

    assert ask("/api/v1/pam/chat", method="OPTIONS") is None


def test_the_refusal_says_why() -> None:
    """A client can tell "we are blocked" from "it is down"."""
    keeper = Doorkeeper()
    refused = [keeper.refusal(make_mocked_request("GET", f"/path/{number}"), US) for number in range(PATHS_MAX + 2)][-1]

    assert refused is not None
    assert "blocked" in (refused.text or "")
