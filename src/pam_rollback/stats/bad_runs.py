"""Bad times that follow each other: the one rule by which windows, servers' records and load tests find an outage within a measurement."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time and what was found in it. ``bad`` is None where that cannot be told: it neither ends nor begins a run."""

    from_s: float
    until_s: float
    bad: bool | None


def bad_runs(stretches: Iterable[Stretch]) -> Iterator[Sequence[Stretch]]:
    """The bad stretches of each run, in order of time. A time of which nothing is said neither ends nor begins one."""
    run: list[Stretch] = []
    for one in stretches:
        if one.bad:
            run.append(one)
        elif one.bad is False and run:
            yield run
            run = []
    if run:
        yield run


def longest_s(stretches: Iterable[Stretch]) -> float:
    """How long the longest run lasts."""
    return max((run[-1].until_s - run[0].from_s for run in bad_runs(stretches)), default=0.0)


def too_long(stretches: Iterable[Stretch], tolerated_s: float) -> tuple[Stretch, Stretch] | None:
    """The first run that lasts longer: its first stretch, and the one by which it was too long; None when there is none."""
    for run in bad_runs(stretches):
        for one in run:
            if one.until_s - run[0].from_s > tolerated_s:
                return run[0], one
    return None
