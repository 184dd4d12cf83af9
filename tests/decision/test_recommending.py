"""What a recommendation says besides the strategy."""

from pathlib import Path

import pytest

from pam_rollback.decision.rules.decision import Finding, State, decide
from pam_rollback.decision.service.recommending import Here, recommended
from pam_rollback.plan.plan import load_plan
from pam_rollback.report import recommendation

PLAN = load_plan(Path(__file__).resolve().parents[2] / "plan.toml")
NO_DATABASE = "cannot ask the database: Connection refused; see docs/runbook.md#database-unhealthy"


def found(holds: str, words_of_data: str) -> str:
    """What is to be done when a criterion holds, and that was found out about the users' data."""
    findings = [
        Finding(one, State.HOLDS if one == holds else State.CLEAR, "words")
        for one in (*PLAN.immediate_criteria, *PLAN.consider_criteria)
        if one != "IR-3"
    ]
    findings.append(Finding("IR-3", State.UNKNOWN, words_of_data))
    here = Here(PLAN, Path("/nowhere"), environment="e", env="e", on_sandbox=False, answer_with="")
    record = recommended(here, decide(PLAN, findings, observed={}, vouched={}))
    return "\n".join(dict(recommendation.paragraphs(record))["What to do"])


@pytest.mark.parametrize(
    ("holds", "words", "warned"),
    [("IR-2", NO_DATABASE, True), ("IR-2", "e declares no database", False), ("IR-4", NO_DATABASE, False)],
    ids=["down", "not declared", "by flags"],
)
def test_no_back_end_goes_back_while_its_database_is_down(holds: str, words: str, *, warned: bool) -> None:
    """It ends when it starts without its database: an outage would get longer. Flags may go back."""
    assert ("before any back end goes back" in found(holds, words)) is warned
