"""The word of a drill without damage, wherever a verdict is told."""

from dataclasses import replace

import pytest

from pam_rollback.report import wording
from pam_rollback.report.run_record import ActionTaken, EnvironmentFacts, RunRecord

STAGING = EnvironmentFacts("staging", "staging.example.com", "staging")
ROLLBACK = ActionTaken("feature-flag", "ST-1", "Switch them off", "nothing is wrong", "kim", "after-feature-flag", 1.0)


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"environment": STAGING, "actions": (ROLLBACK,)}, "DRILL GO"),
        ({"environment": STAGING, "actions": (ROLLBACK,), "mode": "real"}, "GO"),
        ({"environment": STAGING, "actions": ()}, "GO"),
        ({"environment": STAGING, "actions": (ROLLBACK,), "verdict": "PLANNED"}, "PLANNED"),
        ({"actions": (ROLLBACK,)}, "REHEARSAL GO"),
    ],
    ids=["drill", "real", "checks alone", "only planned", "sandbox"],
)
def test_a_drill_is_no_rehearsal_and_nothing_real(
    changed: dict[str, object], word: str, good_record: RunRecord
) -> None:
    """A GO that did not have to recover from anything says so in its first word."""
    record = replace(good_record, scope=None, **changed)  # type: ignore[arg-type]

    assert wording.verdict_word(record) == word
