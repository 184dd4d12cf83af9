"""Windows judged without blaming the service for a prober that left late.

Latencies count from the due time, so a prober that left late makes them longer. When a window is broken only because of that, nothing is
known: this machine was too busy to judge. That is what lets windows run beside the rest of the suite: its load cannot turn them green, and
what it alone turns red is unknown.
"""

from collections.abc import Iterable
from dataclasses import replace

from pam_rollback.observation.samples import Sample
from pam_rollback.observation.window import WindowSpec, WindowVerdict, judge
from pam_rollback.observation.window_state import WindowState


def judge_without_prober_lag(
    samples: Iterable[Sample], spec: WindowSpec, *, start_s: float, now_s: float, rate_hz: float, settled_s: float
) -> WindowVerdict:
    """Judge as ``window.judge`` does, and take back what only the prober's own lag broke."""
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
