"""The product is asked no faster than it bears, on a virtual clock here: a stand-in that bans never has to."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.open_loop import Steady
from pam_rollback.http import pace
from pam_rollback.http.client import USER_AGENT, fetch
from pam_rollback.http.pace import Pace
from pam_rollback.target.contract import Limits

API = "http://api.test:8080"
TODAY = Limits(paths=20, address=200, without_token=50, with_token=100, client=50, free=("/health",))
"""As products/pam-today.toml has them."""


@dataclass
class Time:
    """Passes only while somebody waits."""

    now_s: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def let_pass(self, seconds: float) -> None:
        """Let it pass."""
        self.waits.append(seconds)
        self.now_s += seconds


@dataclass
class Banning:
    """The product: what it counts within a minute, and whether that was too much."""

    time: Time
    asked: list[tuple[float, str, str, str]] = field(default_factory=list)
    banned: str = ""

    def request(self, path: str, token: str, agent: str) -> None:
        """Be asked."""
        self.asked = [one for one in self.asked if one[0] > self.time.now_s - 60]
        self.asked.append((self.time.now_s, path, token, agent))
        counted = [one for one in self.asked if one[1] != "/health"]
        counts = {
            "paths": (len({one[1] for one in self.asked}), 20),
            "address": (len(counted), 200),
            "without a token": (0 if token else len(counted), 50),
            "with a token": (sum(bool(one[2]) for one in counted), 100),
            **{agent: (sum(one[3] == agent for one in counted), 50) for agent in {one[3] for one in counted}},
        }
        self.banned = self.banned or next((name for name, (n, most) in counts.items() if n > most), "")


def asked(time: Time, ask: Callable[[], None]) -> float:
    """How long it had to wait."""
    began_s = time.now_s
    ask()
    return time.now_s - began_s


def kept(time: Time, **limits: object) -> Pace:
    """A pace on that clock."""
    return Pace({"api.test:8080"}, clock=lambda: time.now_s, sleep=time.let_pass, **limits)  # type: ignore[arg-type]


STEPS = st.lists(
    st.tuples(st.sampled_from(["request", "page", "pause"]), st.integers(0, 40), st.booleans()),
    min_size=1,
    max_size=120,
)


def drive(steps: list[tuple[str, int, bool]], time: Time, guard: Pace, product: Banning) -> None:
    """Ask as checks and journeys do: single requests, pages with what they ask for, and what another process asks meanwhile."""
    steady_s = time.now_s

    def beside() -> None:
        nonlocal steady_s
        while steady_s < time.now_s:
            moment, time.now_s = time.now_s, steady_s
            product.request("/health/ping", "", "prober")
            time.now_s = moment
            steady_s += 6

    def wait(seconds: float) -> None:
        time.let_pass(seconds)
        beside()

    guard.sleep = wait
    for kind, number, signed_in in steps:
        beside()
        token = "Bearer a" if signed_in else ""
        if kind == "pause":
            time.now_s += number / 10
        elif kind == "request":
            guard.before_request(f"{API}/{number}", token, USER_AGENT)
            product.request(f"/{number}", token, USER_AGENT)
        else:
            guard.before_page()
            for _ in range(number % 10):
                guard.saw_request(f"{API}/{number % 3}", token, "Chromium")
                product.request(f"/{number % 3}", token, "Chromium")


@given(STEPS)
def test_a_product_that_bans_never_has_to(steps: list[tuple[str, int, bool]]) -> None:
    """Whatever checks and journeys ask, in whichever order."""
    time = Time()
    guard, product = kept(time, **TODAY.ours().model_dump()), Banning(time)
    over = guard.leave_room([Steady(f"{API}/health/ping", 10)])

    drive(steps, time, guard, product)

    over()
    assert not product.banned


@pytest.mark.parametrize("workers", [2, 7])
def test_workers_together_are_no_more_than_one(workers: int) -> None:
    """Each has its share; more workers than there are shares are refused."""
    time = Time()
    product = Banning(time)
    guards = [kept(time, **TODAY.ours(workers).model_dump()) for _ in range(workers)]
    for number in range(100):
        guard = guards[number % workers]
        guard.patient = False
        left_s = guard._for_a_path(f"/{number}") + guard._for_requests({True}, {USER_AGENT})
        if not left_s:
            guard.before_request(f"{API}/{number}", "Bearer a", USER_AGENT)
            product.request(f"/{number}", "Bearer a", USER_AGENT)

    assert not product.banned
    assert len(product.asked) == workers * (15 // workers)
    with pytest.raises(ValueError, match="16 processes are more than the product bears"):
        TODAY.ours(16)


def test_a_page_needs_as_much_room_as_pages_were_seen_to_ask() -> None:
    """The first one a page's full room, the others what the busiest asked: else each of hundred pages waits a minute for nothing."""
    time = Time()
    slow = kept(time, without_token=13)

    def opened(asks: int) -> float:
        took_s = asked(time, slow.before_page)
        for _ in range(asks):
            slow.saw_request(f"{API}/me", "")
        return took_s

    assert [opened(3), *(opened(1) for _ in range(8))] == [0] * 9
    assert opened(1) == pytest.approx(61, abs=1)


def test_more_than_is_borne_all_the_time_is_refused() -> None:
    """Before it is asked; of what is over nothing counts any more."""
    slow = kept(Time(), without_token=30, paths=2)
    over = slow.leave_room([Steady(f"{API}/a", 20)])
    with pytest.raises(MeasurementFailed, match=r"40 requests a minute without a token, .* 1\.3 times as rarely"):
        slow.leave_room([Steady(f"{API}/b", 20)])
    with pytest.raises(MeasurementFailed, match="3 different paths, of which the product bears 2 of us"):
        slow.leave_room([Steady(f"{API}/{name}", 1) for name in "bc"])
    over()
    over()
    slow.leave_room([Steady(f"{API}/b", 20), Steady("http://site.test/", 99)])


def test_a_real_rollback_waits_for_nobody_until_it_is_done() -> None:
    """What it asks counts for the checks that come after; where it asks more than is borne they do not wait without end."""
    time = Time()
    slow = kept(time, client=2, patient=False)
    for _ in range(3):
        assert asked(time, lambda: slow.before_request(f"{API}/a", "")) == 0
    slow.patient = True
    assert asked(time, lambda: slow.before_request(f"{API}/a", "")) == pytest.approx(61, abs=1)

    hopeless = kept(time, client=2, patient=False)
    hopeless.leave_room([Steady(f"{API}/a", 60)])
    hopeless.patient = True
    for _ in range(3):
        assert asked(time, lambda: hopeless.before_request(f"{API}/a", "")) == 0


def test_every_request_of_this_process_waits_for_its_turn() -> None:
    """The door to HTTP asks, whoever built the client; through another address nothing is counted."""
    seen: list[str] = []

    class Turn(Pace):
        def before_request(self, url: str, token: str, agent: str = "") -> None:
            seen.append(f"{url} {token} {agent}")

    with pace.held_to(Turn({})):
        for proxy in ("", "http://127.0.0.1:1"):
            fetch("http://127.0.0.1:1/a", headers={"Authorization": "Bearer a"}, deadline_s=0.2, proxy=proxy)

    assert seen == [f"http://127.0.0.1:1/a Bearer a {USER_AGENT}"]
