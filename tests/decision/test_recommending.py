"""What a recommendation says besides the strategy."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.browser.rules.accessibility import Audit
from pam_rollback.decision.rules.decision import Finding, State, decide
from pam_rollback.decision.service.deciding import decided
from pam_rollback.decision.service.recommending import Here, recommended
from pam_rollback.plan.plan import load_plan
from pam_rollback.report import recommendation
from pam_rollback.report.verdict import Outcome

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


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (str(Audit("home-double-size", problem="sign in: HTTP 503")), State.UNKNOWN),
        ("label (2) on login-light", State.HOLDS),
    ],
    ids=["never seen", "seen"],
)
def test_a_page_that_was_not_reached_has_no_barrier_that_anybody_saw(said: str, state: State) -> None:
    """A dead API is no violation of WCAG; whether there is one is not known."""
    audit: Any = SimpleNamespace(
        properties={}, message=f"AssertionError: {said}", outcome=Outcome.BROKEN_CRITERION, criteria=["CR-4"]
    )
    decision = decided(PLAN, [audit], [], observed=[], vouched=[], constant_flags="", whole=True)

    assert {one.state for one in decision.findings if one.criterion == "CR-4"} == {state}


def test_what_is_new_comes_before_what_was_so_before() -> None:
    """An open door that everybody knows and nobody answers for counts, and does not take the first place in an outage."""

    def broken(criterion: str, words: str, *, old: bool = False) -> Any:
        properties = {"pam-nothing-new": True} if old else {}
        return SimpleNamespace(
            properties=properties, message=words, outcome=Outcome.BROKEN_CRITERION, criteria=[criterion]
        )

    door, down = broken("IR-1", "nothing new: a door", old=True), broken("IR-2", "nobody is served")
    decision = decided(PLAN, [door, down], [], observed=[], vouched=[], constant_flags="", whole=True)
    both = decided(
        PLAN, [door, broken("IR-1", "rows shown")], [], observed=[], vouched=[], constant_flags="", whole=True
    )

    assert [one.criterion for one in decision.why] == ["IR-2", "IR-1"]
    assert both.why[0].words == "rows shown; nothing new: a door"
    assert not both.why[0].old
