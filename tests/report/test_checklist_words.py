"""The lists of a run: what is red first, what nobody confirmed last, and none of it among the problems."""

from dataclasses import replace

from pam_rollback.plan.checklist import ChecklistItem, Finding
from pam_rollback.report import sections
from pam_rollback.report.run_record import Measured, Result, RunRecord
from pam_rollback.report.verdict import Outcome

DONE = Finding(done=True, words="all 5 steps are done")
FAILED = Finding(done=False, words="step 'tell' failed")
DENIED = (
    "[!] DUR-1 title of DUR-1: NOT DONE: step 'tell' failed; a person says otherwise (kim: fine), and what was measured counts; "
    "docs/runbook.md#checklist-before"
)
OUTCOMES = {"confirmed": Outcome.PASSED, "NOT DONE": Outcome.BROKEN_CRITERION, "NOT CONFIRMED": Outcome.UNKNOWN}


def item(identifier: str, finding: Finding | None, vouched: str = "", *, situation: str = "as-is") -> Result:
    """One item as a session records it."""
    fact = ChecklistItem.of(identifier, f"title of {identifier}", None if finding is None else lambda: finding, vouched)
    return Result(
        nodeid=f"checks/test_checklist.py::test_{identifier.lower()}",
        title="It is done",
        outcome=OUTCOMES[fact.state],
        criteria=(identifier,),
        kind="checklist",
        situation=situation,
        message=str(fact),
        runbook="docs/runbook.md#checklist-before",
        advisory=True,
        measured=(Measured(**fact.measured.row),),  # type: ignore[arg-type]
    )


def test_each_list_has_its_items(good_record: RunRecord) -> None:
    """Before, during, and what only people do; what was measured counts, whatever a person says."""
    items = (item("PRE-3", DONE), item("DUR-1", FAILED, "kim: fine"), item("CH-2", None), item("CH-5", None))

    assert sections.checklists(replace(good_record, results=items)) == [
        ("Checklist, before the rollback", ("[x] PRE-3 title of PRE-3: measured: all 5 steps are done",)),
        ("Checklist, during the rollback", (DENIED,)),
        (
            "Checklist, what only people do",
            (
                "[ ] CH-2 title of CH-2; CH-5 title of CH-5: NOT CONFIRMED: only a person can say so",
                'what nobody has confirmed, a person vouches for, for this run only: --ack ITEM="who: evidence"',
            ),
        ),
    ]


def test_an_item_that_was_never_reached_is_not_confirmed(good_record: RunRecord) -> None:
    """Its figures are missing, and its message says why."""
    broken = replace(item("DUR-1", DONE), outcome=Outcome.UNKNOWN, measured=(), message="the session ended before")
    record = replace(good_record, results=(broken,))

    [(_, entries)] = sections.checklists(record)

    assert entries[0] == "[ ] DUR-1 It is done: NOT CONFIRMED: the session ended before"
