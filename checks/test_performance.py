"""Does PAM perform as it should?  Reads only: safe on production; signed in where there is a test account, and sends nothing there."""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.plugin.topics.checklist import FirstVerdict
from pam_rollback.plugin.topics.records import Memory
from pam_rollback.probe.held_window import HeldWindow
from pam_rollback.probe.observation import Experience

pytestmark = [pytest.mark.post_rollback, pytest.mark.performance]


@pytest.mark.criterion("MT-1")
def test_answers_are_fast(monitored: HeldWindow, scored: Scored) -> None:
    """95 of 100 answers that users get, of 100 or more, come within 500 ms.  If red: docs/runbook.md#response-time."""
    p95_ms = scored(monitored.latency_p95())

    assert p95_ms.number < p95_ms.spec.limit, p95_ms
    assert p95_ms.bad_run_s <= p95_ms.spec.bad_run_max_s, p95_ms


@pytest.mark.criterion("MT-2")
def test_few_answers_are_errors(monitored: HeldWindow, scored: Scored) -> None:
    """Fewer than 2 % of 150 answers or more are wrong or missing.  If red: docs/runbook.md#error-rate."""
    percent = scored(monitored.error_rate())

    assert percent.number < percent.spec.limit, percent
    assert percent.bad_run_s <= percent.spec.bad_run_max_s, percent


@pytest.mark.criterion("MT-3")
def test_memory_is_low(memory: Memory, scored: Scored) -> None:
    """The product's process holds less than 100 MB in every reading.  If red: docs/runbook.md#memory-high."""
    level = scored(memory.level)

    assert level.highest_mb < level.limit_mb, level


@pytest.mark.criterion("MT-3")
def test_memory_does_not_run_away(memory: Memory, scored: Scored) -> None:
    """At the pace of some seconds memory stays below 200 MB for 15 minutes; SC-3 judges longer.  If red: docs/runbook.md#memory-high."""
    growth = scored(memory.growth)

    assert growth.surely_mb < growth.alarm_mb, growth


@pytest.mark.criterion("SC-5", "MT-1")
def test_answers_are_as_fast_as_before(experience: Experience, scored: Scored) -> None:
    """p95 of no journey is more than 20 %, and 100 ms, above the baseline.  If red: docs/runbook.md#user-experience."""
    speed = scored(experience.speed)

    assert speed.slower == (), speed


@pytest.mark.criterion("SC-5", "MT-2")
def test_no_more_errors_than_before(experience: Experience, scored: Scored) -> None:
    """Wrong or missing answers are 1 percentage point at most above the baseline.  If red: docs/runbook.md#user-experience."""
    errors = scored(experience.errors)

    assert errors.at_least_pp <= errors.increase_pp_max, errors


@pytest.mark.advisory
@pytest.mark.criterion("TF-2")
def test_performance_verdict_came_in_time(first_verdict: FirstVerdict, scored: Scored) -> None:
    """The first of these verdicts came within 10 minutes of the rollback.  If red: docs/runbook.md#checks-late."""
    verdict = scored(first_verdict)

    assert verdict.came_s <= verdict.due_until_s, verdict
