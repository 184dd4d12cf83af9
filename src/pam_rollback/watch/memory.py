"""IR-6 at one look: the decision's rule over what memory did lately, and what that says where it is too little to tell."""

from collections.abc import Sequence
from dataclasses import replace

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.decision.decision import Finding, State
from pam_rollback.decision.decision_states import MEMORY, judged_memory
from pam_rollback.observation.memory import MemoryGrowth, MemoryReading
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import MemoryLimit, MemoryTrigger

_LEAK_MB_PER_S = 10 / 60


def memory_found(readings: Sequence[MemoryReading], plan: Plan) -> Finding:
    """What the decision would say. Below the level nothing asks for a rollback: what readings cannot tell yet is looked at again.

    Raises MeasurementFailed without any reading, and for one that is no amount of memory.
    """
    alarm_mb = plan.the(MemoryTrigger).memory_mb_max
    if not readings or not all(0 < reading.mb < float("inf") for reading in readings):
        raise MeasurementFailed(f"memory is not known: {len(readings)} readings, or one that no process holds")
    try:
        found = _judged(readings, plan)
    except MeasurementFailed as too_few:
        found = Finding(MEMORY, State.UNKNOWN, f"memory {readings[-1].mb:.0f} MB, level {alarm_mb:g} MB: {too_few}")
    if found.state is State.UNKNOWN and readings[-1].mb <= alarm_mb:
        return replace(found, state=State.WATCH)
    return found


def is_red_when_it_leaks(readings: Sequence[MemoryReading], plan: Plan) -> bool:
    """Whether readings at these very moments, of a process that leaks above the level, would ask for a rollback: the eyes are open."""
    alarm_mb, first_s = plan.the(MemoryTrigger).memory_mb_max, readings[0].at_s
    leaking = [replace(one, mb=alarm_mb + 1 + _LEAK_MB_PER_S * (one.at_s - first_s)) for one in readings]
    return _judged(leaking, plan).state is State.HOLDS


def _judged(readings: Sequence[MemoryReading], plan: Plan) -> Finding:
    """Raises MeasurementFailed when they are too few."""
    growth = MemoryGrowth.of(readings, plan)
    low_below_mb = plan.the(MemoryLimit).memory_mb_max
    return judged_memory(growth, low_below_mb=low_below_mb, gaps=plan.decision.gaps).finding
