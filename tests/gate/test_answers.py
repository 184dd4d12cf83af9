"""A line for each question of the gate, with the reason where the answer is not yes."""

from collections.abc import Sequence
from dataclasses import replace

from pam_rollback.gate.hooks import HEADING, paragraphs
from pam_rollback.report.run_record import NotRun, Result, RunRecord
from pam_rollback.report.verdict import Outcome


def result(nodeid: str, outcome: Outcome = Outcome.PASSED, message: str = "", criteria: tuple[str, ...] = ()) -> Result:
    """What came of one test."""
    return Result(nodeid=nodeid, title="x", outcome=outcome, message=message, criteria=criteria, phase="redeploy_gate")


def lines(record: RunRecord, *results: Result, deselected: tuple[NotRun, ...] = ()) -> Sequence[str]:
    """What is told of these."""
    ((heading, found),) = paragraphs(
        replace(record, scope="redeploy_gate", verdict="NO-GO", results=results, deselected=deselected)
    )
    assert heading == HEADING
    return found


def test_each_question_has_its_line(good_record: RunRecord) -> None:
    """Its worst answer counts, and says why; what is unknown is no yes."""
    own = "load/test_redeployment_gate.py::"
    found = lines(
        good_record,
        result("checks/integrity/a.sql::test_a"),
        result(f"{own}test_unit", criteria=("GA-1", "PM-5")),
        result(f"{own}test_e2e", Outcome.BROKEN_CRITERION, "AssertionError: GA-3: exit code 1", ("GA-3", "PM-5")),
        result(f"{own}test_load", Outcome.UNKNOWN, "no npm", ("GA-6",)),
        result(f"{own}test_back", criteria=("RP-3",)),
        result(f"{own}test_flags", criteria=("PM-1",)),
        result(f"{own}test_incident", Outcome.UNKNOWN, "MeasurementFailed: none is recorded", ("RP-2",)),
        result(f"{own}test_drills", criteria=("PM-10",)),
        result("checks/test_preflight.py::test_flags"),
    )

    assert found == (
        "[x] the data is whole: 1 of 1",
        "[!] the candidate's own tests: NO, 1 of 3: GA-3: exit code 1",
        "[x] migrations can be taken back: 1 of 1",
        "[x] new features are behind flags: 1 of 1",
        "[ ] the incident stays away: NOT KNOWN, 0 of 1: none is recorded",
        "[x] a rollback is ready: 2 of 2",
    )
