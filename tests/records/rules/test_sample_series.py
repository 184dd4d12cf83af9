"""What the prober saw, as points over time: counts and latencies, and unknown where nobody was asked."""

import math
from dataclasses import replace

import pytest

from pam_rollback.observation.samples import Sample
from pam_rollback.records.series_window import SampledSource
from pam_rollback.stats.series import Answers, Latencies, Quantity

GOOD = Sample(due_s=0, latency_ms=20, journey="history", ok=True)
SAMPLES = [
    replace(GOOD, due_s=100.2),
    replace(GOOD, due_s=100.8, ok=False, latency_ms=3),
    replace(GOOD, due_s=102.1, latency_ms=70),
    replace(GOOD, due_s=102.2, lag_ms=900),
    replace(GOOD, due_s=102.3, lag_ms=None, latency_ms=math.nan),
    replace(GOOD, due_s=103.1, ok=False),
    replace(GOOD, due_s=104.9),
]


def source(quantity: Quantity, samples: list[Sample]) -> SampledSource:
    """Of these samples."""
    return SampledSource(quantity, lambda since_s, until_s: [one for one in samples if since_s <= one.due_s < until_s])


def test_answers_are_counted_by_steps() -> None:
    """A probe that left late, or never, says nothing; a second without probes is unknown; the last step has to be whole."""
    found = source(Quantity.ERROR_RATE_PCT, SAMPLES).read(100, 104.5)

    assert [point.at_s for point in found.points] == [101, 102, 103, 104]
    assert [point.evidence for point in found.points] == [Answers(2, 1), None, Answers(1, 0), Answers(1, 1)]
    assert (found.points[1].why, found.where) == ("no probe was measured", "the prober")


def test_latencies_are_those_of_good_answers() -> None:
    """An answer that failed quickly says nothing about speed."""
    found = source(Quantity.LATENCY_P95_MS, SAMPLES).read(100, 104)

    assert [point.evidence for point in found.points] == [Latencies((20,)), None, Latencies((70,)), None]


def test_nothing_gives_no_points() -> None:
    """A time that has no whole step."""
    assert source(Quantity.ERROR_RATE_PCT, SAMPLES).read(100, 100.5).points == ()


def test_a_prober_sees_no_memory() -> None:
    """Whoever asks has made a mistake."""
    with pytest.raises(ValueError, match="sees no memory"):
        source(Quantity.MEMORY_MB, [])
