"""From the plan's windows (SC-1 to SC-3) and samples (MT-1, MT-2) to what is asked here.

Windows are divided by the pace, and as patient as the rate of the probes demands.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pam_rollback.environment.environment import Environment
from pam_rollback.observation.measure import Window
from pam_rollback.observation.memory import MemoryWindowSpec
from pam_rollback.observation.samples import Sample
from pam_rollback.observation.window import WindowSpec, judge_without_prober_lag
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import AnswersWindow, MemoryGoal, MemoryTrigger
from pam_rollback.stats.series import Quantity

_GAP_WHEN_SHORTENED_S = 5.0
"""A window that the pace made shorter tolerates no hole that is longer."""
_PROBES_IN_A_GAP = 5
_BAD_PROBES_IN_A_RUN = 2
_READINGS_SPARE = 2
_ANSWERS_SPARE = 1.1
"""Probes that leave late do not count, so that a shortened window lasts a little longer than its answers need."""
_LONGEST_PAUSE_S = 10.0
_SHORTEST_PAUSE_S = 0.1


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
        gap_max_s=max(_gap_s(goal.gap_s_max, pace), gap_at(rate_hz)),
        bad_run_max_s=max(goal.bad_run_s_max, _BAD_PROBES_IN_A_RUN / rate_hz),
        answer_max_s=environment.probing.timeout_s,
    )


def memory_spec(plan: Plan, *, pace: float) -> MemoryWindowSpec:
    """What is asked of the memory of the product's process."""
    goal = plan.the(MemoryGoal)
    return MemoryWindowSpec(
        limit=goal.memory_mb_max,
        alarm_mb=plan.the(MemoryTrigger).memory_mb_max,
        duration_s=goal.duration_s / pace,
        asked_s=goal.duration_s,
        n_min=goal.samples_min,
        gap_max_s=_gap_s(goal.gap_s_max, pace),
    )


def reading_every_s(spec: MemoryWindowSpec) -> float:
    """Often enough for twice the readings that are needed, and every 10 s at least: a peak between two readings is not seen."""
    return max(_SHORTEST_PAUSE_S, min(_LONGEST_PAUSE_S, spec.duration_s / (_READINGS_SPARE * spec.n_min)))


def gap_at(rate_hz: float) -> float:
    """How long, in seconds, a hole may be where so many probes come a second."""
    return _PROBES_IN_A_GAP / rate_hz


def _gap_s(planned_s: float, pace: float) -> float:
    return planned_s if pace <= 1 else min(planned_s, _GAP_WHEN_SHORTENED_S)


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
_SPARE = 1.1
"""Five of a hundred probes may have left late, and the rate is a mean: so many more are waited for."""


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
        duration_s=_SPARE * n_min / (slowest_hz or rate_hz),
        n_min=n_min,
        answer_max_s=answer_max_s,
        gap_max_s=max(5.0, 5 / rate_hz),
        # Where probes are rare, two bad ones in a row are no outage yet: the share says what they are.
        bad_run_max_s=max(2.0, 3 / rate_hz),
    )


def judge_sample(
    samples: Iterable[Sample], spec: WindowSpec, *, start_s: float, now_s: float, rate_hz: float, settled_s: float
) -> Window:
    """Judge all answers from ``start_s`` on: at least as long as the spec wants, longer when more is there already."""
    spec = replace(spec, duration_s=max(spec.duration_s, settled_s - start_s))
    return judge_without_prober_lag(samples, spec, start_s=start_s, now_s=now_s, rate_hz=rate_hz, settled_s=settled_s)
