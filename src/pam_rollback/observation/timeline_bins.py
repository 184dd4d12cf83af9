"""A prober's record in so few bins that a person sees it at a glance, and none so short that a single probe makes it red."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pam_rollback.observation.samples import Sample
from pam_rollback.stats.percentiles import percentile

BINS_MAX = 120
"""A wider picture shows no more on a screen or on paper."""
PROBES_MIN = 20
"""What a 95th percentile needs to be another value than the highest."""


@dataclass(frozen=True)
class Bin:
    """What the probes of a short time got."""

    at_s: float
    """Its beginning, on the samples' clock."""
    n: int
    bad: int
    p95_ms: float | None
    """None: too few answers."""


def width_s(samples: Iterable[Sample], rate_hz: float) -> float:
    """How long a bin has to be, in whole seconds."""
    due = [sample.due_s for sample in samples]
    span_s = max(due) - min(due) if due else 0.0
    return float(max(1, math.ceil(span_s / BINS_MAX), math.ceil(PROBES_MIN / rate_hz)))


def bins(samples: Iterable[Sample], length_s: float) -> Iterator[Bin]:
    """The bins in order of time. A bin without a usable probe is not there: a hole is a hole."""
    found: dict[int, list[Sample]] = {}
    for sample in samples:
        if sample.measured():
            found.setdefault(math.floor(sample.due_s / length_s), []).append(sample)
    for place in sorted(found):
        seen = found[place]
        answered = [sample.latency_ms for sample in seen if sample.ok]
        yield Bin(
            at_s=place * length_s,
            n=len(seen),
            bad=sum(not sample.ok for sample in seen),
            p95_ms=percentile(answered, 95).value if len(answered) >= PROBES_MIN else None,
        )
