"""Which runs of the past are incidents: what asked for a rollback, and not what was merely watched or not known."""

from dataclasses import replace

import pytest

from pam_rollback.decision.rules.decision import State
from pam_rollback.gate.service.incident_choice import incident_of
from pam_rollback.report.decision_record import CriterionFound, DecisionRecord, Recommendation
from pam_rollback.report.run_record import RunRecord


def decided(record: RunRecord, recommendation: Recommendation, *states: State) -> RunRecord:
    """A decision that rests on criteria in these states."""
    criteria = tuple(
        CriterionFound(f"IR-{number}", "title", "roll back now", state.value, "words", "measured", "docs/runbook.md")
        for number, state in enumerate(states, 1)
    )
    decision = DecisionRecord(recommendation.value, criteria, tuple(one.id for one in criteria), (), "pytest")
    return replace(record, results=(), notes=(), decision=decision)


@pytest.mark.parametrize(
    ("recommendation", "states"),
    [
        (Recommendation.WATCH, (State.WATCH, State.CLEAR)),
        (Recommendation.NOT_KNOWN, (State.UNKNOWN, State.UNKNOWN)),
        (Recommendation.NO, (State.CLEAR,)),
    ],
)
def test_what_was_watched_or_not_known_is_no_incident(
    good_record: RunRecord, recommendation: Recommendation, states: tuple[State, ...]
) -> None:
    """Else a gate would look for a red criterion that nobody ever saw red."""
    assert incident_of(decided(good_record, recommendation, *states)) is None


def test_what_asked_for_a_rollback_is_one(good_record: RunRecord) -> None:
    """Of its criteria those that asked for it, or to consider it."""
    record = decided(good_record, Recommendation.NOW, State.HOLDS, State.UNKNOWN, State.CONSIDER, State.WATCH)
    found = incident_of(record)

    assert found is not None
    assert found.criteria == ("IR-1", "IR-3")
