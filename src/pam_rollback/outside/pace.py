"""How fast the product is asked: whoever asks for one thing more than a minute may have waits until the minute is over.

One process has one pace, as it has one list of gates (``base/change_gate.py``): whoever builds a client cannot forget it. Without a pace
everything is sent at once. What another process asks over and over is reserved for it.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from pam_rollback.base.errors import MeasurementFailed

SIGN_IN, PAGE_LOAD, QUESTION = "sign-in", "page load", "question to PAM"
_MINUTE_S: Final = 60.0
_AHEAD_S: Final = 1.0
"""A request may take so much longer on its way than the next one: a minute there has no more of them than one here."""
_ROOM_FOR_A_PAGE: Final = 10
"""Requests to the API that a page of the site may make when it is opened."""


@dataclass(eq=False)
class Minute:
    """What was asked in the latest minute. ``different``: the same thing again is nothing more."""

    most: int | None
    different: bool = False
    _asked: deque[tuple[float, str]] = field(default_factory=deque)

    def wait_s(self, now_s: float, what: str = "", *, room: int = 1) -> float:
        """How long until ``room`` more may be asked for."""
        self._forget(now_s)
        if self.most is None or (self.different and what in {one for _, one in self._asked}):
            return 0.0
        room = min(room, self.most)
        latest: dict[str, float] = {}
        for place, (at_s, one) in enumerate(self._asked):
            latest[one if self.different else str(place)] = at_s
        over = len(latest) + room - self.most
        return 0.0 if over <= 0 else max(0.0, sorted(latest.values())[over - 1] + _MINUTE_S + _AHEAD_S - now_s)

    def note(self, now_s: float, what: str = "") -> None:
        """It was asked."""
        if self.most is not None:
            self._asked.append((now_s, what))

    def _forget(self, now_s: float) -> None:
        while self._asked and self._asked[0][0] <= now_s - _MINUTE_S - _AHEAD_S:
            self._asked.popleft()


@dataclass
class Pace:
    """Of one product. ``reserved`` paths are asked by another process all the time."""

    hosts: Collection[str]
    """By name and port, those of the API."""
    paths: int | None = None
    address: int | None = None
    without_token: int | None = None
    with_token: int | None = None
    client: int | None = None
    free: Collection[str] = ()
    reserved: Collection[str] = ()
    budget: Mapping[str, int] = field(default_factory=dict)
    """How often each thing may be done in all: sign-ins, page loads, questions. What is not named is not counted."""
    patient: bool = True
    """False: nobody waits yet, and what is asked is counted."""
    told: Callable[[str], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    spent: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Nothing was asked yet."""
        room = None if self.paths is None else max(1, self.paths - len(set(self.reserved)))
        self._paths = Minute(room, different=True)
        self._address, self._anonymous = Minute(self.address), Minute(self.without_token)
        self._named = Minute(self.with_token)
        self._clients: dict[str, Minute] = {}
        self._lock = threading.RLock()

    def before_request(self, url: str, token: str, agent: str = "") -> None:
        """Wait until it may be sent, and count it. ``agent``: how whoever asks calls itself."""
        path = self._of_the_api(url)
        if path is None:
            return
        minutes = dict(self._minutes(path, token, agent))
        waits = [(one, what) for one, what in minutes.items() if not (token and one is self._anonymous)]
        self._wait(
            lambda now_s: max((one.wait_s(now_s, what) for one, what in waits), default=0),
            lambda: self._note(minutes),
        )

    def saw_request(self, url: str, token: str, agent: str = "") -> None:
        """A page made it: nobody could hold it back, so others wait for it."""
        path = self._of_the_api(url)
        if path is not None:
            with self._lock:
                self._note(dict(self._minutes(path, token, agent)))

    def before_page(self) -> None:
        """Wait until a page may be opened with all that it asks for. Raises MeasurementFailed when there were enough."""
        self.spend(PAGE_LOAD)
        minutes = [self._address, self._anonymous, self._named, *self._clients.values()]
        self._wait(lambda now_s: max(minute.wait_s(now_s, room=_ROOM_FOR_A_PAGE) for minute in minutes))

    def spend(self, what: str) -> None:
        """One more of what was told beforehand. Raises MeasurementFailed when there is none left."""
        with self._lock:
            most = self.budget.get(what)
            if most is not None and self.spent[what] >= most:
                raise MeasurementFailed(
                    f"no {what} more: {most} were told beforehand, and made; what this session asks of the product is never exceeded"
                )
            self.spent[what] += 1

    def _of_the_api(self, url: str) -> str | None:
        parts = urlsplit(url)
        return (parts.path or "/") if parts.netloc in self.hosts else None

    def _minutes(self, path: str, token: str, agent: str) -> Iterator[tuple[Minute, str]]:
        if path not in self.reserved:
            yield self._paths, path
        if path in self.free:
            return
        yield self._address, ""
        yield self._anonymous, ""  # which those with a token use up, too
        if token:
            yield self._named, ""
        yield self._clients.setdefault(agent, Minute(self.client)), ""

    def _note(self, minutes: Mapping[Minute, str]) -> None:
        now_s = self.clock()
        for minute, what in minutes.items():
            minute.note(now_s, what)

    def _wait(self, wait_s: Callable[[float], float], then: Callable[[], None] = lambda: None) -> None:
        """Nobody else is kept waiting meanwhile: what a page asks has to be counted when it asks."""
        while True:
            with self._lock:
                left_s = wait_s(self.clock()) if self.patient else 0.0
                if left_s <= 0:
                    return then()
            self.told(
                f"  … {left_s:.0f} s until the product may be asked for more (docs/how-to/when-we-are-blocked.md)"
            )
            self.sleep(min(left_s, 1.0))


_paces: list[Pace] = []


def is_held() -> bool:
    """Somebody holds this process to a pace."""
    return bool(_paces)


def before_request(url: str, headers: Mapping[str, str]) -> None:
    """Wait until it may be sent."""
    for pace in tuple(_paces):
        pace.before_request(url, headers.get("Authorization", ""), headers.get("User-Agent", ""))


def saw_request(url: str, token: str, agent: str) -> None:
    """A page sent it."""
    for pace in tuple(_paces):
        pace.saw_request(url, token, agent)


def before_page() -> None:
    """Wait until a page may be opened. Raises MeasurementFailed."""
    for pace in tuple(_paces):
        pace.before_page()


def spend(what: str) -> None:
    """One more of what was told beforehand. Raises MeasurementFailed."""
    for pace in tuple(_paces):
        pace.spend(what)


@contextmanager
def held_to(pace: Pace) -> Iterator[Pace]:
    """As long as the block runs."""
    _paces.append(pace)
    try:
        yield pace
    finally:
        _paces.remove(pace)
