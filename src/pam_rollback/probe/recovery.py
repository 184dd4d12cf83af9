"""Outages and the time to recovery, as users see them, from the prober's samples.

Rules:

* A *bad sample* is one without the expected answer, or with one later than ``slow_ms``. Probes that left late are not
  measured.
* A *bad second* is a second that begins with a bad sample and of whose samples at least ``limit_pct`` percent are bad.
  (Seconds of a fixed grid would miss a short outage that lies across two of them.)
* An *outage* is made of the bad samples of bad seconds. Bad samples with at most ``merge_s`` seconds of good ones
  between them belong to one outage: flapping is one outage, not many.
* It begins at the due time of its first bad sample. It ends when the service is first shown to answer again: when the
  first good answer to a probe due after the last bad one arrived, less the usual latency, but not before that probe was
  due. (Requests that a hanging service held and then answered in time must not date its end back.)
* Where only a share of the requests failed, the last bad sample is not the last bad moment: good ones came by luck. So many good samples
  in a row as luck gives in one of a hundred cases, by the share of bad ones among the nearest ``_NEAREST`` of the outage, is what its
  start and its end can be off by. (That share is an estimate: in 93 to 100 of 100 simulated incidents the end lay within.)
* A bad sample outside every outage, also one that stands alone, is a *blip*: reported, but no outage.
* *Recovered* is the first moment from which the service stays good to the end of the samples; with no more than
  ``merge_s`` seconds of good samples behind it, or fewer than it takes to be sure, it is not known yet (None).

In one module: the rules refer to each other: where the last outage ends is where recovery begins.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.plan.stories import NOT_JUDGED
from pam_rollback.probe.blocking import why_void
from pam_rollback.probe.measure import gaps
from pam_rollback.probe.samples import Sample
from pam_rollback.stats.percentiles import percentile

BAD_SECOND_PCT = 10.0
"""A second with fewer bad answers is no outage: one stray failure at 50 probes a second is 2 % already. SC-1's window holds the 2 %."""
GAP_MAX_S = 5.0
"""A longer hole in the samples after the incident: we do not know whether the service was good."""
_ALONE = 1
_OFTEN_HZ = 3.0
_STRAY = 1.5
_SECOND_S = 1.0
_WHOLE_PCT = 100
_BY_LUCK = 0.01
_NEAREST = 50


@dataclass(frozen=True, kw_only=True)
class OutageRule:
    """The figures of the rules above."""

    limit_pct: float
    slow_ms: float = 500.0
    merge_s: float = 3.0
    gap_max_s: float = GAP_MAX_S

    def at(self, rate_hz: float) -> "OutageRule":
        """Return the rule for one part of the product, of which there are ``rate_hz`` probes a second.

        Where probes are rare, times are as long as three of them; where they are not, one stray failure makes no bad second.
        """
        limit_pct = _STRAY / rate_hz * _WHOLE_PCT if rate_hz > _OFTEN_HZ else self.limit_pct
        rare_s = _OFTEN_HZ / rate_hz
        return replace(
            self,
            limit_pct=max(self.limit_pct, limit_pct),
            merge_s=max(self.merge_s, rare_s),
            gap_max_s=max(self.gap_max_s, rare_s),
        )


@dataclass(frozen=True)
class Outage:
    """A time in which the service was bad. Moments are monotonic seconds."""

    started_s: float
    ended_s: float | None
    """None: still bad at the end of the samples."""
    at_most_s: float
    """From the last good probe before to the first good answer after (or to the end of the samples): certainly not longer where every
    request failed, else very probably."""
    resolution_s: float
    """What the start and the end can be wrong by."""
    ended_by_s: float | None
    """The moment by which it had ended, by the rule above; ``ended_s`` where every request failed. None: too few good samples after it."""
    bad: int
    n: int
    why: str
    """The most frequent reason among its bad samples."""

    @property
    def length_s(self) -> float | None:
        """How long it lasted; None when it did not end."""
        return None if self.ended_s is None else self.ended_s - self.started_s


@dataclass(frozen=True)
class Recovery:
    """When the service was good again, counted from both moments that matter. Seconds; moments are monotonic."""

    incident_s: float | None
    """When the incident began, where that is known (a drill plants it)."""
    decision_s: float
    onset_s: float | None
    """The first bad probe after the incident; None when users saw nothing."""
    recovered_s: float | None
    """None: not recovered by the end of the samples."""
    good_for_s: float
    """How long it had stayed good at the end of the samples."""
    resolution_s: float
    """What ``recovered_s`` can be wrong by, at this rate of probes."""
    recovered_by_s: float | None
    """The moment by which it had recovered: later than ``recovered_s`` where only a share of the requests failed."""
    outages: tuple[Outage, ...]
    blips: tuple[Sample, ...]
    n: int
    part: str = ""
    """The part of the product that was well last, where each is judged by itself."""

    @property
    def from_decision_s(self) -> float | None:
        """From the decision to recovery: what a recovery time objective is held against.

        Negative: good before the decision; 0 where that was by less than the probes can tell.
        """
        if self.recovered_s is None:
            return None
        found_s = self.recovered_s - self.decision_s
        return 0.0 if -self.resolution_s <= found_s < 0 else found_s

    @property
    def from_incident_s(self) -> float | None:
        """From the start of the incident to recovery: how long users suffered. None when either moment is not known."""
        return None if self.recovered_s is None or self.incident_s is None else self.recovered_s - self.incident_s

    def within(self, objective_s: float) -> "JudgedRecovery":
        """This recovery against a recovery time objective, counted from the decision."""
        return JudgedRecovery(self, objective_s)

    def __str__(self) -> str:
        whose = f" of the {self.part}, the last to be well" if self.part else ""
        outages = f"{len(self.outages)} outage(s), {len(self.blips)} blip(s), n={self.n}{whose}"
        if self.from_decision_s is None:
            return f"not recovered: good for only {self.good_for_s:.1f} s at the end of the samples; {outages}"
        incident = "" if self.from_incident_s is None else f", {self.from_incident_s:.2f} s after the incident"
        return (
            f"recovered {self.from_decision_s:.2f} s after the decision{incident} (within {self.resolution_s:.2f} s), "
            f"good for {self.good_for_s:.1f} s since; {outages}"
        )


@dataclass(frozen=True, repr=False)
class JudgedRecovery(Fact):
    """A recovery and the objective that it is held against, in seconds from the decision."""

    recovery: Recovery
    objective_s: float

    @property
    def took_s(self) -> float:
        """From the decision until users were well again; infinite when they were not.

        Raises MeasurementFailed where they may have been later than the objective, and where they were well before it was decided.
        """
        found_s, by_s = self.recovery.from_decision_s, self.recovery.recovered_by_s
        if found_s is not None and found_s < 0:
            raise MeasurementFailed(
                f"{self}; users were well {-found_s:.2f} s before it was decided, so it is not this rollback that helped them: what it was "
                "to help against is over, or no probe sees it"
            )
        if found_s is None or by_s is None:
            return math.inf
        if self.recovery.onset_s is None and found_s > self.objective_s:
            raise MeasurementFailed(
                f"{self}; the first sample came after the objective, and users may have been well before it"
            )
        latest_s = by_s - self.recovery.decision_s
        if found_s <= self.objective_s < latest_s:
            raise MeasurementFailed(
                f"{self}; but only a share of the requests failed, so it may have ended as late as {latest_s:.1f} s after the decision: "
                "more probes a second ([probing] rate_hz) tell more"
            )
        return found_s

    @property
    def measured(self) -> Measured:
        """From the decision until users were well again."""
        found_s = self.recovery.from_decision_s
        return Measured(
            what="recovery as users see it",
            asked=f"within {self.objective_s:g} s",
            value="not recovered" if found_s is None else round(found_s, 2),
            unit="s",
            n=self.recovery.n,
            margin=None if found_s is None else self.objective_s - found_s,
            definition=f"from the decision, ± {self.recovery.resolution_s:.2f} s"
            + (f", by the {self.recovery.part}" if self.recovery.part else ""),
            sentence=f"asked within {self.objective_s:g} s of the decision: {self.recovery}",
        )


def find_outages(samples: Iterable[Sample], rule: OutageRule) -> tuple[tuple[Outage, ...], tuple[Sample, ...]]:
    """Give the outages and the blips in ``samples``, each in order of time.

    Raises MeasurementFailed when nothing was measured.
    """
    measured = _measured(samples)
    bad = [sample for sample in measured if sample.bad(rule.slow_ms)]
    groups = [group for group in _grouped(bad, measured, rule) if len(group) > _ALONE]
    inside = {id(sample) for group in groups for sample in group}
    good = [sample for sample in measured if not sample.bad(rule.slow_ms)]
    usual_s = percentile((sample.latency_ms for sample in good), 50).value / 1000 if good else 0.0
    return (
        tuple(_outage(group, measured, good, usual_s) for group in groups),
        tuple(sample for sample in bad if id(sample) not in inside),
    )


def recovery(
    samples: Iterable[Sample],
    *,
    incident_s: float | None,
    decision_s: float,
    rule: OutageRule,
    acted_s: float | None = None,
) -> Recovery:
    """Find when the service recovered from the incident of ``incident_s`` that was decided upon at ``decision_s``.

    Outages that were over before the incident (before the decision, where the incident's start is unknown) do not
    count. Raises MeasurementFailed when nothing was measured, nothing after the decision, when a hole in the samples
    could hide an outage, or when answers say nothing about the service. ``acted_s`` is when the first step began, where that is known:
    nothing that the action does can be seen before it, so the samples may begin that late.
    """
    samples = tuple(samples)
    since_s = decision_s if incident_s is None else min(incident_s, decision_s)
    void = why_void(sample for sample in samples if sample.due_s >= since_s)
    if void:
        raise MeasurementFailed(f"when users were well again is not known: {void}")
    measured = _measured(samples)
    _refuse_holes(measured, since_s, decision_s, rule.gap_max_s, acted_s=decision_s if acted_s is None else acted_s)
    outages, blips = find_outages(measured, rule)
    concerned = [outage for outage in outages if outage.ended_s is None or outage.ended_s > since_s]
    last_s = measured[-1].due_s
    period_s = _median_period_s(measured)
    if not concerned:
        good_since_s: float | None = max(since_s, measured[0].due_s)
        good_by_s, resolution_s = good_since_s, period_s
    else:
        outage = concerned[-1]
        good_since_s, good_by_s, resolution_s = outage.ended_s, outage.ended_by_s, outage.resolution_s
    good_for_s = 0.0 if good_since_s is None else max(0.0, last_s - good_since_s)
    is_known = good_by_s is not None and good_for_s > rule.merge_s
    return Recovery(
        incident_s=incident_s,
        decision_s=decision_s,
        onset_s=concerned[0].started_s if concerned else None,
        recovered_s=good_since_s if is_known else None,
        recovered_by_s=good_by_s if is_known else None,
        good_for_s=good_for_s,
        resolution_s=resolution_s,
        outages=outages,
        blips=blips,
        n=len(measured),
    )


def _measured(samples: Iterable[Sample]) -> list[Sample]:
    measured = sorted((sample for sample in samples if sample.measured()), key=lambda sample: sample.due_s)
    if not measured:
        raise MeasurementFailed("there is not one usable sample: nothing can be said about outages or recovery")
    return measured


def _refuse_holes(
    measured: list[Sample], since_s: float, decision_s: float, gap_max_s: float, *, acted_s: float
) -> None:
    moments = [sample.due_s for sample in measured]
    if moments[-1] <= decision_s:
        raise MeasurementFailed(
            f"the last sample is {decision_s - moments[-1]:.1f} s older than the decision: recovery was not observed"
        )
    if moments[0] > acted_s + gap_max_s:
        raise MeasurementFailed(
            f"the first sample is {moments[0] - decision_s:.1f} s younger than the decision: its effect went unseen"
        )
    first = max(0, bisect_left(moments, since_s) - 1)
    hole = max(gaps(moments[first:], gap_max_s), key=lambda one: (one.length_s, one.from_s), default=None)
    if hole is not None:
        raise MeasurementFailed(
            f"no usable sample for {hole.length_s:.1f} s, {hole.from_s - decision_s:+z.1f} s from the decision "
            f"(tolerated {gap_max_s:g} s): an outage in this hole would not be seen"
        )


def _grouped(bad: list[Sample], measured: list[Sample], rule: OutageRule) -> list[list[Sample]]:
    moments = [sample.due_s for sample in measured]
    bad_moments = [sample.due_s for sample in bad]
    groups: list[list[Sample]] = []
    bad_until = 0
    for index, sample in enumerate(bad):
        end_s = sample.due_s + _SECOND_S
        total = bisect_left(moments, end_s) - bisect_left(moments, sample.due_s)
        end = bisect_left(bad_moments, end_s)
        if _WHOLE_PCT * (end - index) >= rule.limit_pct * total:
            bad_until = max(bad_until, end)
        if index >= bad_until:
            continue
        if groups and sample.due_s - _next(moments, groups[-1][-1].due_s) <= rule.merge_s:
            groups[-1].append(sample)
        else:
            groups.append([sample])
    return groups


def _next(moments: Sequence[float], moment: float) -> float:
    return moments[bisect_left(moments, moment) + 1]


def _outage(group: list[Sample], measured: list[Sample], good: list[Sample], usual_s: float) -> Outage:
    first, last = group[0], group[-1]
    moments = [sample.due_s for sample in good]
    before = bisect_left(moments, first.due_s) - 1
    after = bisect_left(moments, last.due_s)
    ended_s: float | None = None
    resolution_s = 0.0
    for sample in good[after:]:
        if ended_s is not None and sample.due_s > ended_s:
            break
        shown_s = max(sample.due_s, sample.end_s - usual_s)
        ended_s = shown_s if ended_s is None else min(ended_s, shown_s)
    inside = [sample for sample in measured if first.due_s <= sample.due_s <= last.due_s]
    # As many good samples in a row as luck does not give.
    before_n, after_n = _in_a_row(group, inside, inside[:_NEAREST]), _in_a_row(group, inside, inside[-_NEAREST:])
    good_before_s = moments[max(0, before - before_n + 1)] if before >= 0 else first.due_s
    ended_by_s = None
    if ended_s is None:
        bound_s = measured[-1].end_s
    else:
        bound_s = min(sample.end_s for sample in good[after:] if sample.due_s <= ended_s)
        resolution_s = moments[after] - last.due_s
        if after_n == 1:
            ended_by_s = ended_s
        elif after + after_n <= len(good):
            ended_by_s = max(ended_s, moments[after + after_n - 1])
        bound_s = max(bound_s, moments[-1] if ended_by_s is None else ended_by_s)
        resolution_s = max(resolution_s, bound_s - ended_s) if after_n > 1 else resolution_s
    return Outage(
        started_s=first.due_s,
        ended_s=ended_s,
        at_most_s=bound_s - good_before_s,
        resolution_s=max(resolution_s, first.due_s - good_before_s),
        ended_by_s=ended_by_s,
        bad=len(group),
        n=len(inside),
        why=Counter(sample.why or "slow" for sample in group).most_common(1)[0][0],
    )


def _in_a_row(group: Sequence[Sample], inside: Sequence[Sample], near: Sequence[Sample]) -> int:
    """How many good samples in a row luck does not give, with the share of bad ones near that end."""
    bad = {sample.due_s for sample in group}
    # An outage begins and ends with a bad sample by definition: those two say nothing of the share.
    share = max(_share(sum(sample.due_s in bad for sample in some) - 1, len(some) - 1) for some in (near, inside))
    return 1 if share >= 1 else math.ceil(math.log(_BY_LUCK) / math.log(1 - share))


def _share(bad: int, n: int) -> float:
    return bad / n if n else 1.0


def _median_period_s(measured: list[Sample]) -> float:
    periods = [after.due_s - before.due_s for before, after in pairwise(measured)]
    return percentile(periods, 50).value if periods else 0.0


@dataclass(frozen=True, repr=False)
class UndamagedRollback(Fact):
    """A drill without damage: from the decision until all was done and users were well, against the objective for recovery. Seconds.

    What it costs users is told; whether it cures is not judged.
    """

    recovery: Recovery
    done_s: float
    """From the decision until the last step was over."""
    objective_s: float

    @property
    def took_s(self) -> float:
        """From the decision until all was done and users were well; infinite where they were not in the end."""
        found_s = self.recovery.from_decision_s
        return math.inf if found_s is None else max(self.done_s, found_s)

    @property
    def exposure_s(self) -> float:
        """How long users were unwell by the rollback itself: at most, as far as the probes can tell."""
        return sum(outage.at_most_s for outage in self.recovery.outages)

    @property
    def measured(self) -> Measured:
        """From the decision until all was done and users were well."""
        well = math.isfinite(self.took_s)
        row = Measured(
            what="the rollback, with nothing to recover from",
            asked=f"within {self.objective_s:g} s",
            value=round(self.took_s, 2) if well else "users not well",
            unit="s",
            n=self.recovery.n,
            margin=self.objective_s - self.took_s if well else None,
            definition=f"from the decision until it was done; users unwell for {self.exposure_s:.1f} s of it; {NOT_JUDGED}",
        )
        return replace(row, sentence=f"{row}; {self.recovery}")
