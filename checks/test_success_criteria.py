"""Does PAM stay well for as long as the plan asks?  Reads only: safe on production."""

import pytest

from pam_rollback.base.figures import Scored
from pam_rollback.observation.held_releases import HeldReleases
from pam_rollback.observation.memory import MemoryTrend, MemoryWindow
from pam_rollback.observation.window import WindowVerdict

pytestmark = [pytest.mark.post_rollback, pytest.mark.window]


@pytest.mark.criterion("SC-1")
def test_error_rate_stays_low(held_error_rate: WindowVerdict, scored: Scored) -> None:
    """Errors stay below the plan's limit for the whole window.  If red: docs/runbook.md#error-rate."""
    errors = scored(held_error_rate)

    assert errors.met, errors


@pytest.mark.criterion("SC-2")
def test_response_time_stays_low(held_response_time: WindowVerdict, scored: Scored) -> None:
    """95 of 100 answers come within the plan's limit for the whole window.  If red: docs/runbook.md#response-time."""
    p95 = scored(held_response_time)

    assert p95.met, p95


@pytest.mark.criterion("SC-3")
def test_memory_stays_low(held_memory: MemoryWindow, scored: Scored) -> None:
    """No reading of the whole window reaches the plan's limit.  If red: docs/runbook.md#memory-high."""
    memory = scored(held_memory)

    assert memory.met, memory


@pytest.mark.criterion("SC-3")
def test_memory_is_stable(held_memory_trend: MemoryTrend, scored: Scored) -> None:
    """Memory leads neither to the limit nor to a rollback, at the pace of the window.  If red: docs/runbook.md#memory-high."""
    trend = scored(held_memory_trend)

    assert trend.stable, trend


@pytest.mark.criterion("HC-1", "HC-2")
def test_no_other_release_answers(held_releases: HeldReleases, scored: Scored) -> None:
    """No answer of the whole window names another release than its site should serve.  If red: docs/runbook.md#backend-unhealthy."""
    releases = scored(held_releases)

    assert releases.met, releases
