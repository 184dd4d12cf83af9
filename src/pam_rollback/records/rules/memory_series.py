"""The level and the pace of memory from a source that others read: the same facts as from readings of our own.

A process that begins anew holds little, so a leak looks like a fall where a restart lies between: the pace counts from the last restart on,
and a process that was restarted just now has not been seen for long enough.
"""

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.records.rules.memory import READINGS_MIN, SPAN_MIN_S, MemoryReading
from pam_rollback.stats.series import Quantity, Series


def settled_readings(series: Series, *, start_s: float, end_s: float) -> tuple[MemoryReading, ...]:
    """Give what was read in the window since the last restart in it.

    Raises MeasurementFailed when that is too little for a pace, and ValueError for a series of another quantity.
    """
    if series.quantity is not Quantity.MEMORY_MB:
        raise ValueError(f"a series of {series.quantity} says nothing of memory")
    restarts = [moment for moment in series.restarts if start_s < moment <= end_s]
    since_s = max(restarts, default=start_s)
    readings = tuple(
        MemoryReading(at_s=point.at_s, mb=point.value)
        for point in series.points
        if point.value is not None and since_s <= point.at_s <= end_s
    )
    span_s = readings[-1].at_s - readings[0].at_s if readings else 0.0
    if len(readings) >= READINGS_MIN and span_s >= SPAN_MIN_S:
        return readings
    began = (
        f" since the process began anew at +{since_s - start_s:.0f} s ({len(restarts)} such moments in the window)"
        if restarts
        else ""
    )
    raise MeasurementFailed(
        f"{series.where}: {len(readings)} readings of memory over {span_s:.1f} s{began}; a pace needs {READINGS_MIN} over "
        f"{SPAN_MIN_S:g} s. Wait and verify again"
    )
