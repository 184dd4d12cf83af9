"""What the product's API bears within a minute, and what a session asks of it: told beforehand, and held against each other.

The ban of an address counts everybody behind it, and other people are there too: of what is shared a session uses three quarters. What
belongs to its browser or to the test account is all its own.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field, Strict

from pam_rollback.base.configuration import Table
from pam_rollback.environment.environment_tables import UrlPath

_SHARE: Final = 0.75
_AtLeastOne = Annotated[int, Field(ge=1)]


class Limits(Table):
    """Within a minute. What is not said is not known: nothing is held back for it."""

    paths: _AtLeastOne | None = None
    """Different paths that one address may ask for; with one more it is banned."""
    address: _AtLeastOne | None = None
    """Requests of one address, whoever asks."""
    without_token: _AtLeastOne | None = None
    """As many, and from there on those without a token are refused."""
    with_token: _AtLeastOne | None = None
    """Requests with a token, whoever's."""
    client: _AtLeastOne | None = None
    """Requests of one address and User-Agent: with one more they are shut out."""
    free: Annotated[tuple[UrlPath, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """Paths that are asked as often as anybody likes."""

    @property
    def ours(self) -> "Limits":
        """What a session may use of them."""
        return self.model_copy(
            update={
                name: None if most is None else max(1, math.floor(most * _SHARE))
                for name in ("paths", "address", "without_token", "with_token")
                for most in [getattr(self, name)]
            }
        )

    @property
    def by_rate(self) -> bool:
        """So many requests within a minute are known to be too many."""
        return any(one is not None for one in (self.address, self.without_token, self.with_token, self.client))

    @property
    def known(self) -> bool:
        """Something is known."""
        return any(most is not None for name, most in self if name != "free")


@dataclass(frozen=True)
class Steady:
    """A path of the API that is asked over and over, as long as somebody watches."""

    path: str
    per_minute: float
    token: bool = False
    """With the token of the test account."""
    browser: bool = False
    """As a browser asks: it is another client than we are."""


@dataclass(frozen=True)
class Asks:
    """What one fixture or test asks of the product, at most."""

    paths: frozenset[str] = frozenset()
    """Of the API."""
    steady: tuple[Steady, ...] = ()
    sign_ins: int = 0
    page_loads: int = 0
    questions: int = 0
    """To PAM: each costs the product time and money."""
    under_load: int = 0
    """Requests of a load test: its own processes send them."""
    under_load_questions: int = 0
    """As many of them are questions to PAM."""
    too_few: tuple[str, ...] = ()
    """Plan items that cannot have enough answers in their time, each with what would give them."""

    def __add__(self, other: "Asks") -> "Asks":
        """Both."""
        return Asks(
            self.paths | other.paths,
            self.steady + other.steady,
            self.sign_ins + other.sign_ins,
            self.page_loads + other.page_loads,
            self.questions + other.questions,
            self.under_load + other.under_load,
            self.under_load_questions + other.under_load_questions,
            tuple(dict.fromkeys(self.too_few + other.too_few)),
        )

    @classmethod
    def all(cls, several: "Iterable[Asks]") -> "Asks":
        """All of them together."""
        return sum(several, cls())


@dataclass(frozen=True)
class Budget:
    """What a session asks for, and what the product bears."""

    asks: Asks
    limits: Limits
    others: tuple[Steady, ...] = ()
    """What other sessions of this machine ask over and over meanwhile."""

    @property
    def paths(self) -> frozenset[str]:
        """Different paths of the API, those that are asked over and over too."""
        return self.asks.paths | {one.path for one in self.asks.steady}

    def per_minute(self, *, token: bool) -> float:
        """Requests that are made over and over, to paths that are not free."""
        return self._rate(self.asks.steady, token=token)

    def per_minute_of_client(self, *, browser: bool) -> float:
        """Requests that are made over and over by ourselves or as a browser, to paths that are not free."""
        own = [one for one in self.asks.steady if one.browser is browser]
        return sum(self._rate(own, token=token) for token in (False, True))

    def _rate(self, steady: Iterable[Steady], *, token: bool) -> float:
        return sum(one.per_minute for one in steady if one.token is token and one.path not in self.limits.free)

    @property
    def beyond(self) -> tuple[str, ...]:
        """What is asked over and over and more than the product bears: no waiting makes it less. One sentence each."""
        return tuple(
            f"{fact}: {' or '.join(filter(None, (_rarer(ask, left), 'wait until that is over' if self.others else '')))}"
            for fact, ask, left in self.exceeded()
        )

    def exceeded(self) -> Iterator[tuple[str, float, float]]:
        """The same without what to do: each fact, what is asked a minute, and what is left for it."""
        ours = self.limits.ours
        asked, beside = (
            {token: self._rate(steady, token=token) for token in (False, True)}
            for steady in (self.asks.steady, self.others)
        )
        known: Mapping[str, tuple[float, float, int | None]] = {
            "without a token": (asked[False], beside[False], ours.without_token),
            "with a token": (asked[True], beside[True], ours.with_token),
            # Another session's prober has another name.
            "as one client": (max(self.per_minute_of_client(browser=one) for one in (False, True)), 0, ours.client),
            "in all": (sum(asked.values()), sum(beside.values()), ours.address),
        }
        for what, (ask, others, most) in known.items():
            if most is not None and ask and ask + others > most:
                more = f", and {others:.0f} are another session's of this machine" if others else ""
                fact = f"{ask:.0f} requests a minute {what}, of which the product bears {most} of us{more}"
                yield fact, ask, most - others

    def __str__(self) -> str:
        """As it is told before anything is sent."""
        asks, ours = self.asks, self.limits.ours
        load = f"{_count(asks.under_load, 'request')} under load"
        if asks.under_load_questions:
            load += f", of which {_count(asks.under_load_questions, 'question')} to PAM"
        if not (self.paths or asks.sign_ins or asks.page_loads or asks.questions):
            return f"at most {load}" if asks.under_load else "nothing of the API, and opens no page"
        in_turn = "" if ours.paths is None else f" ({ours.paths} a minute)"
        told = [f"{_count(len(self.paths), 'path')} of the API{in_turn}"] if self.paths else []
        for token, whose, most in (
            (False, "without a token", ours.without_token),
            (True, "with a token", ours.with_token),
        ):
            rate = self.per_minute(token=token)
            if rate:
                told.append(f"{rate:.0f} requests a minute {whose}" + ("" if most is None else f" (of {most})"))
        rest = {
            "sign-in": (asks.sign_ins, ""),
            "page load": (asks.page_loads, " with what they ask"),
            "question": (asks.questions, " to PAM"),
        }
        told += [f"{_count(count, what)}{more}" for what, (count, more) in rest.items() if count]
        return f"at most {', '.join(told)}{f'; and {load}' if asks.under_load else ''}"


def _rarer(ask: float, left: float) -> str:
    return f"ask {ask / left:.1f} times as rarely ([probing] rate_hz, --pace)" if left > 0 else ""


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
