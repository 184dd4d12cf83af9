"""How fast the product is asked: whoever asks for one thing more than a minute may have waits until the minute is over.

One process has one pace, as it has one list of gates (``base/change_gate.py``): whoever builds a client cannot forget it. Without a pace
everything is sent at once. What another process asks over and over is reserved for it. Sessions of one user on one machine share what the
product bears (``pace_book``).
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.outside.pace_book import AHEAD_S, MINUTE_S, STEADY, Book, Line, Tally

SIGN_IN, PAGE_LOAD, QUESTION = "sign-in", "page load", "question to PAM"
_PATH, _ADDRESS, _ANONYMOUS, _NAMED, _CLIENT = "path", "address", "without a token", "with a token", "client"
_RENEWED_EVERY_S: Final = 20.0
_TOLD_FROM_S: Final = 1.5
"""A shorter wait is over before anybody has read of it."""
_ROOM_FOR_A_PAGE: Final = 10
"""Requests to the API that a page of the site may make when it is opened, at most: as many as one of them was seen to make."""


@dataclass(frozen=True)
class Minute:
    """How much of one kind may be asked within a minute."""

    kind: str
    most: int | None
    whose: str = ""
    """A browser's; empty: the address's."""
    session: str = ""
    reserved: frozenset[str] = frozenset()
    """Paths that this session asks all the time, counted already."""

    def wait_s(self, asked: Sequence[Line], now_s: float, what: str = "", *, room: int = 1) -> float:
        """How long until ``room`` more may be asked for. The same path again is nothing more."""
        if self.most is None:
            return 0.0
        others = _steady_beside(self.session, asked)
        ours = [one for one in asked if one.kind == self.kind and one.whose == self.whose]
        if self.kind == _PATH:
            steady = {one.what for one in others} - self.reserved
            latest = {one.what: one.at_s for one in ours if one.what not in steady | self.reserved}
            if what in latest or what in steady:
                return 0.0
            taken, moments = len(steady), sorted(latest.values())
        else:
            taken = round(sum(one.per_minute for one in others if self._counts(one)))
            moments = sorted(one.at_s for one in ours)
        most = max(1, self.most - taken)
        over = len(moments) + min(room, most) - most
        return 0.0 if over <= 0 else max(0.0, moments[over - 1] + MINUTE_S + AHEAD_S - now_s)

    def _counts(self, steady: Line) -> bool:
        return self.kind in {_ADDRESS, _ANONYMOUS, _CLIENT} or (self.kind == _NAMED and steady.token)


def _steady_beside(session: str, asked: Sequence[Line]) -> list[Line]:
    """What other sessions ask all the time. Each worker of a session says all of it: one speaks for the others."""
    others = [one for one in asked if one.kind == STEADY and one.session != session]
    speaks = {one.session: one.whose for one in others}
    return [one for one in others if speaks[one.session] == one.whose]


@dataclass
class Pace:
    """Of one product."""

    hosts: Collection[str]
    """By name and port, those of the API."""
    paths: int | None = None
    address: int | None = None
    without_token: int | None = None
    with_token: int | None = None
    client: int | None = None
    free: Collection[str] = ()
    steady: Sequence[tuple[str, float, bool]] = ()
    """Paths that another process of this session asks all the time: how often a minute, and whether with a token."""
    budget: Mapping[str, int] = field(default_factory=dict)
    """How often each thing may be done in all: sign-ins, page loads, questions. What is not named is not counted."""
    patient: bool = True
    """False: nobody waits yet, and what is asked is counted."""
    told: Callable[[str], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    book: Book = field(default_factory=Book)
    """What was asked within the latest minute, by other sessions too."""
    tally: Tally | None = None
    """Where the workers of a session count together."""
    session: str = ""
    worker: str = ""
    """Which part of the session this is. What a session asks all the time it asks once, however many workers say so."""
    spent: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Nothing was asked yet."""
        self.reserved = frozenset(path for path, *_ in self.steady)
        room = None if self.paths is None else max(1, self.paths - len(self.reserved))
        self._paths = self._minute(_PATH, room)
        self._address, self._anonymous = (
            self._minute(_ADDRESS, self.address),
            self._minute(_ANONYMOUS, self.without_token),
        )
        self._named = self._minute(_NAMED, self.with_token)
        self._lock = threading.RLock()
        self._asked_by_pages = list[int]()

    def _minute(self, kind: str, most: int | None, whose: str = "") -> Minute:
        return Minute(kind, most, whose, self.session, self.reserved)

    def before_request(self, url: str, token: str, agent: str = "") -> None:
        """Wait until it may be sent, and count it. ``agent``: how whoever asks calls itself."""
        path = self._of_the_api(url)
        if path is None:
            return
        minutes = dict(self._minutes(path, token, agent))
        waits = [(one, what) for one, what in minutes.items() if not (token and one is self._anonymous)]
        self._wait(
            lambda asked, now_s: max((one.wait_s(asked, now_s, what) for one, what in waits), default=0),
            lambda asked: self._note(asked, minutes),
        )

    def saw_request(self, url: str, token: str, agent: str = "") -> None:
        """A page made it: nobody could hold it back, so others wait for it."""
        path = self._of_the_api(url)
        if path is not None:
            with self._held() as asked:
                self._note(asked, dict(self._minutes(path, token, agent)))
                if self._asked_by_pages:
                    self._asked_by_pages[-1] += 1

    def before_page(self) -> None:
        """Wait until a page may be opened with all that it asks for. Raises MeasurementFailed when there were enough."""
        self.spend(PAGE_LOAD)
        minutes = (self._address, self._anonymous, self._named)

        def wait_s(asked: Sequence[Line], now_s: float) -> float:
            clients = {one.whose for one in asked if one.kind == _CLIENT}
            all_of_them = (*minutes, *(self._minute(_CLIENT, self.client, agent) for agent in clients))
            room = min(_ROOM_FOR_A_PAGE, max(1, *self._asked_by_pages)) if self._asked_by_pages else _ROOM_FOR_A_PAGE
            return max(one.wait_s(asked, now_s, room=room) for one in all_of_them)

        self._wait(wait_s, lambda _: self._asked_by_pages.append(0))

    def spend(self, what: str) -> None:
        """One more of what was told beforehand. Raises MeasurementFailed when there is none left."""
        with self._lock:
            most = self.budget.get(what)
            if most is not None and not self._is_left(what, most):
                raise MeasurementFailed(
                    f"no {what} more: {most} were told beforehand, and made; what this session asks of the product is never exceeded"
                )
            self.spent[what] += 1

    def _is_left(self, what: str, most: int) -> bool:
        return self.spent[what] < most if self.tally is None else self.tally.add(what, most)

    def begin(self, beside: Callable[[Sequence[Line]], None] = lambda _: None) -> None:
        """Have other sessions leave room for what is asked all the time. ``beside``: told what they ask so; it may refuse, by raising."""
        with self._held() as asked:
            beside(_steady_beside(self.session, asked))
            self._say_steady(asked)

    def renew(self) -> None:
        """It is still asked."""
        with self._held() as asked:
            self._say_steady(asked)

    def end(self) -> None:
        """It is asked no more."""
        with self._held() as asked:
            asked[:] = [one for one in asked if not self._is_our_steady(one)]

    def _say_steady(self, asked: list[Line]) -> None:
        now_s = self.clock()
        asked[:] = [one for one in asked if not self._is_our_steady(one)]
        asked += [
            Line(now_s, self.book.host, STEADY, path, self.worker, self.session, per_minute, token)
            for path, per_minute, token in self.steady
        ]

    def _is_our_steady(self, one: Line) -> bool:
        return one.kind == STEADY and (one.session, one.whose) == (self.session, self.worker)

    @contextmanager
    def _held(self) -> Iterator[list[Line]]:
        with self._lock, self.book.held(self.clock(), patient=self.patient) as asked:
            yield asked

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
        yield self._minute(_CLIENT, self.client, agent), ""

    def _note(self, asked: list[Line], minutes: Mapping[Minute, str]) -> None:
        now_s = self.clock()
        asked += [
            Line(now_s, self.book.host, one.kind, what, one.whose)
            for one, what in minutes.items()
            if one.most is not None
        ]

    def _wait(
        self, wait_s: Callable[[Sequence[Line], float], float], then: Callable[[list[Line]], None] = lambda _: None
    ) -> None:
        """Nobody else is kept waiting meanwhile: what a page asks has to be counted when it asks."""
        while True:
            with self._held() as asked:
                left_s = wait_s(asked, self.clock()) if self.patient else 0.0
                if left_s <= 0:
                    return then(asked)
            if left_s >= _TOLD_FROM_S:
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
    """As long as the block runs; what is asked all the time is said as long, too. A killed session is silent soon."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(_RENEWED_EVERY_S):
            pace.renew()

    _paces.append(pace)
    if pace.steady:
        threading.Thread(target=renew, name="pace", daemon=True).start()
    try:
        yield pace
    finally:
        _paces.remove(pace)
        over.set()
        if pace.steady:
            pace.end()
