"""A whole session of the checks of accessibility: green on the healthy sandbox, with its evidence in the report."""

import json
from collections import Counter
from typing import Any

import pytest

from pam_rollback.browser.accessibility import STATES
from tests.fault_rows.accessibility import OF_LOOK
from tests.sessions import Project, RunningSandbox


@pytest.mark.nightly  # beside faults, when pages or checks change: test_faults_together.py
def test_a_healthy_site_is_go_with_evidence(running_sandbox: RunningSandbox, project: Project) -> None:
    """Each state in each look is judged, the rules are named, what they could not decide is attached; nothing was written but one talk."""
    before = running_sandbox.remote.request_counts()
    found = project.run("-m", "accessibility", f"--env={running_sandbox.file}")
    sent = Counter(running_sandbox.remote.request_counts()) - Counter(before)

    assert (found.rc, set(found.outcomes().values())) == (0, {"passed"}), found.out
    assert sum("barriers" in name for name in found.outcomes_by_case()) == len(STATES) * len(OF_LOOK)
    attachments = Counter(
        attachment["name"] for result in _results(project) for attachment in result.get("attachments", [])
    )
    assert {f"barriers on {state}-{look}" for state in STATES for look in OF_LOOK} <= set(attachments)
    assert "for a person to judge: chat-thinking-light" in attachments
    texts = [path.read_text(encoding="utf-8") for path in (project.run_folder / "allure-results").glob("*.txt")]
    assert any("axe-core 4." in text for text in texts)
    writes = {name: count for name, count in sent.items() if not name.startswith(("GET ", "OPTIONS ", "HEAD "))}
    assert {name.partition(" ")[2] for name in writes} == {"/api/v1/auth/login", "/api/v1/pam/chat"}, writes
    assert writes["POST /api/v1/pam/chat"] == 1


def _results(project: Project) -> list[dict[str, Any]]:
    folder = project.run_folder / "allure-results"
    return [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*-result.json")]
