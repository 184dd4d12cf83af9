"""Stable against candidate over written-out records: worse, not worse, and what the samples cannot tell."""

import random
import re
from dataclasses import replace

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.redeploy.load.release_comparison import ReleaseComparison
from tests.load.records import LIMITS, Answer, both, failed, is_kept


def scattered(seed: int, factor: float = 1.0, *, median_ms: float = 400) -> Answer:
    """Lognormal times around the median: what services do."""
    generator = random.Random(seed)
    return lambda _: {"ms": factor * median_ms * generator.lognormvariate(0, 0.1)}


def compared(stable: Answer, candidate: Answer, **run: float) -> ReleaseComparison:
    """By the plan's own figures."""
    return ReleaseComparison(both(stable, candidate, **run), LIMITS)


def test_the_same_release_twice_is_not_worse() -> None:
    """Chance alone makes no difference that counts."""
    found = compared(scattered(1), scattered(2))

    assert is_kept(found.speed)
    assert is_kept(found.errors)


def test_twice_as_slow_is_worse_and_says_by_how_much() -> None:
    """Ratio, difference, interval and limit stand in the sentence, the worst percentile first."""
    found = compared(scattered(1), scattered(2, 2.0)).speed

    assert not is_kept(found)
    assert str(found).startswith("candidate against stable, its baseline, in the same run: p")
    assert re.search(r"p95 9\d\d ms \(n=1200\), baseline 4\d\d ms \(n=1200\), .*: \+9\d %|\+10\d %", str(found))
    assert all(f"p{pct} " in str(found) for pct in (50, 95, 99))
    assert "smallest visible" in str(found)
    assert found.broken


def test_a_difference_that_nobody_notices_is_none() -> None:
    """2 ms instead of 1 ms is twice as long and nobody's experience."""
    found = compared(scattered(1, median_ms=1), scattered(2, 2.0, median_ms=1)).speed

    assert is_kept(found)
    assert found.limit > 1000


def test_few_answers_cannot_tell() -> None:
    """With 20 answers each p95 is not bounded: inconclusive, never green."""
    found = compared(scattered(1), scattered(2), rate_hz=2, duration_s=20)

    with pytest.raises(
        MeasurementFailed, match=r"whether p\d\d is worse cannot be told from so many answers: ask more"
    ):
        assert is_kept(found.speed)
    assert "% or more with 95 % confidence" in str(found.speed)
    assert "inf" not in f"{found.speed} {found.speed.row} {found.errors} {found.errors.row}"


def test_more_errors_are_worse() -> None:
    """5 % beside none."""
    found = compared(lambda _: {}, lambda at_s: failed() if round(at_s * 40) % 40 == 1 else {}).errors

    assert not is_kept(found)
    assert "5 % (60 of 1200), baseline 0 % (0 of 1200): +5.00 points" in str(found)


def test_one_release_is_no_comparison() -> None:
    """Where one was not asked, the message says which."""
    record = both()
    alone = replace(record, requests=tuple(one for one in record.requests if one.target == "candidate"))

    with pytest.raises(MeasurementFailed, match="the stable release was not asked in this run"):
        ReleaseComparison(alone, LIMITS)


def test_a_short_run_is_no_comparison() -> None:
    """Five seconds are a moment."""
    with pytest.raises(MeasurementFailed, match="5 s long, 10 s are needed"):
        compared(scattered(1), scattered(2), duration_s=5)


def test_a_silent_release_has_no_speed() -> None:
    """All of its answers are errors: its speed is not known, its errors are worse."""
    found = compared(lambda _: {}, lambda _: failed())

    with pytest.raises(MeasurementFailed, match="the candidate release answered nothing well"):
        assert is_kept(found.speed)
    assert not is_kept(found.errors)
