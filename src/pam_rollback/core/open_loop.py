"""How an open-loop schedule sends: each thing when it is due, whatever became of those before it.

Prober, ledger and load test share it. What cannot leave in time is recorded as never sent, and not made up for: a burst would be an attack.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

TOO_LATE_S = 1.0
"""Missed by more (the machine slept, the process was stopped), it does not leave any more."""


@dataclass(frozen=True)
class Ticks:
    """An even schedule: number ``i`` is due at ``first_s + i / rate_hz``, on absolute moments, so that no delay adds up."""

    first_s: float
    rate_hz: float

    def due_s(self, number: int) -> float:
        """When it has to leave."""
        return self.first_s + number / self.rate_hz


def why_not_sent(who: str, what: str, *, behind_s: float, out: int, out_max: int) -> str:
    """Why what is due now does not leave; empty when it does. ``out`` of ``what`` have no answer yet, and ``out_max`` may be so."""
    if behind_s > TOO_LATE_S:
        return f"overrun: the {who} was {behind_s:.1f} s behind"
    return f"overrun: {out} {what} are still out" if out >= out_max else ""


@dataclass(frozen=True)
class Sending:
    """What became of all that was due: how many left, how many of those late, and how many never did."""

    due: int
    late: int
    never: int
    latest_ms: float
    """The lag of what left last of all; 0 when nothing left."""

    @classmethod
    def of(cls, lags_ms: Iterable[float | None], *, late_ms: float) -> "Sending":
        """By how late each left; None, or not a number, when it never did."""
        lags = [*lags_ms]
        left = [lag for lag in lags if lag is not None and not math.isnan(lag)]
        return cls(len(lags), sum(lag > late_ms for lag in left), len(lags) - len(left), max(left, default=0.0))

    @property
    def left(self) -> int:
        """How many were sent, late or not."""
        return self.due - self.never


T = TypeVar("T")


def rotation(weights: Mapping[T, int]) -> tuple[T, ...]:
    """One round in which each takes as many turns as its weight, as evenly spread as can be.

    Who has weight 0 takes none.
    """
    total = sum(weights.values())
    credit = dict.fromkeys(weights, 0)
    order = []
    for _ in range(total):
        for who, weight in weights.items():
            credit[who] += weight
        turn = max(credit, key=lambda who: credit[who])
        credit[turn] -= total
        order.append(turn)
    return tuple(order)


@dataclass(frozen=True)
class Steady:
    """An address that a process asks over and over."""

    url: str
    per_minute: float
    token: bool = False
    """With the token of the test account."""
    browser: bool = False
    """As a browser asks: it is another client than we are."""

    @property
    def path(self) -> str:
        """By which the product counts it."""
        rest = self.url.partition("://")[2] or self.url
        return "/" + rest.partition("/")[2].partition("?")[0]


def beyond(
    asked: Sequence[Steady],
    *,
    paths: int | None,
    address: int | None,
    without_token: int | None,
    with_token: int | None,
    client: int | None,
    free: Collection[str],
) -> list[tuple[str, float]]:
    """Return each limit that is exceeded, in words, and how many times; a limit of None is not known."""
    counted = [one for one in asked if one.path not in free]
    named, different = [one for one in counted if one.token], len({one.path for one in asked})
    rates = (
        ("without a token", without_token, [one for one in counted if not one.token]),
        ("with a token", with_token, named),
        ("as one client", client, [one for one in counted if not one.browser]),
        ("as one browser", client, [one for one in counted if one.browser]),
        ("in all", address, counted),
    )
    wanted = [
        (f"requests a minute {what}", most, sum(one.per_minute for one in requests)) for what, most, requests in rates
    ]
    wanted.append(("different paths", paths, different))
    return [
        (f"{want:.0f} {what}, of which the product bears {most} of us", want / most)
        for what, most, want in wanted
        if most is not None and want > most
    ]
