"""A criterion for a rollback, "above X for T": whether it is above now, and for how long it has been.

It looks back from the latest moment that is known. The time is cut into slices, a fifth of T each. A slice *contradicts* when it shows,
with confidence, that the measure was not above the limit while it was taken; silence and a handful of answers contradict nothing. From
the end of the last slice that contradicts the condition has been standing:

* *holds*: it stands for all of T, and over all of T it is above the limit. Exactly at the limit is not above (the plan writes ">").
* *clear*: the newest slice contradicts and no slice before was above, or T is over and the measure is not above the limit. Known early:
  it fails fast when it can no more be true; while others are still open it is judged anew, so that the last word is about now.
* *not yet*: it stands, and is above, but not for T so far.
* *over*: the newest slice contradicts, and one before was above.

  Where slices have too few answers to contradict anything (a p95, 2 % of errors at one request a second), each half of T has to be above by
  itself, too: a burst of seconds would stand for all of it otherwise. Above in the newer half alone is *not yet*, in the older one *over*.
* *unknown*: the prober was not fit to judge (unless it holds even if every probe that was not measured had been answered well at once),
  there are holes in which anything may have been, or answers say nothing about the service
  (``probe/blocking.py``). While we are blocked, more observation tells nothing: that is known at once.
* *open*: it stands, and T is not over. The only state that more observation is waited for.

Source: plan items IR-2, IR-4, IR-5; the plan's own figures stand there, the slices are ours (docs/decisions/decision.md).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Measured, Sentence
from pam_rollback.probe.blocking import why_void
from pam_rollback.probe.measure import Bin, Reach, Told, bad_runs, gaps, held
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.window import unmeasured
from pam_rollback.stats.binomial import share_below

SLICES = 5
SAMPLES_MIN = 10
"""With fewer answers the measure is not known, whatever they say."""
_MISS_PCT = 5.0
"""How often a slice may contradict although the share is at the limit."""
_ALMOST_ALL = 0.9999
"""Moments are compared in floating point."""


class ConditionState(StrEnum):
    """How it stands with a condition."""

    OPEN = "open"
    CLEAR = "clear"
    NOT_YET = "not yet"
    OVER = "over"
    HOLDS = "holds"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Span:
    """What was observed: from ``start_s`` on, everything due before ``settled_s`` is recorded; ``rate_hz`` probes a second are counted."""

    start_s: float
    settled_s: float
    rate_hz: float

    @property
    def length_s(self) -> float:
        """How long it was observed."""
        return max(0.0, self.settled_s - self.start_s)

    def inside(self, samples: Sequence[Sample], since_s: float | None = None) -> list[Sample]:
        """The samples due in it, in order."""
        begin_s = self.start_s if since_s is None else max(self.start_s, since_s)
        return sorted((one for one in samples if begin_s <= one.due_s < self.settled_s), key=lambda one: one.due_s)


@dataclass(frozen=True, repr=False)
class Condition(Sentence):
    """What stands, for how long, and what it rests on. ``asked_s`` is the plan's time, ``duration_s`` what the pace made of it."""

    state: ConditionState
    words: str
    """The measure in words, with n and definition."""
    asked_s: float
    duration_s: float
    held_s: float
    observed_s: float
    n: int
    row: Measured
    reason: str = ""
    """Why it is not known."""
    limit: str = ""
    """What the words are held against, where they do not say it."""

    @property
    def held(self) -> bool:
        """The criterion holds. Raises MeasurementFailed when that is not known, and when it is still open."""
        if self.state in {ConditionState.UNKNOWN, ConditionState.OPEN}:
            raise MeasurementFailed(str(self))
        return self.state is ConditionState.HOLDS

    @property
    def final(self) -> bool:
        """More observation is not waited for."""
        return self.state is not ConditionState.OPEN

    def __str__(self) -> str:
        scaled = "" if self.asked_s == self.duration_s else f" (the plan asks for {self.asked_s:g} s)"
        for_how_long = {
            ConditionState.HOLDS: f", for {self.duration_s:g} s{scaled}",
            ConditionState.NOT_YET: f", for {self.held_s:.0f} s so far, not yet for {self.duration_s:g} s{scaled}",
            ConditionState.OVER: ", not any more now",
            ConditionState.OPEN: f", after {self.observed_s:.0f} of {self.duration_s:g} s{scaled}",
        }.get(self.state, "")
        return f"{self.words}{self.limit and ', limit '}{self.limit}{for_how_long}" + (
            f": {self.reason}" if self.reason else ""
        )


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of the samples. ValueError for a time that is none."""

    asked_s: float
    duration_s: float
    gap_max_s: float

    def __post_init__(self) -> None:
        """Refuse what could never be judged."""
        if not (math.isfinite(self.duration_s) and self.duration_s > 0):
            raise ValueError(f"a condition holds for a time above 0 s, not for {self.duration_s} s")

    @property
    def slice_s(self) -> float:
        """The length of a slice."""
        return self.duration_s / SLICES


@dataclass(frozen=True)
class Measure:
    """How answers are judged together."""

    contradicts: Callable[[Sequence[Sample]], bool]
    """These answers show that the measure was not above its limit."""
    above: Callable[[Sequence[Sample]], bool]
    """Over these answers the measure is above its limit. Raises MeasurementFailed when they cannot tell."""
    words: Callable[[Sequence[Sample]], str]
    row: Callable[[Sequence[Sample]], Measured]
    limit: str = ""
    """What the words are held against, where they do not say it."""
    half: Callable[[Sequence[Sample]], bool] | None = None
    """As measured, a half of the time is above the limit. None where a slice has answers enough to contradict."""


def judge(samples: Sequence[Sample], question: Question, measure: Measure, span: Span) -> Condition:
    """Judge the condition as it is known at the end of the span."""
    since_s = max(span.start_s, span.settled_s - question.duration_s)
    due = span.inside(samples, since_s)
    inside = [one for one in due if not one.void]
    measured = [one for one in inside if one.measured()]
    slices = _slices(measured, question, span)
    standing = next((index for index, slice_ in enumerate(slices) if measure.contradicts(slice_)), None)
    complete = span.length_s >= question.duration_s * _ALMOST_ALL
    held_s = min(span.length_s, question.duration_s) if standing is None else standing * question.slice_s
    state, reason = _state(measured, slices, measure, standing=standing, complete=complete)
    if state is ConditionState.HOLDS and measure.half is not None:
        state, reason = _by_halves(measured, measure.half, span.settled_s - question.duration_s / 2)
        held_s = held_s if state is ConditionState.HOLDS else held_s / 2
    problem = _unfit(inside, measured, question, since_s, span)
    if problem and state is ConditionState.HOLDS and len(measured) < len(inside):
        at_best = [one if one.measured() else replace(one, ok=True, latency_ms=0.0, lag_ms=0.0) for one in inside]
        if judge(at_best, question, measure, span).state is ConditionState.HOLDS:
            problem = ""  # whatever the others would have been answered
    # A slice that contradicts is evidence; every other final word stands on all of the time, and a hole may hide anything.
    if problem and state is not ConditionState.OPEN and standing != 0:
        state, reason = ConditionState.UNKNOWN, problem
    void = why_void(due)
    newest_s = span.settled_s - question.slice_s
    if void and not _stands_all_the_same(state, due, question, newest_s=newest_s, standing=standing):
        state, reason = ConditionState.UNKNOWN, void
    return Condition(
        state=state,
        words=measure.words(measured),
        asked_s=question.asked_s,
        duration_s=question.duration_s,
        held_s=held_s,
        observed_s=span.length_s,
        n=len(measured),
        row=_with_time(measure.row(measured), question, span),
        reason=reason,
        limit=measure.limit,
    )


def share_is_below(bad: int, n: int, limit_pct: float) -> bool:
    """Whether ``bad`` of ``n`` show that the share behind them is below the limit (one-sided, 95 %, Clopper and Pearson)."""
    return n > 0 and 100 * share_below(bad, n, miss_pct=_MISS_PCT) <= limit_pct


def _state(
    measured: Sequence[Sample],
    slices: Sequence[Sequence[Sample]],
    measure: Measure,
    *,
    standing: int | None,
    complete: bool,
) -> tuple[ConditionState, str]:
    """``standing`` is the newest slice that contradicts, 0 the newest of all; None when none does."""
    if standing == 0:
        was_above = any(_is_above(measure, slice_) for slice_ in slices[1:])
        return (ConditionState.OVER if was_above else ConditionState.CLEAR), ""
    if not complete:
        return ConditionState.OPEN, ""
    judged = measured if standing is None else [one for slice_ in slices[:standing] for one in slice_]
    if len(judged) < SAMPLES_MIN:
        return ConditionState.UNKNOWN, f"{len(judged)} usable answers, {SAMPLES_MIN} are needed: too few is not green"
    try:
        above = measure.above(judged)
    except MeasurementFailed as error:
        return ConditionState.UNKNOWN, str(error)
    if not above:
        return ConditionState.CLEAR, ""
    return (ConditionState.HOLDS if standing is None else ConditionState.NOT_YET), ""


def _by_halves(
    measured: Sequence[Sample], half: Callable[[Sequence[Sample]], bool], middle_s: float
) -> tuple[ConditionState, str]:
    older, newer = ([one for one in measured if (one.due_s < middle_s) is before] for before in (True, False))
    try:
        if not half(newer):
            return ConditionState.OVER, ""
        return (ConditionState.HOLDS if half(older) else ConditionState.NOT_YET), ""
    except MeasurementFailed as error:
        return ConditionState.UNKNOWN, str(error)


def _is_above(measure: Measure, slice_: Sequence[Sample]) -> bool:
    try:
        return bool(slice_) and measure.above(slice_)
    except MeasurementFailed:
        return False


def _stands_all_the_same(
    state: ConditionState, due: Sequence[Sample], question: Question, *, newest_s: float, standing: int | None
) -> bool:
    """Whether a state needs nothing of the answers that are void."""
    blocked = [one.due_s for one in due if one.blocked]
    if not blocked:  # a journey that was never measured: what the others show stands, that nothing is wrong does not
        return state is not ConditionState.CLEAR
    if state is ConditionState.HOLDS:  # a rate limit for a moment hides no more than any other hole that is tolerated
        blocks = bad_runs(
            Bin(hole.from_s, hole.until_s, bad=hole.length_s <= question.gap_max_s) for hole in gaps(blocked)
        )
        return all(block.length_s <= question.gap_max_s for block in blocks)
    if blocked[-1] >= newest_s:
        return False
    return state is ConditionState.OPEN or standing == 0  # good answers after a block say how it is now


def _slices(measured: Sequence[Sample], question: Question, span: Span) -> list[list[Sample]]:
    whole = math.floor(min(span.length_s / _ALMOST_ALL, question.duration_s) / question.slice_s)
    edges = [span.settled_s - index * question.slice_s for index in range(whole + 1)]
    return [[one for one in measured if begin_s <= one.due_s < end_s] for end_s, begin_s in pairwise(edges)]


def _unfit(inside: Sequence[Sample], measured: Sequence[Sample], question: Question, since_s: float, span: Span) -> str:
    reach = Reach(since_s, span.settled_s, complete=True)
    told = Told(
        reach=reach,
        known=[one.due_s for one in measured],
        unfit=unmeasured(len(inside) - len(measured), len(inside)),
        hides="anything",
        of="the time that is looked back on",
    )
    return held(told, gap_max_s=question.gap_max_s).reason


def _with_time(figures: Measured, question: Question, span: Span) -> Measured:
    observed = f"observed {span.length_s:.0f} s"
    return replace(
        figures,
        asked=f"{figures.asked} for {question.asked_s:g} s",
        definition=", ".join(filter(None, (figures.definition, observed))),
    )
