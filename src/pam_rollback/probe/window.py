"""The users' answers over a window, "below X for T" (plan items SC-1 and SC-2; the engine is ``probe/measure.py``).

* *Broken* as soon as even a perfect rest of the window could not save it: what is still to come, and what says nothing about the service,
  counts as good. Wholly bad seconds in a row break it, too.
* *Met* only when every probe of the whole window has been accounted for.
* *Unknown*: too few samples, a gap, a silent prober, too many probes that left late, not a number, answers that say nothing about the
  service (``probe/blocking.py``).
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pam_rollback.plan.plan_items import AnswersWindow
from pam_rollback.probe.blocking import why_void
from pam_rollback.probe.measure import (
    Bin,
    Reach,
    Terms,
    Told,
    Window,
    WindowState,
    held,
    seconds,
    shortened_gap_s,
)
from pam_rollback.probe.samples import LATE_MS, Sample
from pam_rollback.stats.percentiles import DEFINITION, nearest_rank
from pam_rollback.stats.series import Quantity
from pam_rollback.target.environment import Environment

_P95 = 95.0
UNMEASURED_PCT_MAX = 5.0
"""More probes than this share that never left or left late: the prober was not fit to judge."""


@dataclass(frozen=True, kw_only=True)
class WindowSpec(Terms):
    """What is asked of the users' answers: the share of wrong or missing ones, or the 95th percentile (nearest rank) of their times.

    A time counts from the due moment to the end of the answer. An answer that failed quickly says nothing about speed and is left out; one
    that failed after the limit was slow and counts.
    """

    n_min: int = 30
    gap_max_s: float = 5.0
    bad_run_max_s: float = 2.0
    answer_max_s: float = 5.0
    """The prober's own deadline: no answer is recorded later than this."""

    def counts(self, sample: Sample) -> bool:
        """Whether the sample bears on the measure at all."""
        return self.measure is Quantity.ERROR_RATE_PCT or sample.ok or sample.latency_ms >= self.limit

    def is_bad(self, sample: Sample) -> bool:
        """Whether the sample speaks against the criterion."""
        return not sample.ok if self.measure is Quantity.ERROR_RATE_PCT else sample.latency_ms >= self.limit


def judge(
    samples: Iterable[Sample],
    spec: WindowSpec,
    *,
    start_s: float,
    now_s: float,
    rate_hz: float,
    settled_s: float | None = None,
) -> Window:
    """Judge the window that began at ``start_s``, as it is known at ``now_s``.

    ``rate_hz`` is the rate of the probes that ``samples`` are taken from (a share of the whole when they are of some
    journeys only). ``settled_s``: every probe due before this moment has been recorded (``Timeline.settled_s``); None
    means ``now_s``. The answers to probes in flight are not known yet, so a window is complete only when it has
    settled.
    """
    settled_s = now_s if settled_s is None else settled_s
    reach = Reach.of(start_s, spec.duration_s, settled_s)
    end_s = start_s + spec.duration_s
    due = sorted((sample for sample in samples if start_s <= sample.due_s < end_s), key=lambda sample: sample.due_s)
    inside = [sample for sample in due if not sample.void]
    measured = [sample for sample in inside if sample.measured()]
    counted = [sample for sample in measured if spec.counts(sample)]
    marked = [(sample.due_s - start_s, spec.is_bad(sample)) for sample in counted]
    bad_by_journey = Counter(
        sample.journey for sample, (_, is_bad) in zip(counted, marked, strict=True) if is_bad
    ).most_common()
    bad, latencies = sum(count for _, count in bad_by_journey), sorted(sample.latency_ms for sample in counted)
    # The most samples that there can be in the end; what is out already can only make it fewer. What is void may have been good.
    probes = len(due) if reach.complete else max(len(due), math.floor(spec.duration_s * rate_hz) + 1)
    n_possible = probes - (len(inside) - len(counted))
    at_least = _value(spec, latencies, bad, n_possible)
    silent_s = now_s - settled_s
    silent = not reach.complete and silent_s > spec.answer_max_s + spec.gap_max_s
    told = Told(
        reach=reach,
        known=[sample.due_s for sample in counted],
        bins=_bins(due, marked, spec, reach),
        lost=_lost(spec, bad, n_possible) if at_least is not None and at_least >= spec.limit else "",
        unfit=why_void(due) or _unfit(inside, len(measured), probes, n_possible, spec),
        lacking=f"the prober has recorded nothing for {silent_s:.1f} s" if silent else "",
    )
    found = held(told, gap_max_s=spec.gap_max_s, bad_run_max_s=spec.bad_run_max_s)
    return Window(
        spec=spec,
        state=found.state,
        reason=found.reason,
        value=_value(spec, latencies, bad, len(counted)),
        at_least=at_least,
        bad_run_s=found.bad_run_s,
        n=len(counted),
        observed_s=reach.observed_s,
        definition=f"p95, {DEFINITION}" if spec.measure is Quantity.LATENCY_P95_MS else "",
        bad_by_journey=tuple(bad_by_journey),
    )


def _value(spec: WindowSpec, latencies: list[float], bad: int, n: int) -> float | None:
    """The measure over ``n`` samples, from the latencies of the counted ones in order. The others are good and take no time."""
    if not latencies:
        return None
    if spec.measure is Quantity.ERROR_RATE_PCT:
        return 100 * bad / n
    place = nearest_rank(n, _P95) - (n - len(latencies))
    return latencies[place - 1] if place > 0 else 0.0


def _bins(due: Sequence[Sample], marked: Sequence[tuple[float, bool]], spec: WindowSpec, reach: Reach) -> list[Bin]:
    """The seconds that are over. One without samples neither ends nor starts a run; one in which we were blocked ends it."""
    found = [replace(one, until_s=min(one.until_s, spec.duration_s)) for one in seconds(marked)]
    blind = {math.floor(sample.due_s - reach.start_s) for sample in due if sample.blocked}
    found += [Bin(second, second, bad=False) for second in blind]
    over = [one for one in found if one.until_s <= reach.observed_s]
    return sorted(over, key=lambda one: (one.from_s, one.until_s))


def _lost(spec: WindowSpec, bad: int, n_possible: int) -> str:
    errors = spec.measure is Quantity.ERROR_RATE_PCT
    unit = spec.measure.unit
    return (
        f"{bad} {'errors' if errors else f'samples at or above {spec.limit:g} ms'} among at most {n_possible} samples: "
        f"whatever still comes, {'the error rate' if errors else 'p95'} stays at {spec.limit:g} {unit} or more"
    )


def unmeasured(n: int, probes: int) -> str:
    """Why the prober was not fit to judge where so many of its probes were not measured; empty when it was."""
    if 100 * n <= UNMEASURED_PCT_MAX * probes:
        return ""
    return (
        f"{n} of {probes} probes never left or left more than {LATE_MS:g} ms late (tolerated {UNMEASURED_PCT_MAX:g} %): "
        "the prober was not fit to judge"
    )


def _unfit(inside: Sequence[Sample], measured: int, probes: int, n_possible: int, spec: WindowSpec) -> str:
    if any(sample.lag_ms is not None and not math.isfinite(sample.latency_ms) for sample in inside):
        return "a latency is not a number"
    few = f"{n_possible} usable samples at most, {spec.n_min} are needed" if n_possible < spec.n_min else ""
    return unmeasured(len(inside) - measured, probes) or few


def judge_without_prober_lag(
    samples: Iterable[Sample], spec: WindowSpec, *, start_s: float, now_s: float, rate_hz: float, settled_s: float
) -> Window:
    """Judge as ``judge`` does, and take back what only the prober's own lag broke.

    Latencies count from the due time, so a prober that left late makes them longer. A window that is broken only because of that is not
    known: this machine was too busy to judge. So windows may run beside the rest of the suite: its load cannot turn them green, and what it
    alone turns red is unknown.
    """
    samples = tuple(samples)
    verdict, at_its_best = (
        judge(some, spec, start_s=start_s, now_s=now_s, rate_hz=rate_hz, settled_s=settled_s)
        for some in (samples, map(_without_prober_lag, samples))
    )
    if verdict.state is WindowState.BROKEN and at_its_best.state is not WindowState.BROKEN:
        reason = f"the prober was not fit to judge: without its own lag it would not be so: {verdict.reason}"
        return replace(verdict, state=WindowState.UNKNOWN, reason=reason)
    return verdict


def _without_prober_lag(sample: Sample) -> Sample:
    return replace(sample, latency_ms=sample.latency_ms - sample.lag_ms) if sample.lag_ms else sample


# ---------------------------------------------------------------- what the plan asks


_PROBES_IN_A_GAP = 5
_BAD_PROBES_IN_A_RUN = 2
_ANSWERS_SPARE = 1.1
"""Probes that leave late do not count, and the rate is a mean: a window lasts a little longer than its answers need."""
ANSWERS_FOR_ERRORS = 150
"""So many without an error show less than 2 %, with 95 % confidence."""
ANSWERS_FOR_P95 = 100
"""Five of them may be slower; with fewer, one slow answer would decide."""
ANSWERS_ITEMS: Mapping[str, Quantity] = {
    "MT-1": Quantity.LATENCY_P95_MS,
    "SC-2": Quantity.LATENCY_P95_MS,
    "MT-2": Quantity.ERROR_RATE_PCT,
    "SC-1": Quantity.ERROR_RATE_PCT,
}
"""What of them each plan item is about."""


def answers_spec(
    goal: AnswersWindow,
    limit: float,
    rate_hz: float,
    *,
    environment: Environment,
    pace: float,
    slowest_hz: float | None = None,
) -> WindowSpec:
    """What is asked of the users' answers. ``rate_hz`` is the rate of the probes that count.

    The pace makes a window shorter, but not too short for the answers that it needs: at a low rate it would never say anything. All parts
    have the time of the one that is asked least, at ``slowest_hz``.
    """
    needed_s = _ANSWERS_SPARE * goal.samples_min / (slowest_hz or rate_hz)
    return WindowSpec(
        measure=Quantity(goal.measure),
        limit=limit,
        duration_s=min(goal.duration_s, max(goal.duration_s / pace, needed_s)),
        asked_s=goal.duration_s,
        n_min=goal.samples_min,
        gap_max_s=max(shortened_gap_s(goal.gap_s_max, pace), gap_at(rate_hz)),
        bad_run_max_s=max(goal.bad_run_s_max, _BAD_PROBES_IN_A_RUN / rate_hz),
        answer_max_s=environment.probing.timeout_s,
    )


def gap_at(rate_hz: float) -> float:
    """How long, in seconds, a hole may be where so many probes come a second."""
    return _PROBES_IN_A_GAP / rate_hz


def sample_spec(
    measure: Quantity, limit: float, rate_hz: float, *, answer_max_s: float, slowest_hz: float | None = None
) -> WindowSpec:
    """What a sample of users' answers has to be like, when ``rate_hz`` of them come a second, ``slowest_hz`` of the part asked least.

    Its length is given in answers, not in seconds (MT-1, MT-2): 50 good ones do not show an error rate below 2 %; among n without one error
    the true share lies, with 95 % confidence, below 2 % from n = 149 on.
    """
    n_min = ANSWERS_FOR_P95 if measure is Quantity.LATENCY_P95_MS else ANSWERS_FOR_ERRORS
    return WindowSpec(
        measure=measure,
        limit=limit,
        duration_s=_ANSWERS_SPARE * n_min / (slowest_hz or rate_hz),
        n_min=n_min,
        answer_max_s=answer_max_s,
        gap_max_s=max(5.0, gap_at(rate_hz)),
        # Where probes are rare, two bad ones in a row are no outage yet: the share says what they are.
        bad_run_max_s=max(2.0, 3 / rate_hz),
    )


def judge_sample(
    samples: Iterable[Sample], spec: WindowSpec, *, start_s: float, now_s: float, rate_hz: float, settled_s: float
) -> Window:
    """Judge all answers from ``start_s`` on: at least as long as the spec wants, longer when more is there already."""
    spec = replace(spec, duration_s=max(spec.duration_s, settled_s - start_s))
    return judge_without_prober_lag(samples, spec, start_s=start_s, now_s=now_s, rate_hz=rate_hz, settled_s=settled_s)
