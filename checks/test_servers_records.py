"""Do the servers' own records agree that it is good?  Reads only: Prometheus and the host, over the window, where declared."""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.probe.memory import MemoryGrowth
from pam_rollback.records.series_window import RecordedWindow
from pam_rollback.records.servers_records import SOURCES

pytestmark = [
    pytest.mark.post_rollback,
    pytest.mark.performance,
    pytest.mark.parametrize("source", SOURCES, indirect=True),
]


@pytest.mark.criterion("SC-1")
def test_records_show_few_errors(recorded_errors: RecordedWindow, scored: Scored) -> None:
    """By the servers' own records fewer than 2 % of requests failed, for 15 minutes.  If red: docs/runbook.md#error-rate."""
    percent = scored(recorded_errors)

    assert percent.number < percent.window.spec.limit, percent
    assert percent.window.bad_run_s <= percent.window.spec.bad_run_max_s, percent


@pytest.mark.criterion("SC-2")
def test_records_show_fast_answers(recorded_latency: RecordedWindow, scored: Scored) -> None:
    """By the servers' own records 95 of 100 requests took less than 500 ms, for 15 minutes.  If red: docs/runbook.md#response-time."""
    p95_ms = scored(recorded_latency)

    assert p95_ms.number < p95_ms.window.spec.limit, p95_ms
    assert p95_ms.window.bad_run_s <= p95_ms.window.spec.bad_run_max_s, p95_ms


@pytest.mark.criterion("SC-3")
def test_records_show_small_processes(recorded_memory: RecordedWindow, scored: Scored) -> None:
    """Every process held less than 100 MB all the time, for 15 minutes.  If red: docs/runbook.md#memory-high."""
    highest_mb = scored(recorded_memory)

    assert highest_mb.number < highest_mb.window.spec.limit, highest_mb


@pytest.mark.criterion("SC-3")
def test_records_show_processes_at_rest(recorded_growth: MemoryGrowth, scored: Scored) -> None:
    """At its pace since its last restart no process reaches 200 MB within 15 minutes.  If red: docs/runbook.md#memory-high."""
    growth = scored(recorded_growth)

    assert growth.surely_mb < growth.alarm_mb, growth
