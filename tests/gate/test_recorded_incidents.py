"""Which runs of the past are incidents: what asked for a rollback, and not what was merely watched or not known."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.decision.decision import State
from pam_rollback.redeploy.gate.incident_choice import chosen, incident_of
from pam_rollback.report.record_parts import CriterionFound, DecisionRecord, Recommendation
from pam_rollback.report.run_record import RunRecord
from tests.gate.scene import leave_run


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


def test_only_what_says_how_the_service_is_can_come_back(good_record: RunRecord) -> None:
    """What a person saw is part of it; not a recovery that took too long, nor a message that nobody sent."""
    seen = (
        "baseline recorded",
        *(f"observed by a person: {one}=so" for one in ("RTO-1", "IR-5", "CH-1", "IR-5", "SC-1")),
    )
    found = incident_of(replace(good_record, results=(), notes=seen))

    assert found is not None
    assert found.criteria == ("IR-5", "SC-1")


VERIFIED: Mapping[str, Any] = {"verdict": "GO", "scope": "post_rollback"}


@pytest.mark.parametrize(
    ("runs", "runs_named", "criteria"),
    [
        pytest.param(
            [(3, {"red": ["IR-5"]}), (2, {"red": ["IR-3"]})],
            "2, 1",
            ("IR-3", "IR-5"),
            id="a narrow decision comes later",
        ),
        pytest.param(
            [(9, {"red": ["IR-2"]}), (8, VERIFIED), (3, {"red": ["IR-5"]}), (2, {"red": ["IR-3"]})],
            "4, 3",
            ("IR-3", "IR-5"),
            id="what was over before",
        ),
        pytest.param(
            [(99, {"red": ["IR-5"]}), (3, {"red": ["IR-3"]}), (2, VERIFIED)], "2", ("IR-3",), id="more than a day apart"
        ),
        pytest.param(
            [(200, VERIFIED), (99, {"red": ["IR-5"]}), (3, {"red": ["IR-3"]})],
            "3, 2",
            ("IR-3", "IR-5"),
            id="never well since",
        ),
        pytest.param(
            [(4, {"red": ["IR-5"]}), (3, {**VERIFIED, "scope": "health"}), (2, {"red": ["IR-3"]})],
            "3, 1",
            ("IR-3", "IR-5"),
            id="one kind of check is no verification",
        ),
        pytest.param(
            [(4, {"red": ["IR-5"]}), (3, {**VERIFIED, "verdict": "INCONCLUSIVE"}), (2, {"red": ["IR-3"]})],
            "3, 1",
            ("IR-3", "IR-5"),
            id="nor is one that could not tell",
        ),
        pytest.param(
            [(3, {"red": ["IR-5"], "environment": "staging"}), (2, {"red": ["IR-3"]}), (-2, {"red": ["IR-2"]})],
            "2",
            ("IR-3",),
            id="another environment, and a clock that is ahead",
        ),
    ],
)
def test_all_that_went_red_since_the_service_was_well_is_the_incident(
    tmp_path: Path, runs: list[tuple[float, dict[str, Any]]], runs_named: str, criteria: tuple[str, ...]
) -> None:
    """By hours ago. The newest run may have asked one question only, and not the one that asked for the rollback."""
    for number, (hours, left) in enumerate(runs, 1):
        leave_run(tmp_path, str(number), age=timedelta(hours=hours), **left)

    found = chosen(tmp_path / "reports" / "out", "sandbox")

    assert found is not None
    assert (", ".join(found.runs), found.criteria) == (runs_named, criteria)
    assert f"the incident of run{'s' * (len(found.runs) > 1)} {runs_named} ({', '.join(criteria)}" in str(found)
