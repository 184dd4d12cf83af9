"""What the record keeps of how users fared around each rollback: from the prober's record, the journal and the incident's moments."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from itertools import groupby
from pathlib import Path
from typing import Any

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import duration
from pam_rollback.core.run_files import RECOVERY_FILE, TIMELINE_FILE
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import ErrorRateGoal, P95Goal
from pam_rollback.probe.recovery import JudgedRecovery
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.timeline import Timeline
from pam_rollback.report.record_parts import ActionMoment, FeatureShare, NoticeSent, TimelineBin, Watched
from pam_rollback.report.wording import times_of_day
from pam_rollback.rollback.journal import ACTION
from pam_rollback.stats.percentiles import percentile


def watched(folder: Path, entries: Sequence[Mapping[str, Any]], *, began_s: float, plan: Plan) -> Iterator[Watched]:
    """One for each rollback that began, in order. What was not recorded is left out, never invented.

    ``folder``, ``entries`` and ``began_s`` are of the run: where it records, its journal, and its monotonic beginning.
    """
    situations = dict.fromkeys(str(entry.get("situation", "")) for entry in entries if entry["event"] == ACTION)
    for situation in situations:
        own = [entry for entry in entries if str(entry.get("situation", "")) == situation]
        length_s, seen = _seen(folder / situation / TIMELINE_FILE, began_s)
        yield Watched(
            situation=situation,
            moments=tuple(_moments(folder / situation / RECOVERY_FILE, began_s)),
            bin_s=length_s,
            bins=tuple(seen),
            error_rate_pct_max=plan.the(ErrorRateGoal).error_rate_pct_max,
            p95_ms_max=plan.the(P95Goal).p95_ms_max,
            shares=tuple(_shares(own, began_s)),
            notices=tuple(_notices(own, began_s)),
        )


def _seen(path: Path, began_s: float) -> tuple[float, list[TimelineBin]]:
    try:
        timeline = Timeline(path)
        samples = timeline.samples()
        length_s = _width_s(samples, timeline.header.rate_hz)
    except MeasurementFailed:
        return 1.0, []  # nobody probed, or the record is damaged: those who judge it have said so
    return length_s, list(_bins(samples, length_s, began_s))


def _moments(path: Path, began_s: float) -> Iterator[ActionMoment]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))["moments"]
        for one in told:
            if one["at_s"] is not None:
                yield ActionMoment(
                    str(one["name"]),
                    _after(float(one["at_s"]), began_s),
                    round(float(one["uncertain_s"]), 3),
                    str(one["definition"]),
                )
    except (KeyError, OSError, TypeError, ValueError):
        return  # recovery was not judged


def _shares(entries: Iterable[Mapping[str, Any]], began_s: float) -> Iterator[FeatureShare]:
    for entry in entries:
        if entry["event"] == "undo-owed":
            flags, moment_s = entry.get("facts", {}).get("flags", {}), 0.0
        elif entry["event"] == "flags-set":
            flags, moment_s = entry.get("flags", {}), _after(float(entry["at_s"]), began_s)
        else:
            continue
        for name, flag in flags.items():
            share_pct = float(flag.get("rollout_pct", 0)) if flag.get("enabled") else 0.0
            yield FeatureShare(moment_s, str(name), share_pct)


def _notices(entries: Iterable[Mapping[str, Any]], began_s: float) -> Iterator[NoticeSent]:
    for entry in entries:
        if entry["event"] == "notice":
            yield NoticeSent(
                _after(float(entry["at_s"]), began_s),
                str(entry.get("occasion", "")),
                str(entry.get("means", "")),
                by_hand=bool(entry.get("by_hand")),
            )


def _after(moment_s: float, began_s: float) -> float:
    return round(moment_s - began_s, 3)


BINS_MAX = 120
"""A wider picture shows no more on a screen or on paper."""
PROBES_MIN = 20
"""What a 95th percentile needs to be another value than the highest."""


def _width_s(samples: Iterable[Sample], rate_hz: float) -> float:
    """How long a bin has to be, in whole seconds."""
    due = [sample.due_s for sample in samples]
    span_s = max(due) - min(due) if due else 0.0
    return float(max(1, math.ceil(span_s / BINS_MAX), math.ceil(PROBES_MIN / rate_hz)))


def _bins(samples: Iterable[Sample], length_s: float, began_s: float) -> Iterator[TimelineBin]:
    """The bins in order of time. A bin without a usable probe is not there: a hole is a hole."""
    measured = (sample for sample in samples if sample.measured())
    for place, found in groupby(measured, lambda sample: math.floor(sample.due_s / length_s)):
        seen = list(found)
        answered = [sample.latency_ms for sample in seen if sample.ok]
        p95_ms = round(percentile(answered, 95).value, 1) if len(answered) >= PROBES_MIN else None
        bad = sum(not sample.ok for sample in seen)
        yield TimelineBin(_after(place * length_s, began_s), len(seen), bad, p95_ms)


def users(found: JudgedRecovery, at: Callable[[float], datetime], zone: tzinfo | None) -> str:
    """When users were well again. ``at``: what the clock showed at a monotonic moment."""
    recovery, objective = found.recovery, f"the objective of {duration(found.objective_s)}"
    if recovery.recovered_s is None or recovery.from_decision_s is None:
        return f"NOT well again, good for only {duration(recovery.good_for_s)} so far; {objective} is missed"
    try:
        within = f"within {objective}" if found.took_s <= found.objective_s else f"LATER than {objective}"
    except MeasurementFailed:
        within = f"within {objective} or not: probes are too rare to tell"
    since = times_of_day((at(recovery.recovered_s),), zone)
    return f"have been well again since {since}, {duration(max(0.0, recovery.from_decision_s))} after the decision, {within}"
