"""The product is asked no faster than it bears: whoever wants more waits, on a virtual clock here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Thread

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.outside import pace
from pam_rollback.outside.pace import PAGE_LOAD, SIGN_IN, Pace

API = "http://api.test:8080"


@dataclass
class Time:
    """Passes only while somebody waits."""

    now_s: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def let_pass(self, seconds: float) -> None:
        """Let it pass."""
        self.waits.append(seconds)
        self.now_s += seconds


def asked(time: Time, ask: Callable[[], None]) -> float:
    """How long it had to wait."""
    began_s = time.now_s
    ask()
    return time.now_s - began_s


def kept(time: Time, **limits: object) -> Pace:
    """A pace on that clock."""
    return Pace({"api.test:8080"}, clock=lambda: time.now_s, sleep=time.let_pass, **limits)  # type: ignore[arg-type]


def most_in_a_minute(moments: list[float]) -> int:
    """In any sixty seconds."""
    return max(sum(1 for other in moments if at <= other < at + 60) for at in moments)


def test_one_path_more_waits_for_its_minute() -> None:
    """The same path again is none; another host's is none; what another process asks all the time has its place already."""
    time = Time()
    slow = kept(time, paths=3, reserved={"/health"})
    for url in (f"{API}/a", f"{API}/health", f"{API}/a?x=1", "http://site.test/b", f"{API}/b"):
        assert asked(time, lambda url=url: slow.before_request(url, "")) == 0  # type: ignore[misc]

    assert asked(time, lambda: slow.before_request(f"{API}/c", "")) == pytest.approx(61, abs=1)
    assert asked(time, lambda: slow.before_request(f"{API}/b", "")) == 0


@pytest.mark.parametrize(
    ("limits", "token"),
    [
        ({"without_token": 5}, ""),
        ({"with_token": 5}, "Bearer a"),
        ({"client": 5}, "Bearer a"),
        ({"address": 5}, "Bearer a"),
        ({"address": 5}, ""),
    ],
    ids=["without a token", "with a token", "of a client", "of an address", "of an address, without a token"],
)
def test_no_minute_has_more_requests_than_it_may(limits: dict[str, int], token: str) -> None:
    """However fast somebody asks."""
    time, moments = Time(), list[float]()
    slow = kept(time, **limits)
    for _ in range(17):
        slow.before_request(f"{API}/a", token)
        moments.append(time.now_s)
        time.now_s += 0.5

    assert most_in_a_minute(moments) == 5


def test_what_is_free_and_what_is_not_known_is_asked_at_once() -> None:
    """No waiting without a reason."""
    time = Time()
    for slow in (kept(time, without_token=1, free={"/health"}), kept(time)):
        for _ in range(50):
            slow.before_request(f"{API}/health", "")

    assert time.waits == []


def test_what_a_page_asked_counts() -> None:
    """Nobody can hold it back, so the next one waits; a page is opened when there is room for what it asks."""
    time = Time()
    slow = kept(time, with_token=12)
    for _ in range(3):
        slow.saw_request(f"{API}/me", "Bearer a")

    assert asked(time, slow.before_page) == pytest.approx(61, abs=1)


def test_every_token_is_one_more() -> None:
    """A second sign-in, or a second account, starts no minute of its own."""
    time = Time()
    slow = kept(time, with_token=4)
    for token in "abcd":
        slow.before_request(f"{API}/me", f"Bearer {token}")

    assert asked(time, lambda: slow.before_request(f"{API}/me", "Bearer e")) == pytest.approx(61, abs=1)


def test_those_with_a_token_use_up_what_those_without_may_ask() -> None:
    """They themselves do not wait for that."""
    time = Time()
    slow = kept(time, without_token=2)
    for _ in range(9):
        slow.before_request(f"{API}/me", "Bearer a")

    assert time.waits == []
    assert asked(time, lambda: slow.before_request(f"{API}/me", "")) == pytest.approx(61, abs=1)


def test_a_browser_and_we_are_two_clients() -> None:
    """By what they call themselves; a page is opened when each browser has room."""
    time = Time()
    slow = kept(time, client=12)
    for _ in range(12):
        slow.before_request(f"{API}/me", "", "pam-rollback")
        slow.saw_request(f"{API}/me", "", "Chromium")

    assert asked(time, lambda: slow.before_request(f"{API}/me", "", "WebKit")) == 0
    assert asked(time, slow.before_page) == pytest.approx(61, abs=1)


def test_who_waits_keeps_nobody_from_being_counted() -> None:
    """A page asks while another thread waits: its journey goes on."""
    time, counted = Time(), list[float]()
    slow = kept(time, with_token=9, paths=2, reserved={"/me"})

    def page() -> None:
        slow.saw_request(f"{API}/me", "Bearer a")
        counted.append(time.now_s)

    def sleep(seconds: float) -> None:
        beside = Thread(target=page)
        beside.start()
        beside.join(2)
        time.let_pass(seconds)

    slow.sleep = sleep
    slow.saw_request(f"{API}/a", "")
    slow.before_request(f"{API}/b", "")

    assert len(counted) == len(time.waits) > 0


def test_what_was_told_is_never_exceeded() -> None:
    """One more than was told is not made; what is not counted is made."""
    slow = kept(Time(), budget={SIGN_IN: 2, PAGE_LOAD: 0})
    with pace.held_to(slow):
        pace.spend(SIGN_IN)
        pace.spend(SIGN_IN)
        pace.spend("what nobody told")
        with pytest.raises(MeasurementFailed, match="no sign-in more: 2 were told beforehand"):
            pace.spend(SIGN_IN)
        with pytest.raises(MeasurementFailed, match="no page load more: 0 were told"):
            pace.before_page()

    pace.spend(SIGN_IN)
    assert slow.spent == {SIGN_IN: 2, "what nobody told": 1}


def test_whoever_waits_says_so() -> None:
    """With how long, and where it is explained."""
    time, said = Time(), list[str]()
    slow = kept(time, without_token=1, told=said.append)
    slow.before_request(f"{API}/a", "")
    slow.before_request(f"{API}/a", "")

    assert said[0].startswith("  … 61 s until the product may be asked for more"), said
