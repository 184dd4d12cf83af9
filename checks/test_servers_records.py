"""Do the servers' own records agree that it is good?  Reads only: Prometheus and the host, over the window, where declared."""

import pytest

from pam_rollback.base.figures import Scored
from pam_rollback.observation.memory import MemoryGrowth
from pam_rollback.records.fixtures.servers_records import SOURCES
from pam_rollback.records.series_window import RecordedWindow

pytestmark = [
    pytest.mark.post_rollback,
    pytest.mark.performance,
    pytest.mark.parametrize("source", SOURCES, indirect=True),
]


@pytest.mark.criterion("SC-1")
def test_records_show_few_errors(recorded_errors: RecordedWindow, scored: Scored) -> None:
    """The servers' own records show few failed requests.  If red: docs/runbook.md#error-rate."""
    errors = scored(recorded_errors)

    assert errors.held, errors


@pytest.mark.criterion("SC-2")
def test_records_show_fast_answers(recorded_latency: RecordedWindow, scored: Scored) -> None:
    """The servers' own records show 95 of 100 requests answered fast enough.  If red: docs/runbook.md#response-time."""
    latency = scored(recorded_latency)

    assert latency.held, latency


@pytest.mark.criterion("SC-3")
def test_records_show_small_processes(recorded_memory: RecordedWindow, scored: Scored) -> None:
    """No process held more than the plan allows, at any time of the window.  If red: docs/runbook.md#memory-high."""
    memory = scored(recorded_memory)

    assert memory.held, memory


@pytest.mark.criterion("SC-3")
def test_records_show_processes_at_rest(recorded_growth: MemoryGrowth, scored: Scored) -> None:
    """At its pace since its last restart no process reaches 200 MB within 15 minutes.  If red: docs/runbook.md#memory-high."""
    growth = scored(recorded_growth)

    assert growth.surely_mb < growth.alarm_mb, growth
