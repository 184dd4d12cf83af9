"""From counters that only grow, and begin anew with their process, to what was counted in each step of time.

Raw samples of each series come in, never rates: a sum of counters hides a restart, and ``rate()`` does not see the first error of all,
because the series that counts it begins with it. Rules:

* What belongs to one process (``job`` and ``instance``, a *target*) is read at the same moments, its scrapes.
* What a counter grew by between two scrapes belongs to the step in which the later one lies. Nothing is interpolated.
* A series that begins while its target was read before counts from zero: it was made by its first event.
* A counter that fell, or another moment of the process' start, is a **restart**: what was counted between the last scrape and the end of
  the old process is lost, so that step is unknown. It is never negative, and never zero.
* A series that was there and is not, while its target is read, makes the step unknown too.
* A step without a scrape of a target that is read both before and after it is a **hole**: unknown. A target that does not come back is
  *gone*: replaced by a deploy, or down; it is named, and where no other target is left, the steps are unknown.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import attrgetter

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.stats.series import Answers, Evidence, Point, Times, from_evidence, gauge

Labels = Mapping[str, str]
_TARGET_LABELS = ("job", "instance")
_EDGE = "le"
_MS = 1000.0
_QUIET = "no request came"
_WHOLE_STEP = 1e-9
_SAME_START_S = 1.0
"""Moments of a process' start that differ by less are the same, rounded differently."""


@dataclass(frozen=True)
class RawSeries:
    """The samples of one series as they were collected: moments and values."""

    labels: Labels
    samples: tuple[tuple[float, float], ...]

    @property
    def target(self) -> str:
        """Which process it belongs to."""
        return "/".join(self.labels[name] for name in _TARGET_LABELS if name in self.labels) or "(no instance label)"


@dataclass(frozen=True)
class Step:
    """What was counted in one step; ``why`` says why that is unknown."""

    end_s: float
    increases: tuple[tuple[Labels, float], ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Counted:
    """All steps, and what happened to the targets."""

    steps: tuple[Step, ...]
    restarts: tuple[float, ...]
    gone: tuple[str, ...]


@dataclass
class _Scrape:
    at_s: float
    increases: list[tuple[Labels, float]] = field(default_factory=list)
    why: str = ""
    restarted: bool = False


def count(
    raw: Sequence[RawSeries], *, start_s: float, end_s: float, step_s: float, started: Sequence[RawSeries] = ()
) -> Counted:
    """Count by steps of ``step_s`` from ``start_s`` to ``end_s``; a last step that is not over is left out.

    ``raw`` should begin some scrapes before ``start_s``: the first scrape of each target is only what the next is held against. ``started``
    are the moments at which the targets' processes began, as gauges: with them a restart is seen even when the new process has counted
    more than the old one, and counters that begin with the first request after a restart count from zero.
    """
    starts = {target: _values(series) for target, series in _by_target(started).items()}
    scrapes = {target: list(_scrapes(series, starts.get(target, {}))) for target, series in _by_target(raw).items()}
    scrapes = {target: found for target, found in scrapes.items() if found}
    steps = tuple(_step(scrapes, since_s, until_s) for since_s, until_s in _steps(start_s, end_s, step_s))
    last_s = max((found[-1].at_s for found in scrapes.values()), default=-math.inf)
    gone = tuple(sorted(target for target, found in scrapes.items() if found[-1].at_s < last_s - 2 * step_s))
    every = [scrape for found in scrapes.values() for scrape in found]
    restarts = sorted(scrape.at_s for scrape in every if scrape.restarted and start_s < scrape.at_s <= end_s)
    return Counted(steps, tuple(restarts), gone)


def _steps(start_s: float, end_s: float, step_s: float) -> list[tuple[float, float]]:
    number = max(0, math.floor((end_s - start_s) / step_s + _WHOLE_STEP))
    return [(start_s + step_s * index, start_s + step_s * (index + 1)) for index in range(number)]


def _by_target(raw: Iterable[RawSeries]) -> dict[str, list[RawSeries]]:
    targets: dict[str, list[RawSeries]] = defaultdict(list)
    for series in raw:
        targets[series.target].append(series)
    return targets


def _values(gauges: Iterable[RawSeries]) -> dict[float, float]:
    return {at_s: value for series in gauges for at_s, value in series.samples if math.isfinite(value)}


def _scrapes(series: Sequence[RawSeries], starts: Mapping[float, float]) -> Iterator[_Scrape]:
    # Where the start is told, the process was read, also when none of its counters had begun: so their first values count from zero.
    by_moment: dict[float, dict[int, float]] = {at_s: {} for at_s in starts}
    for index, one in enumerate(series):
        for at_s, value in one.samples:
            by_moment.setdefault(at_s, {})[index] = value
    last: dict[int, float] = {}
    before: dict[int, float] | None = None
    start: float | None = None
    for at_s in sorted(by_moment):
        told = by_moment[at_s]
        now = {index: value for index, value in told.items() if math.isfinite(value) and value >= 0}
        scrape = _Scrape(at_s, why="a counter is not a number" if len(now) < len(told) else "")
        fell = any(index in last and value < last[index] for index, value in now.items())
        began_anew = start is not None and at_s in starts and abs(starts[at_s] - start) > _SAME_START_S
        if fell or began_anew:
            scrape.restarted, scrape.why = True, "the process was restarted: what it counted last is lost"
            last.clear()
        elif before is not None:
            scrape.increases = [(series[index].labels, value - last.get(index, 0.0)) for index, value in now.items()]
            if set(before) - set(now):
                scrape.why = scrape.why or "counters that were there are missing"
        else:
            scrape.why = scrape.why or "the first scrape: there is nothing to hold it against"
        yield scrape
        last |= now
        before = now
        start = starts.get(at_s, start)


def _inside(
    scrapes: Mapping[str, Sequence[_Scrape]], since_s: float, until_s: float
) -> tuple[dict[str, list[_Scrape]], str]:
    """Give the scrapes of each target in a step, or why they are not all known."""
    present = {
        target: found for target, found in scrapes.items() if found[0].at_s <= until_s and found[-1].at_s > since_s
    }
    inside = {target: [one for one in found if since_s < one.at_s <= until_s] for target, found in present.items()}
    missing = next((target for target, found in inside.items() if not found), "")
    if not present:
        return {}, "nothing was scraped" if scrapes else "there is no such series"
    return inside, f"{missing}: it was not scraped" if missing else ""


def _step(scrapes: Mapping[str, Sequence[_Scrape]], since_s: float, until_s: float) -> Step:
    inside, why = _inside(scrapes, since_s, until_s)
    if why:
        return Step(until_s, why=why)
    increases: list[tuple[Labels, float]] = []
    for target, found in inside.items():
        # A target that joins others takes nothing from what they say.
        judged = found[1:] if found[0] is scrapes[target][0] and len(inside) > 1 else found
        if why := next((scrape.why for scrape in judged if scrape.why), ""):
            return Step(until_s, why=f"{target}: {why}")
        increases += [pair for scrape in judged for pair in scrape.increases]
    return Step(until_s, tuple(increases))


@dataclass(frozen=True)
class StatusRule:
    """How a counter's label tells errors from good answers: regular expressions over the whole value. Every value has to match one."""

    label: str = "status"
    errors: str = "5.."
    fine: str = "[1-4].."

    def is_error(self, labels: Labels) -> bool:
        """Whether this series counts errors. Raises MeasurementFailed when that is not to be told: a guess could hide them all."""
        value = labels.get(self.label)
        if value is None:
            raise MeasurementFailed(
                f"a counter of requests has no label {self.label!r}, it has {', '.join(sorted(labels)) or 'none'}: "
                "errors cannot be told from good answers; see status_label"
            )
        if re.fullmatch(self.errors, value):
            return True
        if re.fullmatch(self.fine, value):
            return False
        raise MeasurementFailed(
            f"requests are counted with {self.label}={value!r}, which is neither an error ({self.errors}) nor fine ({self.fine}): "
            "say which, with status_errors or status_fine"
        )


def error_rate_points(steps: Iterable[Step], rule: StatusRule) -> Iterator[Point]:
    """Give the share of errors in each step. A step without requests is unknown. Raises MeasurementFailed as ``StatusRule`` does."""

    def answers(step: Step) -> Answers | str:
        bad = sum(moved for labels, moved in step.increases if rule.is_error(labels))
        n = sum(moved for _, moved in step.increases)
        return Answers(n, bad) if n > 0 else _QUIET

    return _points(steps, answers)


def p95_points(steps: Iterable[Step]) -> Iterator[Point]:
    """Give the times of the answers of each step from buckets, whose edges (``le``) are in seconds."""
    return _points(steps, _times)


def _points(steps: Iterable[Step], found_in: Callable[[Step], Evidence | str]) -> Iterator[Point]:
    for step in steps:
        found = step.why or found_in(step)
        yield Point(step.end_s, None, why=found) if isinstance(found, str) else from_evidence(step.end_s, found)


def _times(step: Step) -> Times | str:
    """Add the buckets of all series up; say why where they make no sense, or nothing was counted."""
    groups: dict[tuple[tuple[str, str], ...], dict[float, float]] = defaultdict(lambda: defaultdict(float))
    try:
        for labels, moved in step.increases:
            # A step may hold several scrapes.
            others = tuple(sorted((name, value) for name, value in labels.items() if name != _EDGE))
            groups[others][_edge_ms(labels)] += moved
        found = [Times.from_cumulative(group) for group in groups.values() if any(group.values())]
    except MeasurementFailed as problem:
        return str(problem)
    return reduce(Times.plus, found) if found else _QUIET


def _edge_ms(labels: Labels) -> float:
    text = labels.get(_EDGE, "")
    try:
        return float(text) * _MS
    except ValueError:
        raise MeasurementFailed(
            f'a bucket has le="{text}": expected a number; is latency_buckets the _bucket series of a histogram?'
        ) from None


def gauge_points(
    raw: Sequence[RawSeries], *, start_s: float, end_s: float, step_s: float, scale: float = 1.0
) -> Iterator[Point]:
    """Give the highest value of any target in each step; unknown as for counters, and when one of the values is not a number."""
    targets = {
        target: sorted(
            (_Scrape(at_s, [({}, value)]) for one in series for at_s, value in one.samples), key=attrgetter("at_s")
        )
        for target, series in _by_target(raw).items()
    }
    targets = {target: found for target, found in targets.items() if found}
    for since_s, until_s in _steps(start_s, end_s, step_s):
        inside, why = _inside(targets, since_s, until_s)
        values = [value for found in inside.values() for scrape in found for _, value in scrape.increases]
        wrong = next((value for value in values if not math.isfinite(value)), None)
        found = max(values, default=0.0) if wrong is None else wrong
        yield Point(until_s, None, why=why) if why else gauge(until_s, found, scale=scale)
