"""When users were well again, in a sentence for whoever watches a session."""

from collections.abc import Callable
from datetime import datetime, tzinfo

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.observation.recovery import JudgedRecovery
from pam_rollback.report.wording import duration, times_of_day


def users(found: JudgedRecovery, at: Callable[[float], datetime], zone: tzinfo | None) -> str:
    """When users were well again. ``at``: what the clock showed at a monotonic moment."""
    recovery, objective = found.recovery, f"the objective of {duration(found.objective_s)}"
    if recovery.recovered_s is None or recovery.from_decision_s is None:
        return f"NOT well again, good for only {duration(recovery.good_for_s)} so far; {objective} is missed"
    try:
        within = f"within {objective}" if found.in_time else f"LATER than {objective}"
    except MeasurementFailed:
        within = f"within {objective} or not: probes are too rare to tell"
    since = times_of_day((at(recovery.recovered_s),), zone)
    return f"have been well again since {since}, {duration(max(0.0, recovery.from_decision_s))} after the decision, {within}"
