"""Verdicts in words: a word for each, and why it is not GO in the last lines, whatever the session was."""

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pam_rollback.report import scorecard, screen, wording
from pam_rollback.report.record_parts import CriterionFound, DecisionRecord, Recommendation
from pam_rollback.report.run_record import ActionTaken, EnvironmentFacts, Moment, Result, RunRecord, Verdict
from pam_rollback.report.verdict import Outcome

THEN = Moment("2026-11-25T00:05:12+00:00", 1000.0)
EMPTY = RunRecord(
    run_id="run",
    started=THEN,
    finished=THEN,
    environment=EnvironmentFacts("production", "www.example.org", "production"),
    release=None,
    releases_seen=(),
    mode="drill",
    pace=1,
    situations=("as-is",),
    command_line=("pytest",),
    verdict="INCONCLUSIVE",
    exit_code=11,
    results=(),
)
ids = st.sampled_from(["IR-1", "IR-2", "SC-4"])
results = st.lists(
    st.builds(
        Result,
        nodeid=st.sampled_from(["checks/test_a.py::test_a", "checks/test_b.py::test_b"]),
        title=st.just("It is so."),
        outcome=st.sampled_from(Outcome),
        criteria=st.lists(ids, max_size=2).map(tuple),
        message=st.sampled_from(["", "blind"]),
        advisory=st.booleans(),
        ran=st.booleans(),
    ),
    max_size=4,
).map(tuple)
reasons = st.lists(st.sampled_from(["", " ", "PARTIAL: -k x", "stopped by SIGTERM"]), max_size=2).map(tuple)
decisions = st.none() | st.builds(
    DecisionRecord,
    recommendation=st.sampled_from([one.value for one in Recommendation]),
    criteria=st.just(
        tuple(CriterionFound(one, "t", "consider", "not known", "w", "nobody", "r") for one in ("IR-1", "IR-2"))
    ),
    why=st.lists(st.sampled_from(["IR-1", "IR-2"]), max_size=2).map(tuple),
    unknown=st.just(()),
    answer_with=st.just("pytest"),
)
records = st.builds(
    lambda verdict, results, reasons, decision, scope: replace(
        EMPTY, verdict=verdict, results=results, reasons=reasons, decision=decision, scope=scope
    ),
    verdict=st.sampled_from(get_args(Verdict)),
    results=results,
    reasons=reasons,
    decision=decisions,
    scope=st.sampled_from([None, "health", "redeploy_gate"]),
)


@pytest.mark.parametrize("view", [scorecard.render, screen.render], ids=["all", "screen"])
@settings(deadline=None)
@given(record=records)
def test_what_is_no_go_says_why(view: Callable[..., list[str]], record: RunRecord) -> None:
    """The last paragraph has the verdict and, for all but GO and PLANNED, a reason behind it."""
    lines = view(record, 120, color=False, ascii_only=False)
    verdict = " ".join("\n".join(lines).rpartition("\n\n")[2].split())
    why = wording.short_reason(record)

    assert bool(why.strip()) is (record.verdict not in {"GO", "PLANNED"})
    assert not why or verdict.endswith(f": {' '.join(why.split())}"), verdict


@pytest.mark.parametrize("reasons", [(), ("",)])
def test_a_record_without_a_reason_is_called_a_defect(reasons: tuple[str, ...]) -> None:
    """Nobody has to guess, and nobody takes it for a GO."""
    assert wording.short_reason(replace(EMPTY, reasons=reasons)) == wording.UNEXPLAINED


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
