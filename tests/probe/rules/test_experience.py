"""What users see beside the baseline: written-out samples, worse, as before, and unknown where the samples cannot tell."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.change import (
    ErrorsAgainstBaseline,
    SpeedAgainstBaseline,
    errors_against,
    speed_against,
)
from pam_rollback.probe.samples import Sample
from pam_rollback.report.baseline_record import Figures
from pam_rollback.stats.percentiles import Distribution

N = 600
QUICK_MS = [90 + i % 21 for i in range(N)]
"""Between 90 and 110 ms, p95 109 ms."""
BASELINE = "baseline of yesterday"


GOAL: Any = SimpleNamespace(
    response_time_increase_pct_max=20, response_time_unnoticed_ms=20, error_rate_increase_pp_max=1
)


def before(n: int = N, errors: int = 0) -> Figures:
    """The baseline's answers of one journey."""
    return figures(n, errors, Distribution.of(QUICK_MS[:n]))


def figures(n: int, errors: int, latencies: Distribution | None) -> Figures:
    """Of some answers; their own percentiles are asked of the distribution."""
    return Figures(n=n, errors=errors, p50_ms=None, p95_ms=None, p99_ms=None, latencies=latencies)


def baseline(answers: Figures, **journeys: Figures) -> Any:
    """What is read of a baseline."""
    return SimpleNamespace(origin=BASELINE, answers=answers, journeys=journeys)


def answers(journey: str, *, times: float = 1.0, n: int = N, bad: int = 0, lag_ms: float = 0.0) -> list[Sample]:
    """The answers of now; the first ``bad`` ones failed at once."""
    return [
        Sample(
            due_s=i / 50,
            latency_ms=1.0 if i < bad else QUICK_MS[i] * times + lag_ms,
            journey=journey,
            ok=i >= bad,
            lag_ms=lag_ms,
        )
        for i in range(n)
    ]


def speed(*samples: Sample, n: int = N) -> SpeedAgainstBaseline:
    """Compare two journeys with the baseline."""
    both = figures(2 * n, 0, Distribution.of(QUICK_MS[:n] * 2))
    return speed_against(baseline(both, **{"chat": before(n), "front page": before(n)}), samples, GOAL)


def errors(now_bad: int, *, n: int = N, before_bad: int = 0) -> ErrorsAgainstBaseline:
    """Compare error rates with the baseline."""
    return errors_against(baseline(before(errors=before_bad)), answers("chat", n=n, bad=now_bad), GOAL)


def test_the_same_is_as_before() -> None:
    """Every journey, and all together; the row names the worst, both sizes and the smallest change that could have been seen."""
    found = speed(*answers("chat"), *answers("front page"))

    assert found.slower == ()
    assert [one.journey for one in found.journeys] == ["all journeys", "chat", "front page"]
    assert (found.measured.asked, found.measured.n) == ("at most +20 %", N * 2)
    assert "smallest visible increase" in found.measured.definition
    assert BASELINE in found.measured.definition


def test_one_slow_journey_is_enough() -> None:
    """60 % slower is seen, also when another journey is as it was; the sentence begins with it."""
    found = speed(*answers("chat", times=1.6), *answers("front page"))

    assert "chat" in found.slower
    assert str(found).startswith("chat: p95 174 ms (n=600), baseline 1")
    assert "+60 %" in str(found)
    assert "expected at most +20 %" in str(found)
    assert "front page +0 %" in str(found)


def test_what_nobody_notices_is_not_slower() -> None:
    """Five milliseconds that become eight are 60 %, and 3 ms."""
    fast = figures(N, 0, Distribution.of([value / 20 for value in QUICK_MS]))
    samples = [replace(sample, latency_ms=sample.latency_ms / 20) for sample in answers("chat", times=1.6)]
    found = speed_against(baseline(fast, chat=fast), samples, GOAL)

    assert found.slower == ()
    assert "(20 ms)" in found.measured.asked


def test_too_few_answers_are_unknown() -> None:
    """71 answers have no upper bound for a p95; nothing is said of them, however fast they are."""
    found = speed(*answers("chat", n=71), *answers("front page", n=71), n=71)

    with pytest.raises(MeasurementFailed, match="p95 needs 72 answers on each side"):
        _ = found.slower


def test_a_slow_journey_decides_beside_one_that_is_unknown() -> None:
    """Red is red, whatever else is not known."""
    found = speed(*answers("chat", n=71), *answers("front page", times=3))

    assert "front page" in found.slower


def test_the_probers_lag_is_not_the_services() -> None:
    """Slower only because this machine was busy: unknown."""
    found = speed(*answers("chat", lag_ms=100), *answers("front page"))

    with pytest.raises(MeasurementFailed, match="without its own lag it would not be so"):
        _ = found.slower


@pytest.mark.parametrize("names", [("chat",), ("chat", "voice"), ()])
def test_other_journeys_cannot_be_compared(names: tuple[str, ...]) -> None:
    """A baseline without a test account has other journeys than a session with one."""
    with pytest.raises(MeasurementFailed, match="they cannot be compared; take a new baseline"):
        speed(*(sample for name in names for sample in answers(name)))


def test_a_journey_that_only_failed_has_no_speed() -> None:
    """Neither before nor now."""
    with pytest.raises(MeasurementFailed, match="chat: p95 of no values at all"):
        speed(*answers("chat", bad=N), *answers("front page"))
    with pytest.raises(MeasurementFailed, match="no baseline has response times"):
        speed_against(baseline(before(), chat=figures(N, N, None)), answers("chat"), GOAL)


def test_errors() -> None:
    """None and none is as before; 5 % is not; and what so many answers cannot tell is unknown."""
    assert errors(0).at_least_pp <= 0
    assert errors(6, before_bad=6, n=600).change.increase == 0
    assert errors(30).at_least_pp > 1
    assert "error rate 5 % (30 of 600), baseline 0 % (0 of 600)" in str(errors(30))
    assert errors(30).measured.margin == pytest.approx(-4.0)
    with pytest.raises(MeasurementFailed, match=r"whether that is above \+1 points is not known"):
        _ = errors(5).at_least_pp
    with pytest.raises(MeasurementFailed, match="not known"):
        _ = errors(0, n=100).at_least_pp  # a hundred good answers do not exclude 3 % of errors


def test_late_probes_are_no_answers() -> None:
    """What left late says nothing of the service."""
    late = [replace(sample, lag_ms=900.0) for sample in answers("chat", bad=N)]
    found = errors_against(baseline(before()), [*answers("chat"), *late], GOAL)

    assert (found.change.now.value, found.change.now.n) == (0, N)
    with pytest.raises(MeasurementFailed, match="no answers at all"):
        errors_against(baseline(before()), late, GOAL)
