"""A criterion that is held for a time, "below X for T": the one engine behind probes, memory, servers' records, releases and load.

A source tells which moments it knows, which bins of time were bad, and what follows from its sums (``Told``); the engine decides:

* It **fails fast**: *broken* as soon as no rest of the window can save it, or a run of bad bins lasts longer than is tolerated, however
  small its share of the window. A bin of which nothing can be told neither ends nor begins a run.
* It **passes late**: *met* only when the whole window has been told.
* What is not known is *unknown*, never met: too few samples, a gap, an end that was not reached. Evidence that it is broken stands all the
  same: broken comes before unknown.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Self

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.stats.series import Quantity

_BEGINNING = re.compile(r"[:,;]? \(|[:,;] | from \+")
"""Where the first words of a reason end."""
_GAP_WHEN_SHORTENED_S = 5.0
"""A window that the pace made shorter tolerates no hole that is longer."""


# ---------------------------------------------------------------- times


@dataclass(frozen=True, slots=True)
class Bin:
    """A time and what was found in it. ``bad`` is None where that cannot be told: it neither ends nor begins a run."""

    from_s: float
    until_s: float
    bad: bool | None
    n: int = 0
    """Answers in it."""
    bad_n: int = 0

    @property
    def length_s(self) -> float:
        """How long it lasts."""
        return self.until_s - self.from_s


def seconds(answers: Iterable[tuple[float, bool]], *, bad_share: float = 1.0) -> list[Bin]:
    """Return the seconds in which there are answers, each given with its moment and whether it is bad.

    A second is bad when ``bad_share`` of its answers are.
    """
    counts: dict[int, tuple[int, int]] = {}
    for at_s, is_bad in answers:
        second = math.floor(at_s)
        n, bad_n = counts.get(second, (0, 0))
        counts[second] = n + 1, bad_n + is_bad
    return [
        Bin(second, second + 1, bad_n >= bad_share * n, n=n, bad_n=bad_n)
        for second, (n, bad_n) in sorted(counts.items())
    ]


def bad_runs(bins: Iterable[Bin]) -> Iterator[Bin]:
    """Give the runs of bad bins, which are given in order of time, each as one bin. One of which nothing is told is no part of it."""
    run: list[Bin] = []
    for one in bins:
        if one.bad:
            run.append(one)
        elif one.bad is False and run:
            yield _joined(run)
            run = []
    if run:
        yield _joined(run)


def _joined(run: Sequence[Bin]) -> Bin:
    return Bin(run[0].from_s, run[-1].until_s, bad=True, n=sum(o.n for o in run), bad_n=sum(o.bad_n for o in run))


def gaps(moments: Iterable[float], longer_than_s: float = -math.inf) -> list[Bin]:
    """Return the times between these moments, which are in order, that are longer than that."""
    return [Bin(before, after, bad=None) for before, after in pairwise(moments) if after - before > longer_than_s]


@dataclass(frozen=True)
class Reach:
    """How far a window is. Complete: nothing more comes."""

    start_s: float
    reach_s: float
    complete: bool

    @classmethod
    def of(cls, start_s: float, duration_s: float, settled_s: float) -> Self:
        """Give that of a window of which everything before ``settled_s`` is known."""
        end_s = start_s + duration_s
        return cls(start_s, max(start_s, min(settled_s, end_s)), settled_s >= end_s)

    @property
    def observed_s(self) -> float:
        """How much of it was observed."""
        return self.reach_s - self.start_s


# ---------------------------------------------------------------- the engine


class WindowState(StrEnum):
    """How it stands with a window."""

    HOLDING = "holding"
    MET = "met"
    BROKEN = "broken"
    UNKNOWN = "unknown"


def _no_more(_: Bin) -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a source has told of a window so far. Moments are in order of time and inside the window."""

    reach: Reach
    known: Sequence[float]
    """The moments at which something is known."""
    bins: Sequence[Bin] = ()
    """In seconds since the start."""
    lost: str = ""
    """Why no rest of the window can save it."""
    unfit: str = ""
    """Why nothing good follows from it, however it goes on."""
    lacking: str = ""
    """Why nothing good follows from it as it is now."""
    what: str = "usable sample"
    hides: str = "an outage"
    of: str = "the watch"
    """What moments are counted from the start of."""
    instead: Callable[[Bin], str] = _no_more
    """What is known of a gap."""
    badly: str = "every sample bad"
    """What a bad bin is."""


@dataclass(frozen=True)
class Held:
    """How a window stands, with its bad times and its gaps."""

    state: WindowState
    reason: str
    bad: tuple[Bin, ...]
    """Runs of bad bins, in seconds since the start."""
    gaps: tuple[Bin, ...]
    """Those that are longer than tolerated."""

    @property
    def bad_run_s(self) -> float:
        """How long the longest bad run lasts."""
        return max((run.length_s for run in self.bad), default=0.0)


def held(told: Told, *, gap_max_s: float, bad_run_max_s: float = 0.0) -> Held:
    """Judge what was told. Broken comes before unknown, and neither waits until the window is complete."""
    reach = told.reach
    bad = tuple(bad_runs(told.bins))
    too_long = next((run for run in bad if run.length_s > bad_run_max_s), None)
    known = [at_s for at_s in told.known if at_s <= reach.reach_s]
    holes = tuple(gaps([reach.start_s, *known, reach.reach_s], gap_max_s))
    broken = told.lost
    if too_long is not None and not broken:
        broken = f"{told.badly} for {too_long.length_s:g} s from +{too_long.from_s:g} s of the watch on (tolerated {bad_run_max_s:g} s)"
    unknown = told.unfit or (_hole(told, holes, gap_max_s) if holes else "") or told.lacking
    if broken:
        return Held(WindowState.BROKEN, broken, bad, holes)
    if unknown:
        return Held(WindowState.UNKNOWN, unknown, bad, holes)
    return Held(WindowState.MET if reach.complete else WindowState.HOLDING, "", bad, holes)


def _hole(told: Told, holes: Sequence[Bin], gap_max_s: float) -> str:
    hole = max(holes, key=lambda one: (one.length_s, one.from_s))
    instead = told.instead(hole)
    return (
        f"no {told.what} for {hole.length_s:.1f} s from +{hole.from_s - told.reach.start_s:.1f} s of {told.of} on "
        f"(tolerated {gap_max_s:g} s): {instead}{instead and '; '}a hole hides {told.hides}"
    )


# ---------------------------------------------------------------- what is asked, and how it stands


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is asked. ValueError when a figure makes no sense."""

    measure: Quantity
    limit: float
    """The measure must stay strictly below this, in its unit."""
    duration_s: float
    """How long is observed."""
    asked_s: float | None = None
    """How long the plan asks for, when the pace made ``duration_s`` shorter."""
    n_min: int
    """Of samples, readings or points."""
    answers_min: int = 1
    """Of answers that were counted in steps, each of which is a point."""
    gap_max_s: float
    """The longest time without a usable one."""
    bad_run_max_s: float = 0.0
    """The longest run of wholly bad bins that is tolerated."""

    def __post_init__(self) -> None:
        """Refuse figures that could never be judged."""
        figures = {name: value for name, value in vars(self).items() if isinstance(value, int | float)}
        for name, value in figures.items():
            if not (math.isfinite(value) and value > 0) and name != "bad_run_max_s":
                raise ValueError(f"window on {self.measure}: {name} must be a number above 0, it is {value}")

    @property
    def asked(self) -> str:
        """The limit, and for how long, or over how many samples, it is to be kept."""
        kept = f", n >= {self.n_min}" if self.asked_s is None else f" for {self.asked_s:g} s"
        return f"< {self.limit:g} {self.measure.unit}{kept}"


def shortened_gap_s(planned_s: float, pace: float) -> float:
    """Return what is tolerated of a hole where the pace made the window shorter."""
    return planned_s if pace <= 1 else min(planned_s, _GAP_WHEN_SHORTENED_S)


class WindowResult(Fact):
    """A verdict on a window. The test that asserts compares its ``number``."""

    state: WindowState
    reason: str
    cause: str = ""
    """What stood in its way, and in that of others."""

    @property
    def proviso(self) -> str:
        """Why its figure proves nothing, in a few words; empty where it does."""
        return _BEGINNING.split(self.reason, maxsplit=1)[0] if self.state is WindowState.UNKNOWN else ""

    def headed(self, what: str, found: str) -> str:
        """The first words of its sentence: the name that the table has for it, what was found if anything, and whether that counts."""
        if self.state is WindowState.UNKNOWN or not found:
            return f"{what}{' not known' if self.state is WindowState.UNKNOWN else ''}: {found or 'nothing measured'}"
        return f"{what} {found}{' so far' if self.state is WindowState.HOLDING else ''}"

    @property
    def final(self) -> bool:
        """Whether more observation cannot change the state."""
        return self.state is not WindowState.HOLDING

    @property
    def met(self) -> bool:
        """Whether the criterion held for its time. Raises MeasurementFailed when that is not known: unknown is neither."""
        self.decided(0.0)
        return self.state is WindowState.MET

    def decided(self, number: float | None) -> float:
        """The number that was measured, to compare. Raises MeasurementFailed while the window is neither met nor broken."""
        if number is None or self.state not in {WindowState.MET, WindowState.BROKEN}:
            raise MeasurementFailed(str(self), cause=self.cause)
        return number


@dataclass(frozen=True, repr=False, kw_only=True)
class Window(WindowResult):
    """How a window stands, with what it rests on. ``value``, ``margin`` (limit less value) and the limit share a unit."""

    spec: Terms
    state: WindowState
    reason: str
    value: float | None
    """None: nothing was measured, or it is only known within bounds."""
    n: int
    observed_s: float
    at_least: float | None
    """What the measure certainly reaches, whatever is still to come or says nothing."""
    bad_run_s: float = 0.0
    """The longest run of wholly bad bins."""
    definition: str = ""
    """How the value is made, and of what."""
    bounds: str = ""
    """Between which values it lies, where that is all that is known."""
    cause: str = ""
    bad_by_journey: tuple[tuple[str, int], ...] = ()
    """Whose the bad answers are, the most first."""
    part: str = ""
    """The part of the product that this is about, the worst of several; empty: of everything together."""
    others: tuple[tuple[str, "Window"], ...] = ()
    """The other parts, each by itself."""

    @property
    def number(self) -> float:
        """What the limit is compared with. Raises MeasurementFailed where the window is not known."""
        return self.decided(self.at_least)

    @property
    def bad(self) -> int:
        """How many answers were bad."""
        return sum(count for _, count in self.bad_by_journey)

    @property
    def asked_s(self) -> float:
        """How long the plan asks for."""
        return self.spec.duration_s if self.spec.asked_s is None else self.spec.asked_s

    @property
    def margin(self) -> float | None:
        """How far the measured value is below the limit; negative when above."""
        return None if self.value is None else self.spec.limit - self.value

    @property
    def measured(self) -> Measured:
        """The measure over the window, of the worst part, or between which values it lies."""
        spec, unit = self.spec, self.spec.measure.unit
        bounded = self.value is None and bool(self.bounds)
        whose = f"of the {self.part}, the worst of {len(self.others) + 1} parts" if self.others else ""
        return Measured(
            what=spec.measure.words,
            asked=spec.asked,
            value=self.bounds if bounded else self.value,
            unit="" if bounded else unit,
            n=self.n,
            margin=self.margin,
            definition=", ".join(filter(None, (whose, self.definition, f"observed {self.observed_s:.0f} s"))),
            proviso=self.proviso,
            sentence=self._sentence,
            cause=self.cause,
        )

    @property
    def _sentence(self) -> str:
        spec, unit = self.spec, self.spec.measure.unit
        found = self.bounds if self.value is None else f"{self.value:.2f} {unit}"
        return (
            f"{self.headed(f'{spec.measure.words} of the {self.part}' if self.part else spec.measure.words, found)}, "
            f"asked below {spec.limit:g} {unit} (n={self.n}{self.definition and ', '}{self.definition}), "
            f"observed {self.observed_s:.0f} s of {self.asked_s:g} s asked"
            + (f": {self.reason}" if self.reason else "")
            + ("; bad answers: " if self.bad else "")
            + ", ".join(f"{journey} {bad}" for journey, bad in self.bad_by_journey)
            + ("; beside it: " if self.others else "")
            + ", ".join(f"{part} {one.briefly}" for part, one in self.others)
        )

    @property
    def briefly(self) -> str:
        """The value and its n."""
        return f"{'nothing' if self.value is None else f'{self.value:.3g} {self.spec.measure.unit}'} (n={self.n})"
