"""How much a load shape asks for, and when each request is due. The same order always gives the same times."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from pam_rollback.base.open_loop import rotation
from pam_rollback.load.order import LoadOrder, LoadShape
from pam_rollback.load.record import AskedRate

_PER_CENT = 100


class Due(NamedTuple):
    """One request."""

    due_s: float
    """From the beginning of the run."""
    target: int
    journey: int


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A time with one rate."""

    from_s: float
    rate_hz: float
    first: int
    """How many requests are due before it."""
    count: int

    def due_s(self, number: int) -> float:
        return self.from_s + (number - self.first) / self.rate_hz


def asked(shape: LoadShape, duration_s: float, *, began_s: float = 0) -> tuple[AskedRate, ...]:
    """Return how many requests a second the shape asks for from each second on."""
    return tuple(AskedRate(began_s + from_s, shape.rate_hz * share) for from_s, share in _shares(shape, duration_s))


def due_times(order: LoadOrder, *, worker: int = 0, workers: int = 1) -> Iterator[Due]:
    """When the requests of one of so many workers are due, in order: together, they are the whole shape.

    Each due time alternates between the targets. Journeys take turns by weight at each target, at another place of the round for each
    target and worker, so that no target is always asked for what another has just warmed up.
    """
    stretches = _stretches(order)
    total = stretches[-1].first + stretches[-1].count
    turns = rotation({index: journey.weight for index, journey in enumerate(order.journeys)})
    targets = len(order.targets)
    at = 0
    for turn, pair in enumerate(range(worker, -(-total // targets), workers)):
        for target in range(targets):
            number = pair * targets + target
            if number >= total:
                return
            while number >= stretches[at].first + stretches[at].count:
                at += 1
            place = turn + worker + target * len(turns) // targets
            yield Due(stretches[at].due_s(number), target, turns[place % len(turns)])


def _shares(shape: LoadShape, duration_s: float) -> list[tuple[float, float]]:
    """From when on which multiple of the shape's figure is asked for."""
    if shape.name == "steps":
        each_s = duration_s / len(shape.shares_pct)
        return [(number * each_s, share / _PER_CENT) for number, share in enumerate(shape.shares_pct)]
    if shape.name == "spike":
        spike_s = duration_s * shape.spike_share
        from_s = (duration_s - spike_s) / 2
        return [(0, 1), (from_s, shape.spike_factor), (from_s + spike_s, 1)]
    return [(0, 1)]


def _stretches(order: LoadOrder) -> list[_Stretch]:
    steps = asked(order.shape, order.duration_s)
    found: list[_Stretch] = []
    first = 0
    for step, until_s in pairwise([*steps, None]):
        assert step is not None  # only the last of them is
        length_s = (order.duration_s if until_s is None else until_s.from_s) - step.from_s
        count = round(length_s * step.rate_hz)
        found.append(_Stretch(step.from_s, step.rate_hz, first, count))
        first += count
    return found
