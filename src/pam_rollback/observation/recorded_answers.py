"""What a baseline keeps of answers: their error rates and latencies, all together and by journey."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.observation.samples import Sample
from pam_rollback.report.baseline_record import Figures
from pam_rollback.stats.percentiles import Distribution, percentile


def figures_of(samples: Iterable[Sample]) -> Figures:
    """Give the figures of measured samples, of which there must be at least one."""
    samples = tuple(samples)
    latencies = [sample.latency_ms for sample in samples if sample.ok]
    p50_ms, p95_ms, p99_ms = (percentile(latencies, pct).value if latencies else None for pct in (50, 95, 99))
    return Figures(
        n=len(samples),
        errors=len(samples) - len(latencies),
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        latencies=Distribution.of(latencies) if latencies else None,
    )


def answers_of(samples: Iterable[Sample]) -> dict[str, Any]:
    """Give the fields of a ``Baseline`` for these samples. Raises MeasurementFailed when none of them was measured."""
    samples = tuple(samples)
    measured = [sample for sample in samples if sample.measured()]
    if not measured:
        raise MeasurementFailed(f"no baseline: none of {len(samples)} samples is usable")
    names = Counter(sample.journey for sample in measured)
    return {
        "duration_s": max(sample.due_s for sample in measured) - min(sample.due_s for sample in measured),
        "unmeasured": len(samples) - len(measured),
        "overall": figures_of(measured),
        "journeys": {name: figures_of(sample for sample in measured if sample.journey == name) for name in names},
    }
