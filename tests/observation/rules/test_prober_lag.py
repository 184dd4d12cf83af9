"""A prober that left late cannot break a window by its own lateness, nor save one that is broken without it."""

from dataclasses import replace

import pytest

from pam_rollback.observation.measure import Window, WindowState
from pam_rollback.observation.samples import Sample
from pam_rollback.observation.window import WindowSpec, judge_without_prober_lag
from pam_rollback.stats.series import Quantity

SPEC = WindowSpec(measure=Quantity.LATENCY_P95_MS, limit=500, duration_s=15)


def judged(latency_ms: float, lag_ms: float) -> Window:
    """Fifteen seconds of such answers, ten a second."""
    answer = Sample(due_s=0, latency_ms=latency_ms, journey="chat", ok=True, lag_ms=lag_ms)
    samples = [replace(answer, due_s=at / 10) for at in range(150)]
    samples.append(replace(answer, due_s=15, lag_ms=None))  # one that never left
    return judge_without_prober_lag(samples, SPEC, start_s=0, now_s=20, rate_hz=10, settled_s=20)


@pytest.mark.parametrize(
    ("latency_ms", "lag_ms", "state"),
    [
        pytest.param(400, 200, WindowState.MET, id="fast in spite of the lag"),
        pytest.param(600, 200, WindowState.UNKNOWN, id="slow only because of the lag"),
        pytest.param(600, 0, WindowState.BROKEN, id="slow without any lag"),
        pytest.param(800, 200, WindowState.BROKEN, id="slow even without the lag"),
        pytest.param(400, 300, WindowState.UNKNOWN, id="too late to be measured at all"),
    ],
)
def test_only_the_service_is_judged(latency_ms: float, lag_ms: float, state: WindowState) -> None:
    """What the lag alone broke is unknown, and never met."""
    assert judged(latency_ms, lag_ms).state is state


def test_the_reason_names_the_prober() -> None:
    """Whoever reads it looks at this machine first."""
    assert judged(600, 200).reason.startswith("the prober was not fit to judge: without its own lag it would not be so")
