"""Keeps this process within what the product bears in a minute: whoever wants more waits until the minute is over.

A product may ban an address that asks too much, for an hour, and that would look like an outage. ``fetch`` asks here before each request,
browsers before each page; what another process asks over and over has its room. Without a pace everything is sent at once. Workers of one
session have a share each. Other sessions are not seen: run one at a time against such a product.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.open_loop import Steady, beyond

_MINUTE_S: Final = 61.0
"""A request may take a second longer on its way than the next one: a minute there has no more of them than one here."""
_TOLD_FROM_S: Final = 1.5
"""A shorter wait is over before anybody has read of it."""
_ROOM_FOR_A_PAGE: Final = 10
"""Requests to the API that a page of the site may make when it is opened, at most: as many as one of them was seen to make."""


@dataclass(frozen=True)
class _Asked:
    at_s: float
    path: str
    token: bool
    agent: str


@dataclass
class Pace:
    """Of one product: how much of each kind may be asked within a minute. None: nobody knows, and nothing is held back."""

    hosts: Collection[str]
    """By name and port, those of the API."""
    paths: int | None = None
    address: int | None = None
    without_token: int | None = None
    with_token: int | None = None
    client: int | None = None
    free: Collection[str] = ()
    patient: bool = True
    """False: nobody waits yet, and what is asked is counted."""
    told: Callable[[str], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Nothing was asked yet."""
        self._lock = threading.RLock()
        self._asked = list[_Asked]()
        self._steady = list[Steady]()
        self._asked_by_pages = list[int]()
        self._hopeless = False

    def before_request(self, url: str, token: str, agent: str = "") -> None:
        """Wait until it may be sent, and count it. ``agent``: how the client calls itself."""
        path = self._of_the_api(url)
        if path is None:
            return

        def wait_s() -> float:
            beside = self._for_requests({bool(token)}, {agent}) if path not in self.free else 0.0
            return max(self._for_a_path(path), beside)

        self._wait(wait_s, lambda: self._note(path, token, agent))

    def saw_request(self, url: str, token: str, agent: str = "") -> None:
        """Count a request that a page made: nothing could hold it back, so others wait for it."""
        path = self._of_the_api(url)
        if path is not None:
            with self._lock:
                self._note(path, token, agent)
                if self._asked_by_pages:
                    self._asked_by_pages[-1] += 1

    def before_page(self) -> None:
        """Wait until a page may be opened with all that it asks for."""

        def wait_s() -> float:
            room = min(_ROOM_FOR_A_PAGE, max(1, *self._asked_by_pages)) if self._asked_by_pages else _ROOM_FOR_A_PAGE
            return self._for_requests({False, True}, {one.agent for one in self._asked}, room)

        self._wait(wait_s, lambda: self._asked_by_pages.append(0))

    def leave_room(self, asked: Iterable[Steady]) -> Callable[[], None]:
        """Leave room for what another process asks from now on; give what ends that. Raises MeasurementFailed for too much."""
        ours = [one for one in asked if self._of_the_api(one.url) is not None]
        with self._lock:
            self.refuse_beyond([*self._steady, *ours])
            self._steady += ours
            self._hopeless = self._hopeless or bool(self._beyond(self._steady))

        def over() -> None:
            with self._lock:
                for one in ours:
                    self._steady.remove(one)
                ours.clear()

        return over

    def refuse_beyond(self, asked: Sequence[Steady]) -> None:
        """Raise MeasurementFailed for what is asked over and over and more than the product bears: no waiting makes it less."""
        found = self._beyond(asked)
        if found and self.patient:
            rarer = "ask {:.1f} times as rarely ([probing] rate_hz, --pace), or with fewer workers (-n)"
            raise MeasurementFailed("; ".join(f"{fact}: {rarer.format(times)}" for fact, times in found))

    def _beyond(self, asked: Sequence[Steady]) -> list[tuple[str, float]]:
        return beyond(
            asked,
            paths=self.paths,
            address=self.address,
            without_token=self.without_token,
            with_token=self.with_token,
            client=self.client,
            free=self.free,
        )

    def _of_the_api(self, url: str) -> str | None:
        parts = urlsplit(url)
        return (parts.path or "/") if parts.netloc in self.hosts else None

    def _for_a_path(self, path: str) -> float:
        steady = {one.path for one in self._steady}
        latest = {one.path: one.at_s for one in self._asked if one.path not in steady}
        if self.paths is None or path in latest or path in steady:
            return 0.0
        return self._until(latest.values(), self.paths - len(steady))

    def _for_requests(self, tokens: Collection[bool], agents: Iterable[str], room: int = 1) -> float:
        counted = [one for one in self._asked if one.path not in self.free]
        steady = [one for one in self._steady if one.path not in self.free]
        every = [one.at_s for one in counted]
        kinds = [(self.address, every, steady)]
        if False in tokens:  # which requests with a token use up, too
            kinds.append((self.without_token, every, steady))
        if True in tokens:
            named = [one.at_s for one in counted if one.token]
            kinds.append((self.with_token, named, [one for one in steady if one.token]))
        for agent in agents:
            own = [one.at_s for one in counted if one.agent == agent]
            kinds.append((self.client, own, [one for one in steady if not one.browser]))
        return (
            max(
                self._until(moments, most - round(sum(one.per_minute for one in beside)), room)
                for most, moments, beside in kinds
                if most is not None
            )
            if any(most is not None for most, *_ in kinds)
            else 0.0
        )

    def _until(self, moments: Iterable[float], most: int, room: int = 1) -> float:
        """How long until ``room`` more may be asked for."""
        ordered, most = sorted(moments), max(1, most)
        over = len(ordered) + min(room, most) - most
        return 0.0 if over <= 0 else max(0.0, ordered[over - 1] + _MINUTE_S - self.clock())

    def _note(self, path: str, token: str, agent: str) -> None:
        now_s = self.clock()
        self._asked = [one for one in self._asked if one.at_s > now_s - _MINUTE_S]
        self._asked.append(_Asked(now_s, path, bool(token), agent))

    def _wait(self, wait_s: Callable[[], float], then: Callable[[], None]) -> None:
        """Nobody else is kept waiting meanwhile: what a page asks has to be counted when it asks."""
        while True:
            with self._lock:
                now_s = self.clock()
                self._asked = [one for one in self._asked if one.at_s > now_s - _MINUTE_S]
                # Where a real rollback asks more than is borne all the time, its checks would wait without end.
                left_s = wait_s() if self.patient and not self._hopeless else 0.0
                if left_s <= 0:
                    return then()
            if left_s >= _TOLD_FROM_S:
                self.told(
                    f"  … {left_s:.0f} s until the product may be asked for more "
                    "(docs/how-to/verify-after-a-rollback.md#what-a-session-asks)"
                )
            self.sleep(min(left_s, 1.0))


_paces: list[Pace] = []


def is_held() -> bool:
    """Whether this process is held to a pace."""
    return bool(_paces)


def before_request(url: str, headers: Mapping[str, str]) -> None:
    """Wait until it may be sent."""
    for pace in tuple(_paces):
        pace.before_request(url, headers.get("Authorization", ""), headers.get("User-Agent", ""))


def saw_request(url: str, token: str, agent: str) -> None:
    """Count a request that a page sent."""
    for pace in tuple(_paces):
        pace.saw_request(url, token, agent)


def before_page() -> None:
    """Wait until a page may be opened."""
    for pace in tuple(_paces):
        pace.before_page()


def refuse_beyond(asked: Sequence[Steady]) -> None:
    """Raise MeasurementFailed for what is asked over and over and more than the product bears."""
    for pace in tuple(_paces):
        pace.refuse_beyond(asked)


def leave_room(asked: Sequence[Steady]) -> Callable[[], None]:
    """Leave room for what another process asks from now on; gives what ends that. Raises MeasurementFailed when the product bears less."""
    ends = [pace.leave_room(asked) for pace in tuple(_paces)]

    def over() -> None:
        for end in ends:
            end()

    return over


@contextmanager
def room_for(asked: Sequence[Steady]) -> Iterator[None]:
    """The same as long as the block runs."""
    over = leave_room(asked)
    try:
        yield
    finally:
        over()


@contextmanager
def held_to(pace: Pace) -> Iterator[Pace]:
    """Keep to it as long as the block runs."""
    _paces.append(pace)
    try:
        yield pace
    finally:
        _paces.remove(pace)
