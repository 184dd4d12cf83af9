"""Does PAM stay well for as long as the plan asks?  Reads only: safe on production."""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.probe.measure import Window
from pam_rollback.probe.memory import MemoryGrowth, MemoryWindow
from pam_rollback.probe.until_the_end import HeldReleases

pytestmark = [pytest.mark.post_rollback, pytest.mark.window]


@pytest.mark.criterion("SC-1")
def test_error_rate_stays_low(held_error_rate: Window, scored: Scored) -> None:
    """Fewer than 2 % of answers fail for 15 minutes, and no outage lasts longer than 2 s.  If red: docs/runbook.md#error-rate."""
    percent = scored(held_error_rate)

    assert percent.number < percent.spec.limit, percent
    assert percent.bad_run_s <= percent.spec.bad_run_max_s, percent


@pytest.mark.criterion("SC-2")
def test_response_time_stays_low(held_response_time: Window, scored: Scored) -> None:
    """95 of 100 answers come within 500 ms for 15 minutes, and slow times last 2 s at most.  If red: docs/runbook.md#response-time."""
    p95_ms = scored(held_response_time)

    assert p95_ms.number < p95_ms.spec.limit, p95_ms
    assert p95_ms.bad_run_s <= p95_ms.spec.bad_run_max_s, p95_ms


@pytest.mark.criterion("SC-3")
def test_memory_stays_low(held_memory: MemoryWindow, scored: Scored) -> None:
    """Every reading of memory is below 100 MB for 15 minutes.  If red: docs/runbook.md#memory-high."""
    highest_mb = scored(held_memory)

    assert highest_mb.number < highest_mb.spec.limit, highest_mb


@pytest.mark.criterion("SC-3")
def test_memory_is_stable(held_memory_trend: MemoryGrowth, scored: Scored) -> None:
    """In 15 minutes more at this pace memory reaches neither 100 MB nor, for a rollback, 200 MB.  If red: docs/runbook.md#memory-high."""
    growth = scored(held_memory_trend)

    assert growth.surely_mb < growth.alarm_mb, growth


@pytest.mark.criterion("HC-1", "HC-2")
def test_no_other_release_answers(held_releases: HeldReleases, scored: Scored) -> None:
    """0 answers of 15 minutes name another release than their site should serve.  If red: docs/runbook.md#backend-unhealthy."""
    answers = scored(held_releases)

    assert answers.number == 0, answers
