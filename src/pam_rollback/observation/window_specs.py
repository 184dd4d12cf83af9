"""From the plan's windows (SC-1 to SC-3) to what is asked here: divided by the pace, and as patient as the rate of the probes demands."""

from pam_rollback.environment.environment import Environment
from pam_rollback.observation.memory import MemoryWindowSpec
from pam_rollback.observation.window import Measure, WindowSpec
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import AnswersWindow, MemoryGoal, MemoryTrigger

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
        measure=Measure(goal.measure),
        limit=limit,
        duration_s=min(goal.duration_s, max(goal.duration_s / pace, needed_s)),
        asked_s=goal.duration_s,
        samples_min=goal.samples_min,
        gap_max_s=max(_gap_s(goal.gap_s_max, pace), gap_at(rate_hz)),
        bad_run_max_s=max(goal.bad_run_s_max, _BAD_PROBES_IN_A_RUN / rate_hz),
        answer_max_s=environment.probing.timeout_s,
    )


def memory_spec(plan: Plan, *, pace: float) -> MemoryWindowSpec:
    """What is asked of the memory of the product's process."""
    goal = plan.the(MemoryGoal)
    return MemoryWindowSpec(
        limit_mb=goal.memory_mb_max,
        alarm_mb=plan.the(MemoryTrigger).memory_mb_max,
        duration_s=goal.duration_s / pace,
        asked_s=goal.duration_s,
        readings_min=goal.samples_min,
        gap_max_s=_gap_s(goal.gap_s_max, pace),
    )


def reading_every_s(spec: MemoryWindowSpec) -> float:
    """Often enough for twice the readings that are needed, and every 10 s at least: a peak between two readings is not seen."""
    return max(_SHORTEST_PAUSE_S, min(_LONGEST_PAUSE_S, spec.duration_s / (_READINGS_SPARE * spec.readings_min)))


def gap_at(rate_hz: float) -> float:
    """How long, in seconds, a hole may be where so many probes come a second."""
    return _PROBES_IN_A_GAP / rate_hz


def _gap_s(planned_s: float, pace: float) -> float:
    return planned_s if pace <= 1 else min(planned_s, _GAP_WHEN_SHORTENED_S)
