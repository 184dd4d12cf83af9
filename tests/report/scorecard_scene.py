"""The records that the report's first page is written of: a drill that went well, and the same with something red."""

from dataclasses import replace

import pytest

from pam_rollback.report.run_record import ActionTaken, Measured, Result, RunRecord
from pam_rollback.report.verdict import Outcome
from tests.report.watched import SITUATION, WATCHED


@pytest.fixture(scope="module")
def told(good_record: RunRecord) -> RunRecord:
    """A drill that went well, with all that is known of it."""
    action = ActionTaken("feature-flag", "ST-1", "Switch features off", "40 % errors", "kim", SITUATION, 12.0)
    return replace(good_record, actions=(action,), watched=(WATCHED,))


@pytest.fixture(scope="module")
def told_red(told: RunRecord) -> RunRecord:
    """The same with one cause that two tests met, and one figure that nobody could measure."""
    health = Result(
        "checks/test_health.py::test_api[after-feature-flag]",
        "The API says that it is healthy.",
        Outcome.BROKEN_CRITERION,
        ("HC-2",),
        situation=SITUATION,
        message="AssertionError: the back end answered 503",
        runbook="docs/runbook.md#backend-unhealthy",
        measured=(Measured("the back end", "healthy, HTTP 200", "HTTP 503"),),
    )
    again = replace(health, nodeid="checks/test_health.py::test_all[after-feature-flag]", criteria=("HC-5",))
    blind = replace(
        health,
        nodeid="checks/test_memory.py::test_memory[after-feature-flag]",
        title="Memory is small.",
        outcome=Outcome.UNKNOWN,
        criteria=("SC-3",),
        message="MeasurementFailed: no reading",
    )
    return replace(
        told, verdict="NO-GO", exit_code=10, reasons=("SC-3 not known",), results=(*told.results, health, again, blind)
    )
