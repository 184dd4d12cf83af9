"""Stable against candidate over written-out records: worse, not worse, and what the samples cannot tell."""

import random
import re
from dataclasses import replace

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.load.rules.release_comparison import ReleaseComparison
from tests.load.records import LIMITS, Answer, both, failed


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

    assert found.speed.good
    assert found.errors.good


def test_twice_as_slow_is_worse_and_says_by_how_much() -> None:
    """Ratio, difference, interval and limit stand in the sentence, the worst percentile first."""
    found = compared(scattered(1), scattered(2, 2.0)).speed

    assert not found.good
    assert str(found).startswith("candidate against stable in the same run: p")
    assert re.search(
        r"p95 9\d\d ms \(n=1200\), stable 4\d\d ms \(n=1200\): 2\.00 times, \+4\d\d ms \(.*\), \+100 %", str(found)
    )
    assert [one.pct for one in found.changes] == [50, 95, 99]
    assert "smallest visible" in str(found)
    worst = found.worst
    assert worst.interval.low > worst.limit_pct


def test_a_difference_that_nobody_notices_is_none() -> None:
    """2 ms instead of 1 ms is twice as long and nobody's experience."""
    found = compared(scattered(1, median_ms=1), scattered(2, 2.0, median_ms=1)).speed

    assert found.good
    assert min(one.limit_pct for one in found.changes) > 1000


def test_few_answers_cannot_tell() -> None:
    """With 20 answers each p95 is not bounded: inconclusive, never green."""
    found = compared(scattered(1), scattered(2), rate_hz=2, duration_s=20)

    with pytest.raises(
        MeasurementFailed, match=r"whether p\d\d is worse cannot be told from so many answers: ask more"
    ):
        assert found.speed.good
    assert "% or more with 95 % confidence" in str(found.speed)
    assert "inf" not in f"{found.speed} {found.speed.figures} {found.errors} {found.errors.figures}"


def test_bursts_make_the_interval_wider() -> None:
    """The same share of slow answers, in a few seconds instead of everywhere: the exact interval does not see it, the blocks do."""

    def in_bursts(at_s: float) -> dict[str, object]:
        return {"ms": 900.0 if 30 <= at_s < 33 else 400.0}

    def everywhere(at_s: float) -> dict[str, object]:
        return {"ms": 900.0 if round(at_s * 20) % 20 == 0 else 400.0}

    def width(candidate: Answer) -> float:
        change = compared(lambda _: {"ms": 400.0}, candidate).speed.changes[1]
        return change.by_blocks.high - change.by_blocks.low

    assert width(in_bursts) >= width(everywhere)
    assert width(in_bursts) > 100


def test_a_second_that_was_bad_for_both_is_nobodys_fault() -> None:
    """Both fail in the same seconds: blocks are drawn together, so no difference comes of it."""
    found = compared(lambda at_s: failed() if 30 <= at_s < 33 else {}, lambda at_s: failed() if 30 <= at_s < 33 else {})

    assert found.errors.exact.increase_pp == pytest.approx(0, abs=0.2)
    assert abs(found.errors.by_blocks.high) < 0.5


def test_more_errors_are_worse() -> None:
    """5 % beside none."""
    found = compared(lambda _: {}, lambda at_s: failed() if round(at_s * 40) % 40 == 1 else {}).errors

    assert not found.good
    assert "5.00 % (60 of 1200), of the stable release 0.00 % (0 of 1200): +5.00 points" in str(found)


def test_the_same_record_gives_the_same_interval() -> None:
    """The seed is fixed: a verdict does not depend on when it is asked for."""
    record = both(scattered(1), scattered(2, 1.2))

    assert str(ReleaseComparison(record, LIMITS).speed) == str(ReleaseComparison(record, LIMITS).speed)


def test_one_release_is_no_comparison() -> None:
    """Where one was not asked, the message says which."""
    record = both()
    alone = replace(record, requests=tuple(one for one in record.requests if one.target == "candidate"))

    with pytest.raises(MeasurementFailed, match="the stable release was not asked in this run"):
        ReleaseComparison(alone, LIMITS)


def test_a_short_run_is_no_comparison() -> None:
    """Five seconds are five blocks."""
    with pytest.raises(MeasurementFailed, match="5 blocks of 1 s with answers, 10 are needed"):
        compared(scattered(1), scattered(2), duration_s=5)


def test_a_silent_release_has_no_speed() -> None:
    """All of its answers are errors: its speed is not known, its errors are worse."""
    found = compared(lambda _: {}, lambda _: failed())

    with pytest.raises(MeasurementFailed, match="the candidate release answered nothing well"):
        assert found.speed.good
    assert not found.errors.good


@pytest.mark.long_matrix
@pytest.mark.parametrize(("runs", "missed_max"), [(12, 2), (40, 5)])
def test_the_interval_covers_the_truth_as_often_as_is_said(runs: int, missed_max: int) -> None:
    """Of simulated runs with answers in bursts, the interval of p95 misses the true ratio in so many at most; 5 % of 40 is 2."""
    hits = 0
    for seed in range(runs):
        generator = random.Random(seed)
        levels = [generator.lognormvariate(0, 0.2) for _ in range(31)]

        def answer(at_s: float, factor: float, own: random.Random, levels: list[float] = levels) -> dict[str, object]:
            return {"ms": 100 * factor * levels[int(at_s)] * own.lognormvariate(0, 0.2)}

        first, second = random.Random(1000 + seed), random.Random(2000 + seed)
        found = compared(
            lambda at_s, own=first: answer(at_s, 1.0, own),  # type: ignore[misc]
            lambda at_s, own=second: answer(at_s, 1.3, own),  # type: ignore[misc]
            rate_hz=20,
            duration_s=30,
        ).speed.changes[1]
        hits += found.interval.low <= 30 <= found.interval.high

    assert hits >= runs - missed_max
