"""What a killed session had found."""

import json
from pathlib import Path

from pam_rollback.postmortem.client.allure_seen import results_seen
from pam_rollback.report.verdict import Outcome


def test_finished_tests_are_read_from_allure(tmp_path: Path) -> None:
    """Of a session that was killed: the items from the name; half a file, and what is no test, are left out."""
    for name, document in {
        "1": {"fullName": "t::a", "name": "RTO-3 RTO-5 · In time.", "status": "passed"},
        "2": {"fullName": "t::b", "name": "No item.", "status": "failed", "statusDetails": {"message": "one\ntwo"}},
        "3": {"fullName": "t::c", "name": "SC-1 · x", "status": "broken"},
        "4": {"fullName": "recommendation", "name": "NO ROLLBACK", "status": "passed"},
    }.items():
        (tmp_path / f"{name}-result.json").write_text(json.dumps(document), "utf-8")
    (tmp_path / "5-result.json").write_text('{"fullName": "t::d", "na', "utf-8")

    found = results_seen(tmp_path)

    assert [(one.nodeid, one.outcome, one.criteria, one.title, one.message) for one in found] == [
        ("t::a", Outcome.PASSED, ("RTO-3", "RTO-5"), "In time.", ""),
        ("t::b", Outcome.BROKEN_CRITERION, (), "No item.", "one"),
        ("t::c", Outcome.UNKNOWN, ("SC-1",), "x", ""),
    ]
