"""What is normal here?  Recorded for later runs, while the service is well.  Reads, and writes as the test account: safe on production."""

import pytest

from pam_rollback.core.figures import Scored
from pam_rollback.ops.baseline.taken_baseline import TakenBaseline
from pam_rollback.target.health import HealthAround
from pam_rollback.target.known_before import JudgedFindings

pytestmark = [pytest.mark.baseline]


@pytest.mark.criterion("HC-5")
def test_service_is_well_while_it_is_recorded(recorded_health: HealthAround, scored: Scored) -> None:
    """Every health endpoint is healthy before and after, or somebody answers for it.  If red: docs/runbook.md#baseline-withdrawn."""
    health = scored(recorded_health)

    assert health.well, health


@pytest.mark.criterion("MT-1", "MT-2")
def test_what_is_recorded_is_good(taken_baseline: TakenBaseline, scored: Scored) -> None:
    """Errors are below 2 %, p95 is below 500 ms, and no part is missing.  If red: docs/runbook.md#baseline-withdrawn."""
    answers = scored(taken_baseline.answers)

    assert answers.error_rate_pct < answers.errors.error_rate_pct_max, answers
    assert answers.p95_ms < answers.response_time.response_time_ms_max, answers


@pytest.mark.advisory
@pytest.mark.criterion("IR-1", "CR-4")
def test_somebody_answers_for_what_was_found(recorded_findings: JudgedFindings) -> None:
    """Open doors, barriers and errors have an owner and a day; waivers are proposed.  If red: docs/runbook.md#security-hole."""
    assert not recorded_findings.reasons, recorded_findings.reasons
